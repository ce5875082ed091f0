"""The part of a discrete world that can be reached, as a graph: tables are read, predictors are asked for the rest."""

from __future__ import annotations

import itertools
import math
from typing import Final, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask
from worldtwin.improving.planning.following import Followed, follow
from worldtwin.improving.planning.values import END, Graph
from worldtwin.judging import all_starts
from worldtwin.simulation import Simulator
from worldtwin.world import Lattice, Spec

MAX_PAIRS: Final = 1 << 21
"""How many pairs of state and action a plan may weigh."""

MAX_CHOICES: Final = 4096


class Explored(Struct, frozen=True, kw_only=True, eq=False):
    """`graph`, the state rows (states, width) of its states, and the action rows (pairs, a) of its pairs."""

    states: Lattice
    actions: Lattice
    graph: Graph


def explore(simulator: Simulator) -> Explored:
    """Everything that actions can lead to from where episodes begin and from what was recorded.

    Raises `InvalidTask` when the world is not discrete, has no start, or is too large to look at as a whole.
    """
    _require_discrete(simulator.spec)
    seen = _Seen()
    frontier = seen.add(_roots(simulator))
    levels: list[tuple[NDArray[np.int64], Lattice, Followed]] = []
    pairs = first = 0
    while len(frontier):
        numbers, actions = _pairs(simulator.spec, frontier)
        followed = follow(simulator, frontier[numbers], actions)
        levels.append((numbers + first, actions, followed))
        pairs, first = pairs + len(numbers), first + len(frontier)
        if pairs > MAX_PAIRS:
            raise InvalidTask(f"more than {MAX_PAIRS:,} pairs of state and action can be reached: use a network task")
        frontier = seen.add(followed.nexts[~followed.ended])
    return _joined(levels, seen)


@final
class _Seen:
    """The state rows met so far, numbered in the order of meeting. Mutable."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._rows: list[Lattice] = []

    def add(self, rows: Lattice) -> Lattice:
        """The rows (k, width) that are new, once each; they are known from now on."""
        rows = np.ascontiguousarray(rows)
        new: list[int] = []
        for at, row in enumerate(rows):
            name = row.tobytes()
            if name not in self._numbers:
                self._numbers[name] = len(self._numbers)
                new.append(at)
        self._rows.append(rows[new])
        return rows[new]

    def numbers(self, rows: Lattice) -> NDArray[np.int64]:
        """The numbers (n,) of known rows."""
        return np.array([self._numbers[row.tobytes()] for row in np.ascontiguousarray(rows)], dtype=np.int64)

    @property
    def rows(self) -> Lattice:
        """All rows, by number."""
        return np.concatenate(self._rows)


def _roots(simulator: Simulator) -> Lattice:
    """Where to look from: every start and every recorded state."""
    starts = all_starts(simulator)
    parts = [simulator.recorded] if starts is None else [starts, simulator.recorded]
    if simulator.spec.hidden:
        parts += [table.keys[:, : simulator.spec.width] for table, _ in simulator.sources.tables]
    roots = np.concatenate(parts)
    if not len(roots):
        raise InvalidTask("nothing was recorded and there are no finitely many starts: give `start:` in the YAML")
    return roots


def count_actions(spec: Spec) -> int:
    """How many different actions a discrete world has."""
    return math.prod(int(high) - int(low) + 1 for low, high in zip(spec.action.low, spec.action.high, strict=True))


def every_action(spec: Spec) -> Lattice:
    """All actions (choices, a) of a discrete world, the last field changing first."""
    ranges = [range(int(low), int(high) + 1) for low, high in zip(spec.action.low, spec.action.high, strict=True)]
    return np.array(list(itertools.product(*ranges)), dtype=np.int64)


def _pairs(spec: Spec, states: Lattice) -> tuple[NDArray[np.int64], Lattice]:
    """Each state with each of its possible actions: the state's position (pairs,) and the action (pairs, a)."""
    every = every_action(spec)
    possible = spec.possible_actions(states)
    if possible is None:
        return np.repeat(np.arange(len(states)), len(every)), np.tile(every, (len(states), 1))
    stuck = np.logical_not(possible.any(axis=1))
    numbers, choices = np.nonzero(np.logical_or(possible, stuck[:, np.newaxis]))
    return numbers, every[choices]


def _require_discrete(spec: Spec) -> None:
    if not (spec.state.discrete and spec.action.discrete):
        raise InvalidTask(f"{spec.name} has real fields: a table cannot list them, use a network or a script task")
    if count_actions(spec) > MAX_CHOICES:
        raise InvalidTask(f"{spec.name} has more than {MAX_CHOICES:,} actions: a table cannot weigh them all")


def _joined(levels: list[tuple[NDArray[np.int64], Lattice, Followed]], seen: _Seen) -> Explored:
    """The levels of the search, one after the other, as one graph."""
    firsts = np.cumsum([0, *(len(numbers) for numbers, _, _ in levels)])
    edges = [followed for _, _, followed in levels]
    ended = np.concatenate([part.ended for part in edges])
    nexts = np.full(len(ended), END, dtype=np.int64)
    nexts[~ended] = seen.numbers(np.concatenate([part.nexts for part in edges])[~ended])
    graph = Graph(
        states=np.concatenate([numbers for numbers, _, _ in levels]),
        pairs=np.concatenate([part.pairs + first for part, first in zip(edges, firsts, strict=False)]),
        nexts=nexts,
        shares=np.concatenate([part.shares for part in edges]),
        rewards=np.concatenate([part.rewards for part in edges]),
    )
    return Explored(states=seen.rows, actions=np.concatenate([actions for _, actions, _ in levels]), graph=graph)
