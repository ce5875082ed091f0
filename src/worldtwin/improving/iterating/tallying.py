"""`Tally`: how often each action was taken in each state of a discrete world, and what followed."""

from __future__ import annotations

from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from worldtwin.exact.table import tally
from worldtwin.improving.planning import END, MAX_PAIRS, Graph, every_action
from worldtwin.simulation import Simulator
from worldtwin.world import Lattice, Spec, Transitions

Edge: TypeAlias = tuple[int, int, int]
"""A pair, the state that followed or `END`, and the reward in steps of the spec's unit."""


@final
class Tally:
    """Counts of what happened. Mutable: states are numbered as they are met, pairs as state x choices + choice.

    What is seen while an episode goes on lacks the outputs, so it counts only until the record takes its place.
    """

    def __init__(self, spec: Spec) -> None:
        self._spec, self._pay = spec, Simulator(spec).pay
        self.actions = every_action(spec)
        self._choice = {row.tobytes(): number for number, row in enumerate(self.actions)}
        self._numbers = dict[bytes, int]()
        self._visits, self._allowed = list[NDArray[np.int64]](), list[NDArray[np.bool_]]()
        self._edges, self._first = dict[Edge, int](), dict[int, tuple[int, int]]()
        self._fleeting, self._tried = list[Edge](), list[int]()
        self.by_chance = False

    def __len__(self) -> int:
        """How many states were met."""
        return len(self._numbers)

    @property
    def full(self) -> bool:
        """Whether there are more pairs of state and action than a plan may weigh: then no record is counted."""
        return len(self) * len(self.actions) > MAX_PAIRS

    @property
    def visits(self) -> NDArray[np.int64]:
        """How often each action was taken in each state (states, choices)."""
        return np.array(self._visits, dtype=np.int64).reshape(len(self), len(self.actions))

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Which actions are possible in each state (states, choices); all where none is."""
        return np.array(self._allowed, dtype=np.bool_).reshape(len(self), len(self.actions))

    @property
    def edges(self) -> int:
        """How many different things happened."""
        return len(self._edges)

    def met(self, row: Lattice) -> int:
        """The number of a state `row` (width,), a new one where it was never met."""
        name = np.ascontiguousarray(row).tobytes()
        number = self._numbers.setdefault(name, len(self._numbers))
        if number == len(self._visits):
            possible = self._spec.possible_actions(row[None])
            everything = np.ones(len(self.actions), dtype=np.bool_)
            self._visits.append(np.zeros(len(self.actions), dtype=np.int64))
            self._allowed.append(everything if possible is None or not possible.any() else possible[0])
        return number

    def allow(self, state: int, possible: NDArray[np.bool_]) -> None:
        """Remember which actions (choices,) are possible in `state`, as the environment says itself."""
        self._allowed[state] = possible.copy()

    def here(self, state: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """How often each action was taken in `state` (choices,), and which are possible (choices,)."""
        return self._visits[state], self._allowed[state]

    def try_out(self, state: int, choice: int) -> None:
        """Count that the action was taken, whatever follows."""
        self._visits[state][choice] += 1
        self._tried.append(state * len(self.actions) + choice)

    def follow(self, row: Lattice, choice: int, then: Lattice) -> None:
        """Count that the episode went on from `row` (width,) to the state row `then` (width,)."""
        pair, number = self.met(row) * len(self.actions) + choice, self.met(then)
        outputs = self._spec.outputs.low[None]
        fields = then[None, : len(self._spec.inner)]
        paid, _, trapped = self._pay.of_rows(row[None], self.actions[choice : choice + 1], fields, outputs)
        edge = pair, number, 0 if trapped[0] else int(paid[0])
        self.by_chance |= pair in self._first and self._first[pair][0] != number
        self._edges[edge] = self._edges.get(edge, 0) + 1
        self._fleeting.append(edge)

    def learn(self, rows: Transitions) -> None:
        """Count the recorded `rows` in the place of what was seen since this was last done."""
        for edge in self._fleeting:
            self._edges[edge] -= 1
            if not self._edges[edge]:
                del self._edges[edge]
        whole = len(rows) >= len(self._tried)
        for pair in self._tried if whole else ():
            self._visits[pair // len(self.actions)][pair % len(self.actions)] -= 1
        self._fleeting.clear()
        self._tried.clear()
        if len(rows):
            self._record(rows, visits=whole)

    @property
    def rows(self) -> list[Lattice]:
        """The state rows (width,) that were met, by number."""
        return [np.frombuffer(name, dtype=np.int64) for name in self._numbers]

    def followers(self, chosen: Lattice) -> dict[int, list[int]]:
        """The states that followed each state by the `chosen` choices (states,), but for what ended."""
        found = dict[int, list[int]]()
        for pair, then, _ in sorted(self._edges):
            state, choice = divmod(pair, len(self.actions))
            if then != END and choice == chosen[state] and then not in found.setdefault(state, []):
                found[state].append(then)
        return found

    def graph(self) -> Graph:
        """All pairs, also those that are not possible, with what followed them."""
        ordered = sorted(self._edges.items())
        edges = np.array([edge for edge, _ in ordered], dtype=np.int64).reshape(-1, 3)
        counts = np.array([times for _, times in ordered], dtype=np.int64)
        totals = np.bincount(edges[:, 0], counts, minlength=len(self) * len(self.actions))
        return Graph(
            states=np.repeat(np.arange(len(self)), len(self.actions)),
            pairs=edges[:, 0],
            nexts=edges[:, 1],
            shares=counts / totals[edges[:, 0]],
            rewards=edges[:, 2].astype(np.float64) * self._spec.reward_unit,
        )

    def _record(self, rows: Transitions, *, visits: bool) -> None:
        spec, width = self._spec, self._spec.width
        before = rows.full_states(spec)
        paid, ended, trapped = self._pay.of_rows(before, rows.actions, rows.nexts, rows.outputs)
        worst = round(spec.returns[0] / spec.reward_unit)
        after = spec.shift(before, rows.actions, rows.nexts)
        parts = [before, after, rows.actions, (ended | trapped)[:, None], np.where(trapped, worst, paid)[:, None]]
        different, counts = tally(list(np.concatenate(parts, axis=1, dtype=np.int64).T))
        for row, times in zip(different, counts.tolist(), strict=True):
            if self.full:
                return
            state, choice = self.met(row[:width]), self._choice[row[2 * width : -2].tobytes()]
            then = END if row[-2] else self.met(row[width : 2 * width])
            self._add((state * len(self.actions) + choice, then, int(row[-1])), times)
            self._visits[state][choice] += times * visits

    def _add(self, edge: Edge, times: int) -> None:
        pair, then, paid = edge
        self.by_chance |= self._first.setdefault(pair, (then, paid)) != (then, paid)
        self._edges[edge] = self._edges.get(edge, 0) + times
