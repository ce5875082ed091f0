"""One climb: generations of candidates until a plateau, a budget, or Ctrl-C."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.improving.evolution import DENSE, Box, Evolution
from worldtwin.improving.plateau import LAG, Plateau
from worldtwin.improving.progress import Listener, Progress
from worldtwin.improving.rehearsal import Rehearsal, Rehearsals
from worldtwin.improving.scouting import SCOUTS, scouted
from worldtwin.improving.starts import fresh_starts
from worldtwin.tasks import LocalTask, Network, Task

FEW: Final = 10
"""Up to this many parameters small generations are enough."""

FINALISTS: Final = 4
"""How many are weighed in the end: the middle, the latest and the overall best sample, and the task itself."""

MAX_GENERATIONS: Final = 1_000
NETWORK_SPREAD: Final = 0.5
LINEAR_SPREAD: Final = 1.0
"""How far a network's weights are searched; with many of them, a wide search settles for what works somewhere.

A spread of 0.15 ends on better hills where it sees one: three first networks each came to -79 instead of -88 in a
simulator of Acrobot, and to 98.1 instead of 95.5 in one of MountainCarContinuous. But of seven keys of `iterate` one
came to nothing in each of Acrobot, Pendulum and MountainCarContinuous: it is for a second search (`entering.NEARER`).
"""

CLOSER: Final = 0.2
"""The share of the spread, and of the gain that counts, with which many parameters are searched once more.

A wide search of many parameters stalls where its own spread costs more than it gains. Pendulum, simulated: -224
after it, -153 after 80 more generations with a fifth of the spread.
"""

CONFIRMED: Final = 64
"""From how many fresh starts a middle that looks solved must hold, and those are weighed that a closer search begins
with."""

WIDEST: Final = float(1 << 40)


class Stop(StrEnum):
    """Why a search ended."""

    PLATEAU = "nothing was gained for a while"
    SOLVED = "there is nothing left to gain"
    BUDGET = "the evaluations were used up"
    TIME = "the time was used up"
    INTERRUPTED = "it was interrupted"
    PLANNED = "the plan is complete"


class Limits(Struct, frozen=True, kw_only=True):
    """How long to climb: candidates to evaluate and seconds on `clock`, either of them None for no limit."""

    evaluations: int | None
    seconds: float | None
    clock: Callable[[], float]


class Climb(Struct, frozen=True, kw_only=True, eq=False):
    """Where a climb ended: `finalists` (k, parameters), the distribution's middle first; how it was judged, and why."""

    finalists: NDArray[np.float64]
    evaluations: int
    generations: int
    sources: Mapping[str, int]
    stop: Stop


def climb(
    rehearsals: Rehearsals, *, limits: Limits, key: Key, progress: Listener | None, step_size: float = 1.0
) -> Climb:
    """A climb from the task's own parameters, where it begins with `step_size` times the usual spread.

    With less than that nothing is looked at first from all over the declared ranges. Ctrl-C ends it early with what it
    has.
    """
    climber = _Climber(rehearsals, limits, key, progress, step_size)
    try:
        while climber.stop is None:
            climber.generation()
    except KeyboardInterrupt:
        climber.stop = Stop.INTERRUPTED
    return climber.result()


def box_of(task: Task | LocalTask, step_size: float = 1.0) -> Box:
    """Where to look for better parameters: around the present ones, networks closely, declared ranges widely.

    The spread is `step_size` times the usual one.
    """
    parameters = task.parameters()
    values = parameters.values
    network = isinstance(task, Task) and isinstance(task.program, Network)
    ranged = np.isfinite(parameters.low) & np.isfinite(parameters.high)
    low, high = np.maximum(parameters.low, -WIDEST), np.minimum(parameters.high, WIDEST)
    spread = np.where(ranged, (high - low) / 6, np.maximum(np.abs(values) / 2, 1.0))
    return Box(
        middle=values,
        spread=step_size * (_network_spread(len(values)) if network else np.where(spread > 0, spread, 1.0)),
        low=low,
        high=high,
        whole=parameters.integer,
        choices=parameters.choices,
    )


def is_ranged(task: Task | LocalTask) -> bool:
    """Whether every parameter has a declared range, so that all of it can be looked at."""
    parameters = task.parameters()
    finite = np.isfinite(parameters.low) & np.isfinite(parameters.high)
    return bool(finite.all()) and not (isinstance(task, Task) and isinstance(task.program, Network))


def _network_spread(size: int) -> NDArray[np.float64]:
    return np.full(size, LINEAR_SPREAD if size <= FEW else NETWORK_SPREAD)


@final
class _Climber:
    """The state of a climb. Mutable."""

    def __init__(
        self, rehearsals: Rehearsals, limits: Limits, key: Key, progress: Listener | None, step_size: float
    ) -> None:
        self._rehearsals, self._limits, self._key, self._progress = rehearsals, limits, key, progress
        self._sources: dict[str, int] = {}
        self.generations = self.evaluations = 0
        box = box_of(rehearsals.task, step_size)
        self._box = box = box if step_size < 1 else self._scouted(box)
        size = int(box.free.sum())
        few = size <= FEW
        self._wide = size > DENSE
        self._starts = 10 if few else 16
        self._evolution = Evolution(box, population=16 if few else 32, key=key)
        self._plateau = Plateau(top=rehearsals.top, width=rehearsals.width)
        self._best: tuple[float, NDArray[np.float64]] = (-np.inf, box.middle)
        self._latest = box.middle
        self._middles: deque[NDArray[np.float64]] = deque()
        self._began = limits.clock()
        self.stop: Stop | None = None

    def _scouted(self, box: Box) -> Box:
        """The box after a wide first look, where the ranges are declared and the budget allows it."""
        enough = self._limits.evaluations is None or self._limits.evaluations >= 3 * SCOUTS
        if not enough or not is_ranged(self._rehearsals.task):
            return box
        found_box, found = scouted(self._rehearsals, box, key=self._key.child("scout"))
        self.evaluations += len(found.scores)
        self._count(found)
        return found_box

    def generation(self) -> None:
        """Try one population and the distribution's middle from fresh starts, and move on."""
        key = self._key.child("generation", self.generations)
        values = self._evolution.ask()
        starts = self._rehearsals.starts(self._starts, key=key)
        self._middles.append(self._evolution.mean)
        earlier = self._middles.popleft() if len(self._middles) > LAG else self._middles[0]
        found = self._rehearsals.of(np.vstack([values, earlier, self._middles[-1]]), starts, key=key)
        self._evolution.tell(found.scores[:-2])
        self._remember(values, found)
        self.generations += 1
        self.evaluations += len(found.scores)
        self._plateau.see(float(found.merits[-1] - found.merits[-2]), float(found.usual[-1]))
        self.stop = self._reason()
        self._report(found)

    def result(self) -> Climb:
        """What the climb came to so far."""
        return Climb(
            finalists=self._finalists,
            evaluations=self.evaluations,
            generations=self.generations,
            sources=dict(self._sources),
            stop=self.stop or Stop.PLATEAU,
        )

    @property
    def _finalists(self) -> NDArray[np.float64]:
        """The distribution's middle, the latest and the overall best sample (3, p)."""
        return np.stack([self._evolution.mean, self._latest, self._best[1]])

    def _remember(self, values: NDArray[np.float64], found: Rehearsal) -> None:
        at = int(np.argmax(found.scores[:-2]))
        self._latest = values[at]
        if found.scores[at] > self._best[0]:
            self._best = (float(found.scores[at]), values[at])
        self._count(found)

    def _count(self, found: Rehearsal) -> None:
        for name, count in found.sources.items():
            if count:
                self._sources[name] = self._sources.get(name, 0) + count

    def _reason(self) -> Stop | None:
        limits = self._limits
        if self._plateau.solved and self._confirmed():
            return Stop.SOLVED
        next_one = self._evolution.population + 2 + (2 if self._wide else 1) * FINALISTS
        if limits.evaluations is not None and self.evaluations + next_one > limits.evaluations:
            return Stop.BUDGET
        if limits.seconds is not None and limits.clock() - self._began >= limits.seconds:
            return Stop.TIME
        if self.generations >= MAX_GENERATIONS:
            return Stop.PLATEAU
        if self._wide and (self._evolution.settled or self._plateau.reached):
            self._close_in()
            return None
        still = limits.evaluations is None and self._plateau.reached
        return Stop.PLATEAU if still or self._evolution.settled else None

    def _close_in(self) -> None:
        """Begin anew around the best finalist, with less spread."""
        finalists = self._finalists
        best = finalists[int(np.argmax(self._weighed(finalists).scores))]
        self._wide, self._latest, self._best = False, best, (-np.inf, best)
        self._middles.clear()
        box = replace(self._box, middle=best, spread=CLOSER * self._box.spread)
        self._evolution = Evolution(box, population=self._evolution.population, key=self._key.child("closer"))
        self._plateau = self._plateau.closer(CLOSER)

    def _confirmed(self) -> bool:
        """Whether the distribution's middle is as good as can be from many fresh starts too."""
        return self._plateau.is_top(float(self._weighed(self._evolution.mean[None, :]).usual[0]))

    def _weighed(self, values: NDArray[np.float64]) -> Rehearsal:
        """What `values` (k, p) come to from many fresh starts."""
        key = self._key.child("confirm", self.generations)
        self.evaluations += len(values)
        return self._rehearsals.of(values, fresh_starts(self._rehearsals.simulator, CONFIRMED, key=key), key=key)

    def _report(self, found: Rehearsal) -> None:
        if self._progress is None:
            return
        total = max(1, sum(self._sources.values()))
        self._progress(
            Progress(
                phase="improve",
                generation=self.generations,
                evaluations=self.evaluations,
                best=float(found.returns[:-2].max()),
                middle=float(found.returns[-1]),
                sources={name: count / total for name, count in self._sources.items()},
                fraction=1.0 if self.stop else self._fraction(),
                seconds=self._limits.clock() - self._began,
            )
        )

    def _fraction(self) -> float:
        """How much of the work is done, by whichever limit comes first."""
        limits = self._limits
        half = self._plateau.fraction / 2
        whole = half if self._wide else self._plateau.fraction if self._box.free.sum() <= DENSE else 0.5 + half
        spent = [] if limits.evaluations is not None else [whole]
        if limits.evaluations:
            spent.append(self.evaluations / limits.evaluations)
        if limits.seconds:
            spent.append((limits.clock() - self._began) / limits.seconds)
        return min(0.99, max(spent))
