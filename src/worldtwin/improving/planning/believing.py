"""From a plan over hidden states to an automaton, which sees none of them: its nodes are what it believes.

A belief is how likely each hidden state is after all that was seen and done. The action is the one that is worth most
on average over it, as if all were known after the next step (QMDP; Littman, Cassandra and Kaelbling 1995). What can be
seen next, and what is believed then, follows from the tables; so beliefs can be listed beforehand.
"""

from __future__ import annotations

from collections import deque
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask
from worldtwin.exact.table import tally
from worldtwin.improving.planning.exploring import Explored
from worldtwin.improving.planning.values import END, Valued
from worldtwin.simulation import Simulator, Table
from worldtwin.tasks import LOST, START, Task
from worldtwin.world import Lattice

MOST_NODES: Final = 1 << 14
PARTS: Final = 64
"""A belief is told in so many parts: what is less likely is not believed at all."""

Belief: TypeAlias = tuple[tuple[int, int], ...]
"""States that look alike, and how likely each is in parts of 64."""


def automaton(simulator: Simulator, seen: Explored, found: Valued) -> Task:
    """The automaton that follows what the pairs are worth, from wherever episodes begin, and when it is lost."""
    listed = _Listed(seen, found)
    for node, rows, counts in ((START, *_begins(simulator)), (LOST, *_usual(simulator))):
        numbers = listed.numbers(rows)
        known = numbers >= 0
        listed.begin(node, numbers[known], counts[known])
    listed.all()
    spec = simulator.spec
    return Task.automaton(
        spec,
        np.array([(node, *seen.states[state, : len(spec.state)]) for node, state, _ in listed.rules], dtype=np.int64),
        seen.actions[[listed.chosen[there] for _, _, there in listed.rules]],
        np.array([there for _, _, there in listed.rules], dtype=np.int64),
    )


@final
class _Listed:
    """The beliefs listed so far, each with its node and the pair `chosen` there. Mutable.

    `rules` are (node, a state that looks as what is seen, the node then).
    """

    def __init__(self, seen: Explored, found: Valued) -> None:
        self._graph, self._found = seen.graph, found
        self._rows = seen.states
        self._edges = np.searchsorted(seen.graph.pairs, np.arange(len(seen.graph.states) + 1))
        self._ends = np.append(found.first, len(seen.graph.states))
        looks = np.unique(seen.states[:, :-1], axis=0, return_inverse=True)[1]
        self._looks: list[int] = looks.ravel().tolist()
        self._by_row = {row.tobytes(): number for number, row in enumerate(np.ascontiguousarray(seen.states))}
        self._nodes: dict[Belief, int] = {}
        self._open: deque[Belief] = deque()
        self.chosen: dict[int, int] = {}
        self.rules: list[tuple[int, int, int]] = []

    def numbers(self, rows: Lattice) -> NDArray[np.int64]:
        """The numbers (n,) of state rows (n, width), -1 for what cannot be reached."""
        found = [self._by_row.get(row.tobytes(), -1) for row in np.ascontiguousarray(rows)]
        return np.array(found, dtype=np.int64)

    def begin(self, node: int, states: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Go from `node` to where it is likely to be: by the `counts` (n,) of those `states` (n,) that look right."""
        self._go(node, dict(zip(states.tolist(), counts.tolist(), strict=True)))

    def all(self) -> None:
        """List what can be believed after each belief."""
        while self._open:
            belief = self._open.popleft()
            self._go(self._nodes[belief], self._after(belief))

    def _after(self, belief: Belief) -> dict[int, float]:
        """How likely each state is after the action that is chosen in `belief`; what ended is left out."""
        choice = self.chosen[self._nodes[belief]] - int(self._found.first[belief[0][0]])
        likely: dict[int, float] = {}
        for state, parts in belief:
            pair = int(self._found.first[state]) + choice
            edges = slice(int(self._edges[pair]), int(self._edges[pair + 1]))
            for then, share in zip(self._graph.nexts[edges].tolist(), self._graph.shares[edges].tolist(), strict=True):
                if then != END:
                    likely[then] = likely.get(then, 0.0) + parts * share
        return likely

    def _go(self, node: int, likely: dict[int, float] | dict[int, int]) -> None:
        """Rules from `node` for each look among the states that are `likely`."""
        looks: dict[int, dict[int, float]] = {}
        for state, weight in likely.items():
            looks.setdefault(self._looks[state], {})[state] = weight
        for alike in looks.values():
            there = self._node(_rounded(alike))
            if there >= 0:
                self.rules.append((node, next(iter(alike)), there))

    def _node(self, belief: Belief) -> int:
        """The node of `belief`; -1 where there are too many already."""
        known = self._nodes.get(belief)
        if known is not None:
            return known
        if len(self._nodes) >= MOST_NODES:
            return -1
        node = self._nodes[belief] = LOST + 1 + len(self._nodes)
        self.chosen[node] = self._best(belief)
        self._open.append(belief)
        return node

    def _best(self, belief: Belief) -> int:
        """The pair of the first state whose action is worth most on average; ties go to the first action."""
        first = [int(self._found.first[state]) for state, _ in belief]
        count = int(self._ends[np.searchsorted(self._found.first, first[0]) + 1]) - first[0]
        worth = sum(
            parts * self._found.worth[pair : pair + count] for pair, (_, parts) in zip(first, belief, strict=True)
        )
        slack = PARTS * self._found.slack
        return first[0] + int(np.argmax(worth >= np.max(worth) - slack))


def _rounded(likely: dict[int, float]) -> Belief:
    """How likely states are in parts; at least the likeliest one has some."""
    total = sum(likely.values())
    parts = [(state, round(PARTS * weight / total)) for state, weight in sorted(likely.items())]
    some = tuple((state, share) for state, share in parts if share)
    return some or ((max(likely, key=lambda state: likely[state]), PARTS),)


def _begins(simulator: Simulator) -> tuple[Lattice, NDArray[np.int64]]:
    """The states (n, width) in which episodes begin, and how often each was counted (n,)."""
    begins = simulator.begins
    if not isinstance(begins, Table):
        raise InvalidTask(f"{simulator.spec.name} has no hidden states")
    return np.c_[np.repeat(begins.keys, np.diff(begins.offsets), axis=0), begins.values], begins.counts


def _usual(simulator: Simulator) -> tuple[Lattice, NDArray[np.int64]]:
    """All states (n, width) that were seen, and how often (n,)."""
    width = simulator.spec.width
    parts = [(table.keys[:, :width], table.edges.totals) for table, _ in simulator.sources.tables]
    keys = np.concatenate([rows for rows, _ in parts])
    return tally(list(keys.T), np.concatenate([counts for _, counts in parts]))
