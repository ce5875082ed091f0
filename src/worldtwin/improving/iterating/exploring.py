"""`Explorer`: goes where a discrete world is least known, so that few real steps show most of it.

It acts by an optimistic plan on what was counted so far: what is hardly known is worth the highest return there is, so
it either gets that or learns something (R-max; Brafman and Tennenholtz 2002). The record is in docs/decisions.
"""

from __future__ import annotations

import math
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from worldtwin.improving.iterating.recalling import recalling
from worldtwin.improving.iterating.tallying import Tally
from worldtwin.improving.planning import MAX_CHOICES, SWEEPS, Seen, count_actions, hoped
from worldtwin.world import Lattice, Spec, Transitions

OFTEN: Final = 20
"""How often a pair of state and action must have been seen to be known, where what follows is chance."""

SURE: Final = 5
"""How often every pair must have been seen, and nothing of it by chance, before there is nothing more to learn."""

PACE: Final = 1 << 19
"""Between two plans lie at least so many steps: a plan's edges times the steps that it looks ahead, over this."""


def is_explorable(spec: Spec) -> bool:
    """Whether pairs of state and action can be counted."""
    if not (spec.state.discrete and spec.action.discrete) or spec.stateless:
        return False
    return count_actions(spec) <= MAX_CHOICES


@final
class Explorer:
    """An actor for one real episode at a time, without chance of its own. Mutable: it counts what happens.

    Where it recalls some steps, these stand for what the fields hide.
    """

    memory_width = 0

    def __init__(self, spec: Spec, *, recalls: int = 0) -> None:
        self._spec = recalling(spec, recalls) if recalls else spec
        self._tally, self._recalls = Tally(self._spec), recalls
        self._last: tuple[Lattice, int] | None = None
        self._hoped, self._acted, self._planned = np.zeros((0, 0)), 0, -math.inf
        self._needed, self._stale = 1, True

    @property
    def visits(self) -> NDArray[np.int64]:
        """How often each action was taken in each state that was met (states, choices)."""
        return self._tally.visits

    @property
    def full(self) -> bool:
        """Whether more was met than can be counted and weighed: then it takes one action after the other."""
        return self._tally.full

    @property
    def done(self) -> bool:
        """Whether all that can be done in the states that were met was seen often, and nothing of it is chance."""
        seen = self._tally
        return len(seen) > 0 and not seen.by_chance and bool((seen.visits >= SURE)[seen.allowed].all())

    def start_memory(self, n: int) -> NDArray[np.float64]:
        """Nothing (n, 0): an episode begins."""
        self._last, self._stale = None, True
        self._needed = self._need()
        return np.zeros((n, 0))

    def act_rows(
        self, states: Lattice, memory: NDArray[np.float64], possible: NDArray[np.bool_] | None
    ) -> tuple[Lattice, NDArray[np.float64]]:
        """The action (1, a) in the one state of `states` (1, width): what is least known there, or the way to such."""
        if self.full:
            return self._in_turn(possible), memory
        row = self._row(states)
        here = self._tally.met(row)
        if possible is not None and possible.any():
            self._tally.allow(here, possible[0])
        if self._last is not None:
            self._tally.follow(*self._last, row)
        choice = self._chosen(here)
        self._tally.try_out(here, choice)
        self._stale |= self._tally.here(here)[0][choice] == self._needed
        self._acted += 1
        self._last = row, choice
        return self._tally.actions[choice : choice + 1], memory

    def _in_turn(self, possible: NDArray[np.bool_] | None) -> Lattice:
        """The next of the actions (1, a) that are possible, without a look at the state."""
        self._acted += 1
        some = np.arange(len(self._tally.actions))
        if possible is not None and possible.any():
            some = some[possible[0]]
        return self._tally.actions[some[[self._acted % len(some)]]]

    def learn(self, rows: Transitions) -> None:
        """Take in the recorded `rows`, in the place of what it saw itself since it last did."""
        self._tally.learn(rows.select(~rows.synthetic))
        self._last, self._stale = None, True

    def _row(self, states: Lattice) -> Lattice:
        """The state row (width,) that it goes by, where it is shown the one of `states` (1, fields or width)."""
        if not self._recalls:
            return states[0]
        if self._last is None:
            return self._spec.start_rows(states)[0]
        before, choice = self._last
        return self._spec.shift(before[None], self._tally.actions[choice : choice + 1], states)[0]

    def _need(self) -> int:
        """How often a pair must have been seen to be known.

        `OFTEN` where there is chance, unless steps are recalled: then what looks like chance may be what they do not
        tell apart. Else once more than the least seen of all pairs, up to `SURE` times.
        """
        seen = self._tally
        if seen.by_chance and not self._recalls:
            return OFTEN
        return min(SURE, 1 + int(seen.visits[seen.allowed].min(initial=SURE))) if len(seen) else 1

    def _chosen(self, here: int) -> int:
        """What is hardly known here, the least known first; or the first of what may be worth most."""
        visits, allowed = self._tally.here(here)
        hardly = allowed & (visits < self._needed)
        if hardly.any():
            return int(np.argmin(np.where(hardly, visits, np.iinfo(np.int64).max)))
        if self._stale and self._acted - self._planned >= self._pause():
            self._plan()
        if here >= len(self._hoped):
            return int(np.argmin(np.where(allowed, visits, np.iinfo(np.int64).max)))
        return int(np.argmax(np.where(allowed, self._hoped[here], -np.inf)))

    def _pause(self) -> int:
        """How many steps must lie between two plans, by the work that one is."""
        return self._tally.edges * min(self._spec.horizon, SWEEPS) // PACE

    def _plan(self) -> None:
        """Weigh everything that was met so far."""
        seen, spec = self._tally, self._spec
        visits, allowed = seen.visits, seen.allowed
        returns = (0.0, 1.0) if spec.reward is None else spec.returns
        weighed = hoped(
            seen.graph(),
            Seen(visits.ravel(), ((visits < self._needed) & allowed).ravel()),
            horizon=spec.horizon,
            returns=returns,
        )
        self._hoped = weighed.reshape(visits.shape)
        self._planned, self._stale = self._acted, False
