"""What happened in the demo, as values: what the report is made of."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.environments import Evaluation
from worldtwin.exact import Key
from worldtwin.improving import Improvement, Progress
from worldtwin.simulation import Simulator
from worldtwin.tasks import Task
from worldtwin.world import Spec


class Climb(Struct, frozen=True, kw_only=True, eq=False):
    """One search inside the simulator, and what it said on its way."""

    name: str
    task: Task
    found: Improvement
    progress: list[Progress]


class Attempt(Struct, frozen=True, kw_only=True, eq=False):
    """One task in reality."""

    name: str
    task: Task
    real: Evaluation

    @property
    def mean(self) -> float:
        """The mean real return."""
        return float(self.real.returns.mean())

    @property
    def worst(self) -> float:
        """The least real return."""
        return float(self.real.returns.min())


class Flight(Struct, frozen=True, kw_only=True, eq=False):
    """The same actions from the same start, in reality and in the simulator: physical states (steps, fields)."""

    real: NDArray[np.float64]
    simulated: NDArray[np.float64]


class Played(Struct, frozen=True, kw_only=True, eq=False):
    """The whole demo; the first of the `attempts` is the old task, the last one the new."""

    spec: Spec
    simulator: Simulator
    runs: int
    attempts: list[Attempt]
    climbs: list[Climb]
    flight: Flight
    key: Key

    @property
    def sources(self) -> dict[str, float]:
        """The shares of the transitions that all searches were rehearsed on."""
        weights = [climb.found.evaluations for climb in self.climbs]
        names = {name for climb in self.climbs for name in climb.found.sources}
        return {
            name: sum(w * climb.found.sources.get(name, 0.0) for w, climb in zip(weights, self.climbs, strict=True))
            / sum(weights)
            for name in sorted(names)
        }
