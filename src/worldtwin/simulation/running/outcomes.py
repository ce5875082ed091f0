"""`outcomes`: what many episodes came to, without keeping their steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Words
from worldtwin.simulation.answers import Source
from worldtwin.simulation.pay import TOTAL_LIMIT
from worldtwin.simulation.running.backend import Backend, NumpyBackend
from worldtwin.simulation.running.flock import Candidates, Mask, Play
from worldtwin.simulation.running.settling import Settled, settled
from worldtwin.simulation.simulator import Simulator
from worldtwin.tasks import Actor
from worldtwin.world import Lattice

Numbers: TypeAlias = NDArray[np.float64]


class Outcomes(Struct, frozen=True, kw_only=True, eq=False):
    """What n episodes came to.

    `totals` (n,) of rewards in steps of `spec.reward_unit`, and as `returns` (n,); `steps` and `fuel` (n,); whether
    they `ended` (n,), or stopped where nothing is known, `unknown` (n,); the `final` state row (n, width), and the
    lowest and highest value of each field (n, fields) from the start on. `sources` counts steps by their source's name.
    """

    totals: Lattice
    returns: Numbers
    steps: Lattice
    fuel: Lattice
    ended: Mask
    unknown: Mask
    final: Lattice
    low: Lattice
    high: Lattice
    sources: dict[str, int]


def outcomes(
    actor: Actor | Candidates,
    simulator: Simulator,
    *,
    starts: Lattice,
    keys: Words,
    horizon: int,
    candidate: Lattice | None = None,
    backend: Backend | None = None,
) -> Outcomes:
    """What the episodes with the own `keys` (n, 2) come to from the state rows `starts` (n, width).

    `candidate` (n,) says which of many acts in each. An episode stops after `horizon` steps, when it ends, or
    where nothing is known: then it is charged the worst step reward for each step that it had left.
    """
    fold = Fold(simulator, starts, horizon)
    play = Play(actor=actor, simulator=simulator, candidate=candidate)
    march(play, starts, keys, horizon, fold.take, backend=backend)
    return fold.outcomes(getattr(actor, "fuel", 0))  # an actor that is no task has no fuel


def march(
    play: Play,
    starts: Lattice,
    keys: Words,
    horizon: int,
    watch: Callable[[Settled], None],
    *,
    backend: Backend | None,
) -> None:
    """Let the episodes with the own `keys` (n, 2) run, some thousands at a time, while `watch` sees all they do."""
    where = backend or NumpyBackend()
    for start in range(0, len(starts), where.together):
        flock = play.flock(starts, keys, slice(start, start + where.together))
        stuck = play.simulator.pay.stuck(flock.states)
        if stuck.any():
            flock = flock.at(np.flatnonzero(~stuck), flock.states, flock.memory)
        t = 0
        while t < horizon and len(flock.rows):
            seen = settled(play.simulator, flock, where.walk(play, flock, t, horizon - t), t)
            watch(seen)
            flock = seen.left(flock)
            t += len(seen.taken)


@final
class Fold:
    """Outcomes so far. Mutable."""

    def __init__(self, simulator: Simulator, starts: Lattice, horizon: int) -> None:
        self._simulator, self._horizon = simulator, horizon
        n, fields = len(starts), len(simulator.spec.state)
        self._totals, self._steps = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        self._ended, self._unknown = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
        self._final = starts.copy()
        self._low, self._high = starts[:, :fields].copy(), starts[:, :fields].copy()
        self._sources = np.zeros(len(Source), dtype=np.int64)

    def take(self, seen: Settled) -> None:
        """Add some steps of some episodes."""
        rows, taken, whole = seen.rows, seen.taken, seen.whole
        steps = np.full(len(rows), len(taken)) if whole else taken.sum(axis=0)
        self._steps[rows] = seen.first + steps
        self._ended[rows] = seen.ended
        self._pay(rows, seen.rewards if whole else np.where(taken, seen.rewards, 0))
        self._visit(rows, seen, steps)
        source = seen.walk.source
        self._sources += np.bincount((source if whole else source[taken]).ravel(), minlength=len(Source))
        if seen.unknown.any():
            self._stop(rows[seen.unknown])

    def outcomes(self, fuel: int) -> Outcomes:
        """What came out, when each step cost `fuel`."""
        return Outcomes(
            totals=self._totals,
            returns=self._totals.astype(np.float64) * self._simulator.spec.reward_unit,
            steps=self._steps,
            fuel=self._steps * fuel,
            ended=self._ended,
            unknown=self._unknown,
            final=self._final,
            low=self._low,
            high=self._high,
            sources={source.name.lower(): int(count) for source, count in zip(Source, self._sources, strict=True)},
        )

    def _pay(self, rows: Lattice, rewards: Lattice) -> None:
        """Add `rewards` (k, m), step by step only where a total comes near its limit."""
        totals = self._totals[rows]
        near = np.abs(totals).max(initial=0) > TOTAL_LIMIT - (1 << 60)
        for paid in rewards if near else rewards.sum(axis=0, keepdims=True):
            totals = np.minimum(np.maximum(totals + paid, -TOTAL_LIMIT), TOTAL_LIMIT)
        self._totals[rows] = totals

    def _visit(self, rows: Lattice, seen: Settled, steps: Lattice) -> None:
        """Note the last, lowest and highest of the states after the `steps` (m,) that each episode took."""
        after, fields = seen.walk.after, self._low.shape[1]
        last = after[np.maximum(steps - 1, 0), np.arange(len(rows))]
        self._final[rows] = np.where(steps[:, None] > 0, last, self._final[rows])
        visited = after[..., :fields]
        if not seen.whole:
            visited = np.where(seen.taken[..., None], visited, self._final[rows, :fields])
        self._low[rows] = np.minimum(self._low[rows], visited.min(axis=0))
        self._high[rows] = np.maximum(self._high[rows], visited.max(axis=0))

    def _stop(self, rows: Lattice) -> None:
        self._unknown[rows] = True
        totals = self._totals[rows] + self._simulator.pay.penalty(self._horizon - self._steps[rows])
        self._totals[rows] = np.minimum(np.maximum(totals, -TOTAL_LIMIT), TOTAL_LIMIT)
        self._sources[Source.UNKNOWN] += len(rows)
