"""`Machine`: hidden states that a record can be explained by, and what it is like in each of them."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from worldtwin.exact import RowIndex
from worldtwin.exact.table import tally
from worldtwin.learning.memory.course import followers, numbered
from worldtwin.learning.memory.filtering import Followed, Seen, Usual, filtered, indexed
from worldtwin.learning.memory.merging import Codes, Floats, Table
from worldtwin.world import Lattice, Spec, Transitions, is_discrete


class Sightings(Struct, frozen=True, kw_only=True, eq=False):
    """n steps in order of time: it looked like `looks` (n,), `actions` gave `results`, then `next_looks`.

    All are numbers from 0 on; a result is the next look with the discrete outputs. `follows` (n,): the row is the step
    right after the row before.
    """

    looks: Lattice
    actions: Lattice
    results: Lattice
    next_looks: Lattice
    follows: NDArray[np.bool_]

    def __len__(self) -> int:
        """The number of steps."""
        return len(self.looks)

    @staticmethod
    def of(spec: Spec, rows: Transitions) -> Sightings:
        """What was seen of a discrete world in `rows`."""
        discrete = [column for column, field in enumerate(spec.outputs.fields) if is_discrete(field)]
        both = numbered(np.concatenate([rows.states, rows.nexts]))
        return Sightings(
            looks=both[: len(rows)],
            actions=numbered(rows.actions),
            results=numbered(np.concatenate([rows.nexts, rows.outputs[:, discrete]], axis=1)),
            next_looks=both[len(rows) :],
            follows=followers(rows),
        )

    def at(self, positions: Lattice) -> Sightings:
        """The steps at rising `positions` (m,): those whose predecessor is left out begin a run of their own."""
        parts = {name: getattr(self, name)[positions] for name in self.__struct_fields__}
        unbroken = np.diff(positions, prepend=-2) == 1
        return Sightings(**{**parts, "follows": parts["follows"] & unbroken})


class Machine(Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """Hidden states, each with one look (states,); `edges` (e, 3) are (state, action, result) in their order.

    Each edge leads to the state in `leads` (e,), -1 where that is not known, and was passed `counts` (e,) times.
    Episodes began `began` (states,) times in each state. A result that a state never gave is as likely as `prior`
    occurrences of what is given by all the states that look the same. Actions are below `actions`, results `results`.
    """

    looks: Lattice
    edges: Lattice
    leads: Lattice
    counts: Lattice
    began: Floats
    prior: float
    actions: int
    results: int

    def __len__(self) -> int:
        """The number of hidden states."""
        return len(self.looks)

    @property
    def codes(self) -> Codes:
        """How many results there are, and how many keys each state has: one for each symbol, one for each action."""
        return Codes(self.results, self.actions * (self.results + 1))

    def follow(self, seen: Sightings) -> Followed:
        """Where the machine is at each step of `seen`, whose numbers mean what they meant when it was learned."""
        symbols = seen.actions * self.results + seen.results
        often = np.bincount(self.edges[:, 0], weights=self.counts, minlength=len(self)).astype(np.float64)
        began = self.began if self.began.any() else often
        steps = Seen(seen.looks, symbols, self._chances(seen), seen.follows)
        return filtered(Usual(self.looks, began, often), self._table, steps, self.codes, self.prior)

    def counted(self, seen: Sightings) -> Machine:
        """The machine with the counts of `seen`, where it is sure of its state, instead of its own."""
        followed = self.follow(seen)
        sure, first = np.flatnonzero(followed.states >= 0), len(self.edges)
        columns = [np.concatenate([self.edges[:, 0], followed.states[sure]])]
        columns += [np.concatenate([self.edges[:, 1], seen.actions[sure]])]
        columns += [np.concatenate([self.edges[:, 2], seen.results[sure]])]
        times = np.r_[np.zeros(first, dtype=np.int64), np.ones(len(sure), dtype=np.int64)]
        every, counts = tally(columns, times)
        place = numbered(np.stack(columns, axis=1))[:first]
        leads = np.full(len(every), -1, dtype=np.int64)
        leads[place] = self.leads
        return structs.replace(self, edges=every, leads=leads, counts=counts, began=followed.starts)

    def surprise(self, seen: Sightings, states: Lattice) -> Floats:
        """How surprised (n,), in nats, a simulator is by the steps of `seen`, when the machine is in `states` (n,).

        It says what followed in the state; where that is not sure, or nobody acted so in it, what is usual in its look.
        """
        times = _at(self.edges, self.counts, [states, seen.actions, seen.results])
        rows, totals = tally([self.edges[:, 0], self.edges[:, 1]], self.counts)
        whole = _at(rows, totals, [states, seen.actions])
        told = likelihood(times, whole, self.results)
        return -np.log(np.where(whole > 0, told, self._chances(seen)))

    def leads_to(self, states: Lattice, actions: Lattice, results: Lattice) -> Lattice:
        """The state (n,) after `actions` (n,) in `states` (n,) gave `results` (n,); their number where not known."""
        place = RowIndex(self.edges).find(np.stack([states, actions, results], axis=1))
        leads = np.where(place >= 0, self.leads[place], -1)
        return np.where(leads >= 0, leads, len(self))

    @cached_property
    def _table(self) -> Table:
        rows, totals = tally([self.edges[:, 0], self.edges[:, 1]], self.counts)
        symbols, span = self.edges[:, 1] * self.results + self.edges[:, 2], self.codes.span
        wanted = [self.edges[:, 0] * span + symbols, (rows[:, 0] + 1) * span - 1 - rows[:, 1]]
        keys, places = indexed(np.concatenate(wanted))
        target, passes = np.full(len(keys), -1, dtype=np.int64), np.zeros(len(keys), dtype=np.int64)
        target[places[: len(symbols)]] = self.leads
        passes[places] = np.concatenate([self.counts, totals])
        return Table(keys, target, passes)

    def _chances(self, seen: Sightings) -> Floats:
        """How likely the result of each step is, by all states that look the same."""
        looks = self.looks[self.edges[:, 0]]
        cells, times = tally([looks, self.edges[:, 1], self.edges[:, 2]], self.counts)
        rows, totals = tally([looks, self.edges[:, 1]], self.counts)
        time = _at(cells, times, [seen.looks, seen.actions, seen.results])
        return likelihood(time, _at(rows, totals, [seen.looks, seen.actions]), self.results)


def likelihood(times: Lattice, totals: Lattice, results: int) -> Floats:
    """How likely something is that was seen `times` (n,) of `totals` (n,), when nothing is impossible."""
    return (times + 0.5 / results) / (totals + 0.5)


def _at(rows: Lattice, counts: Lattice, columns: list[Lattice]) -> Lattice:
    place = RowIndex(rows).find(np.stack(columns, axis=1))
    return np.where(place >= 0, counts[place], 0)
