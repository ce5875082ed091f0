"""`Episodes`: what episodes were, step by step, as columns."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.simulation.answers import Source
from worldtwin.world import Lattice, Spec, Transitions, canonical, digest_of


class Episodes(Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """The steps of n episodes, one episode after the other; all on the lattice.

    Per step (N rows): `episode`, `step`, `states` (N, width), `actions` (N, a), `nexts` (N, fields), `outputs` (N, o),
    `rewards` in steps of `spec.reward_unit`, `source`. Per episode (n rows): `totals` of rewards with what was charged,
    `steps`, whether it `ended`, or stopped where nothing was `unknown`.
    """

    spec: Spec
    episode: Lattice
    step: Lattice
    states: Lattice
    actions: Lattice
    nexts: Lattice
    outputs: Lattice
    rewards: Lattice
    source: NDArray[np.int8]
    totals: Lattice
    steps: Lattice
    ended: NDArray[np.bool_]
    unknown: NDArray[np.bool_]

    def __len__(self) -> int:
        """The number of episodes."""
        return len(self.totals)

    @property
    def returns(self) -> NDArray[np.float64]:
        """What each episode earned (n,)."""
        return self.totals.astype(np.float64) * self.spec.reward_unit

    @property
    def sources(self) -> dict[str, float]:
        """The share of steps from each source, by name; `unknown` are the episodes that stopped without an answer."""
        counts = np.bincount(self.source, minlength=len(Source))
        counts[Source.UNKNOWN] += int(self.unknown.sum())
        total = max(1, int(counts.sum()))
        return {source.name.lower(): int(counts[source]) / total for source in Source}

    @cached_property
    def digest(self) -> str:
        """The identity of everything that happened: SHA-256 over all columns."""
        columns = {name: getattr(self, name) for name in self.__struct_fields__ if name != "spec"}
        return digest_of("Episodes", canonical(columns))

    def transitions(self) -> Transitions:
        """The steps as recorded data would show them, marked as synthetic."""
        return Transitions(
            states=self.states[:, : len(self.spec.state)],
            actions=self.actions,
            nexts=self.nexts,
            outputs=self.outputs,
            episodes=self.episode,
            steps=self.step,
            synthetic=np.ones(len(self.step), dtype=np.bool_),
        )
