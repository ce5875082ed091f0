"""What a walk paid and where its episodes stopped: the one place where rewards and endings are evaluated."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from worldtwin.simulation.answers import Source
from worldtwin.simulation.running.backend import Walk
from worldtwin.simulation.running.flock import Flock, Mask
from worldtwin.simulation.simulator import Simulator
from worldtwin.world import Lattice


class Settled(Struct, frozen=True, kw_only=True, eq=False):
    """The steps from `first` on that a walk came to, with what they paid, for the episodes `rows` (m,).

    `taken` (k, m) are the steps that count: all up to the one that ended the episode, or up to the one that could not
    be computed or had no answer. `rewards` (k, m); which episodes `ended` (m,), and which stopped as `unknown` (m,).
    """

    first: int
    rows: Lattice
    walk: Walk
    taken: Mask
    rewards: Lattice
    ended: Mask
    unknown: Mask

    @property
    def whole(self) -> bool:
        """Whether all steps count."""
        return bool(self.taken.all())

    def left(self, flock: Flock) -> Flock:
        """The episodes of `flock` that go on."""
        stopped = self.ended | self.unknown
        kept = np.flatnonzero(~stopped) if stopped.any() else slice(None)
        return flock.at(kept, self.walk.after[-1], self.walk.memory)


def settled(simulator: Simulator, flock: Flock, walk: Walk, first: int) -> Settled:
    """What the `walk` of `flock` from step `first` on came to."""
    shape, fields = walk.source.shape, len(simulator.spec.state)
    columns = [_flat(each) for each in (walk.states, walk.actions, walk.after[..., :fields], walk.outputs)]
    rewards, ended, trapped = simulator.pay.of_rows(*columns)
    ended = ended.reshape(shape)
    unknown = walk.silent | trapped.reshape(shape) | (walk.source == Source.UNKNOWN)
    alive = _before(ended | unknown)
    taken = ~unknown if alive is None else alive & ~unknown
    return Settled(
        first=first,
        rows=flock.rows,
        walk=walk,
        taken=taken,
        rewards=rewards.reshape(shape),
        ended=(ended & taken).any(axis=0),
        unknown=(unknown if alive is None else unknown & alive).any(axis=0),
    )


def _before(stopped: Mask) -> Mask | None:
    """Which steps (k, m) come before any that `stopped`, or are the first that did; None for all of them."""
    if len(stopped) == 1 or not stopped[:-1].any():
        return None
    before = np.zeros_like(stopped)
    np.logical_or.accumulate(stopped[:-1], axis=0, out=before[1:])
    return ~before


def _flat(columns: Lattice) -> Lattice:
    """The rows (k * m, columns) of (k, m, columns)."""
    return columns.reshape(columns.shape[0] * columns.shape[1], columns.shape[2])
