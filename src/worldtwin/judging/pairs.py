"""Paired returns: both tasks in the same episodes, with the same keys, so that luck cancels."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key, Words
from worldtwin.simulation import Simulator, outcomes
from worldtwin.tasks import Actor
from worldtwin.world import Lattice, Spec


class Pair(Struct, frozen=True, kw_only=True, eq=False):
    """The returns (n,) of incumbent and candidate, in the lattice of rewards and within the spec's bounds.

    `steps` were taken in all, `guessed` of them answered by predictors.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    steps: int
    guessed: int

    @property
    def differences(self) -> NDArray[np.int64]:
        """By how much the candidate's return is higher (n,)."""
        return self.after - self.before

    def join(self, more: Pair) -> Pair:
        """These episodes and `more`."""
        return Pair(
            before=np.concatenate([self.before, more.before]),
            after=np.concatenate([self.after, more.after]),
            steps=self.steps + more.steps,
            guessed=self.guessed + more.guessed,
        )


class Pairing(Struct, frozen=True, eq=False):
    """Two tasks in one simulator."""

    candidate: Actor
    incumbent: Actor
    simulator: Simulator

    def episodes(self, first: int, last: int, *, key: Key) -> Pair:
        """The episodes numbered from `first` up to `last`, from the spec's start."""
        keys = key.episodes(np.arange(first, last))
        return self._run(self.simulator.start_states(keys), keys)

    def from_starts(self, starts: Lattice, *, key: Key) -> Pair:
        """One episode from each of the state rows `starts` (n, width)."""
        return self._run(starts, key.episodes(np.arange(len(starts))))

    def _run(self, starts: Lattice, keys: Words) -> Pair:
        spec = self.simulator.spec
        after = outcomes(self.candidate, self.simulator, starts=starts, keys=keys, horizon=spec.horizon)
        before = outcomes(self.incumbent, self.simulator, starts=starts, keys=keys, horizon=spec.horizon)
        low, high = return_bounds(spec)
        return Pair(
            before=np.clip(before.totals, low, high),
            after=np.clip(after.totals, low, high),
            steps=int(after.steps.sum() + before.steps.sum()),
            guessed=after.sources["predicted"] + before.sources["predicted"],
        )


def return_bounds(spec: Spec) -> tuple[int, int]:
    """The least and the largest return, in the lattice of rewards."""
    return round(spec.returns[0] / spec.reward_unit), round(spec.returns[1] / spec.reward_unit)
