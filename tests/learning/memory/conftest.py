"""Small worlds whose memory is known: what they show, and what they hide."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from measured_rows import episodes_of

from worldtwin.world import Category, Integer, Set, Space, Spec, Transitions

World = tuple[Spec, Transitions, np.ndarray]
"""The spec, what was recorded, and the hidden state (n + 1,) that led there and back."""


def spec_of(name: str, shown: Category | Integer | Set, field: str, actions: Sequence[str]) -> Spec:
    return Spec(
        name=name,
        state=Space((field,), (shown,)),
        action=Space(("move",), (Category(tuple(actions)),)),
        horizon=1000,
    )


def rows_of(shown: np.ndarray, actions: np.ndarray, after: np.ndarray, length: int | None = None) -> Transitions:
    count = len(actions)
    length = length or count
    return episodes_of(
        shown[:, None].astype(np.int64),
        actions[:, None].astype(np.int64),
        after[:, None].astype(np.int64),
        length=length,
    )


def walked(step: Callable[[int, int], int], actions: np.ndarray, length: int | None = None) -> np.ndarray:
    """The states (n, 2) before and after each action; every `length` steps it starts at state 0 again."""
    path, state = np.empty((len(actions), 2), dtype=np.int64), 0
    for t, action in enumerate(actions.tolist()):
        if length and t % length == 0:
            state = 0
        path[t, 0] = state
        path[t, 1] = state = step(state, action)
    return path


@pytest.fixture(scope="session")
def maze() -> Callable[[int, int, int], World]:
    """A random walk through a maze of side x side cells, each shown by its exits only."""

    def make(side: int, count: int, seed: int) -> World:
        chance = np.random.default_rng(seed)
        moves = (-side, 1, side, -1)
        exits: list[set[int]] = [set() for _ in range(side * side)]

        def inside(cell: int, way: int) -> bool:
            row, column = divmod(cell, side)
            return (row > 0, column < side - 1, row < side - 1, column > 0)[way]

        def open_up(cell: int, way: int) -> None:
            exits[cell].add(way)
            exits[cell + moves[way]].add((way + 2) % 4)

        seen, stack = {0}, [0]
        while stack:
            cell = stack[-1]
            ways = [way for way in range(4) if inside(cell, way) and cell + moves[way] not in seen]
            if not ways:
                stack.pop()
                continue
            way = int(chance.choice(ways))
            open_up(cell, way)
            stack.append(cell + moves[way])
            seen.add(stack[-1])
        for cell in range(side * side):
            for way in (1, 2):
                if inside(cell, way) and chance.random() < 0.15:
                    open_up(cell, way)
        shown = np.array([sum(1 << way for way in each) for each in exits])
        ways_of = [sorted(each) for each in exits]
        cell, path, actions = 0, np.empty((count, 2), dtype=np.int64), np.empty(count, dtype=np.int64)
        for t, share in enumerate(chance.random(count).tolist()):
            way = ways_of[cell][int(share * len(ways_of[cell]))]
            path[t, 0], actions[t] = cell, way
            cell += moves[way]
            path[t, 1] = cell
        spec = spec_of("maze", Set(("n", "e", "s", "w")), "exits", ("n", "e", "s", "w"))
        return spec, rows_of(shown[path[:, 0]], actions, shown[path[:, 1]]), path

    return make


@pytest.fixture(scope="session")
def chances() -> Callable[..., World]:
    """A random world of `states`, shown modulo `shown`; each action leads to three states that look different."""

    def make(states: int, shown: int, count: int, seed: int, length: int | None = None) -> World:
        chance = np.random.default_rng(seed)
        looks = np.arange(states) % shown
        targets = np.empty((states, 4, 3), dtype=np.int64)
        for state in range(states):
            for action in range(4):
                kinds = chance.choice(shown, 3, replace=False)
                targets[state, action] = [chance.choice(np.flatnonzero(looks == kind)) for kind in kinds]
        ends = np.cumsum(chance.dirichlet(np.ones(3), size=(states, 4)), axis=-1)
        actions, shares = chance.integers(4, size=count), iter(chance.random(count).tolist())

        def step(state: int, action: int) -> int:
            return int(targets[state, action, min(2, np.searchsorted(ends[state, action], next(shares)))])

        path = walked(step, actions, length)
        spec = spec_of("chances", Integer(low=0, high=shown - 1), "look", tuple("abcd"))
        return spec, rows_of(looks[path[:, 0]], actions, looks[path[:, 1]], length), path

    return make


@pytest.fixture(scope="session")
def lock() -> Callable[[int, int], World]:
    """A lock that opens after a b c b in a row, in episodes of 20 steps; it shows only whether it is open."""

    def make(count: int, seed: int) -> World:
        code = (0, 1, 2, 1)

        def step(state: int, action: int) -> int:
            if state < len(code) and action == code[state]:
                return state + 1
            return int(action == code[0])

        actions = np.random.default_rng(seed).integers(3, size=count)
        path = walked(step, actions, 20)
        spec = spec_of("lock", Category(("shut", "open")), "door", tuple("abc"))
        return spec, rows_of(path[:, 0] == 4, actions, path[:, 1] == 4, 20), path

    return make


@pytest.fixture(scope="session")
def coffee() -> Callable[[int, int], World]:
    """A machine that needs water and a pod before the button, in episodes of 20 steps; it shows ok, coffee or error."""

    def make(count: int, seed: int) -> World:
        table = {0: (1, 2, 5, 0), 1: (1, 3, 5, 0), 2: (3, 2, 5, 0), 3: (3, 3, 4, 0), 4: (5, 5, 5, 0), 5: (5, 5, 5, 5)}
        actions = np.random.default_rng(seed).integers(4, size=count)
        path = walked(lambda state, action: table[state][action], actions, 20)
        shown = np.array([0, 0, 0, 0, 1, 2])
        spec = spec_of("coffee", Category(("ok", "coffee", "error")), "display", ("water", "pod", "button", "clean"))
        return spec, rows_of(shown[path[:, 0]], actions, shown[path[:, 1]], 20), path

    return make
