"""Small worlds whose hidden state is known: what they show, what they hide, and how sure one can be at best."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Lattice = NDArray[np.int64]
Floats = NDArray[np.float64]


class HiddenWorld(Struct, frozen=True, kw_only=True, eq=False):
    """States that look like `looks` (states,): an action leads to one of `targets` (states, actions, ways).

    Ways have the `chances` (states, actions, ways); a target of -1 is an action that cannot be taken. Ways of one
    state and action look different, so the next look says which one it was. Every episode begins in state 0.
    """

    name: str
    looks: Lattice
    targets: Lattice
    chances: Floats


class Walk(NamedTuple):
    """n random steps (n,): from `states`, that look like `looks`, `actions` led to what looks like `nexts`.

    `follows`: a step right after the one before. `best`: the surprise of whoever knows the world and its state, in
    nats. `choices`: how many actions could be taken.
    """

    states: Lattice
    looks: Lattice
    actions: Lattice
    nexts: Lattice
    follows: NDArray[np.bool_]
    best: Floats
    choices: Lattice


def walk(world: HiddenWorld, count: int, length: int | None, seed: int) -> Walk:
    """`count` random steps, in episodes of `length` or in one stream."""
    chance = np.random.default_rng(seed)
    possible = [np.flatnonzero(targets[:, 0] >= 0) for targets in world.targets]
    ends = np.cumsum(world.chances, axis=-1)
    path, states = np.empty((count, 3), dtype=np.int64), np.empty(count, dtype=np.int64)
    state = 0
    for t, (share, fate) in enumerate(chance.random((count, 2)).tolist()):
        if length is not None and t % length == 0:
            state = 0
        action = int(possible[state][int(share * len(possible[state]))])
        way = min(int(np.searchsorted(ends[state, action], fate)), ends.shape[-1] - 1)
        path[t], states[t] = (action, way, world.targets[state, action, way]), state
        state = int(path[t, 2])
    follows = np.arange(count) % (length or count) != 0
    return Walk(
        states=states,
        looks=world.looks[states],
        actions=path[:, 0],
        nexts=world.looks[path[:, 2]],
        follows=follows,
        best=-np.log(world.chances[states, path[:, 0], path[:, 1]]),
        choices=np.array([len(each) for each in possible])[states],
    )


def coffee() -> HiddenWorld:
    """A machine that needs water and a pod before the button; it shows ok, coffee or error."""
    table = [[1, 2, 5, 0], [1, 3, 5, 0], [3, 2, 5, 0], [3, 3, 4, 0], [5, 5, 5, 0], [5, 5, 5, 5]]
    return _certain("coffee machine", [0, 0, 0, 0, 1, 2], table)


def lock() -> HiddenWorld:
    """A lock that opens after a b c b in a row; it shows only whether it is open."""
    code = (0, 1, 2, 1)
    table = [
        [state + 1 if state < len(code) and action == code[state] else int(action == code[0]) for action in range(3)]
        for state in range(len(code) + 1)
    ]
    return _certain("lock", [0, 0, 0, 0, 1], table)


def maze(side: int, seed: int) -> HiddenWorld:
    """A maze of side x side cells, each shown by its exits only."""
    chance, moves = np.random.default_rng(seed), (-side, 1, side, -1)
    table = np.full((side * side, 4), -1)

    def ways(cell: int) -> list[int]:
        row, column = divmod(cell, side)
        return np.flatnonzero([row > 0, column < side - 1, row < side - 1, column > 0]).tolist()

    def open_up(cell: int, way: int) -> None:
        table[cell, way], table[cell + moves[way], (way + 2) % 4] = cell + moves[way], cell

    seen, stack = {0}, [0]
    while stack:
        unseen = [way for way in ways(stack[-1]) if stack[-1] + moves[way] not in seen]
        if not unseen:
            stack.pop()
            continue
        way = int(chance.choice(unseen))
        open_up(stack[-1], way)
        stack.append(stack[-1] + moves[way])
        seen.add(stack[-1])
    for cell in range(side * side):
        for way in {1, 2} & set(ways(cell)):
            if chance.random() < 0.15:
                open_up(cell, way)
    exits = ((table >= 0) * np.array([1, 2, 4, 8])).sum(axis=1)
    return _certain(f"maze, {side * side} cells", np.unique(exits, return_inverse=True)[1].tolist(), table.tolist())


def chances(states: int, shown: int, seed: int) -> HiddenWorld:
    """A random world shown modulo `shown`; each of 4 actions leads to three states that look different."""
    chance, looks = np.random.default_rng(seed), np.arange(states) % shown
    targets = np.empty((states, 4, 3), dtype=np.int64)
    for state, action in np.ndindex(states, 4):
        kinds = chance.choice(shown, 3, replace=False)
        targets[state, action] = [chance.choice(np.flatnonzero(looks == kind)) for kind in kinds]
    likely = chance.dirichlet(np.ones(3), size=(states, 4))
    return HiddenWorld(name=f"random, {states} states/{shown} looks", looks=looks, targets=targets, chances=likely)


def _certain(name: str, looks: list[int], table: list[list[int]]) -> HiddenWorld:
    targets = np.array(table, dtype=np.int64)[:, :, None]
    return HiddenWorld(name=name, looks=np.array(looks), targets=targets, chances=np.ones(targets.shape))
