"""Paired returns: both tasks in the same episodes, with the same keys, so that luck cancels."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key, Words
from worldtwin.judging.enumeration import Watched, all_starts, draws_anywhere, draws_at
from worldtwin.simulation import Backend, Outcomes, Simulator, outcomes
from worldtwin.tasks import Actor
from worldtwin.world import Lattice, Spec


class Pair(Struct, frozen=True, kw_only=True, eq=False):
    """The returns (n,) of incumbent and candidate, in the lattice of rewards and within the spec's bounds.

    `steps` were taken in all; an episode that stops at once counts as one.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    steps: int

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
        )


class Pairing(Struct, frozen=True, eq=False):
    """Two tasks in one simulator, computed by `backend` (NumPy, unless given)."""

    candidate: Actor
    incumbent: Actor
    simulator: Simulator
    backend: Backend | None = None

    def episodes(self, first: int, last: int, *, key: Key) -> Pair:
        """The episodes numbered from `first` up to `last`, from the spec's start."""
        keys = key.episodes(np.arange(first, last))
        return self.from_starts(self.simulator.start_states(keys), keys)

    def from_starts(self, starts: Lattice, keys: Words) -> Pair:
        """The episodes with the own `keys` (n, 2) from the state rows `starts` (n, width)."""
        spec = self.simulator.spec
        after, before = (self._outcomes(actor, starts, keys) for actor in (self.candidate, self.incumbent))
        low, high = return_bounds(spec)
        return Pair(
            before=np.clip(before.totals, low, high),
            after=np.clip(after.totals, low, high),
            steps=int(np.maximum(after.steps, 1).sum() + np.maximum(before.steps, 1).sum()),
        )

    def everything(self, *, key: Key, budget: int) -> Pair | None:
        """All the runs that there are within `budget` steps; None where there are more, or chance has a say in them."""
        starts = all_starts(self.simulator, most=max(1, budget // (2 * self.simulator.spec.horizon)))
        if starts is None:
            return None
        keys = key.episodes(np.arange(len(starts)))
        if not draws_anywhere(self.simulator):
            return self.from_starts(starts, keys)
        if self._draws_first(starts):
            return None
        candidate, incumbent = Watched(self.candidate, self.simulator), Watched(self.incumbent, self.simulator)
        pair = Pairing(candidate, incumbent, self.simulator, self.backend).from_starts(starts, keys)
        return None if candidate.drew or incumbent.drew else pair

    def _outcomes(self, actor: Actor, starts: Lattice, keys: Words) -> Outcomes:
        horizon = self.simulator.spec.horizon
        return outcomes(actor, self.simulator, starts=starts, keys=keys, horizon=horizon, backend=self.backend)

    def _draws_first(self, starts: Lattice) -> bool:
        """Whether chance has a say in the first step already, as it mostly has where it has one at all."""
        possible = self.simulator.spec.possible_actions(starts)
        moves = [
            actor.act_rows(starts, actor.start_memory(len(starts)), possible)[0]
            for actor in (self.candidate, self.incumbent)
        ]
        return any(draws_at(self.simulator, starts, actions) for actions in moves)


def return_bounds(spec: Spec) -> tuple[int, int]:
    """The least and the largest return, in the lattice of rewards."""
    return round(spec.returns[0] / spec.reward_unit), round(spec.returns[1] / spec.reward_unit)
