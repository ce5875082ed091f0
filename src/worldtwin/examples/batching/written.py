"""What happened in the demo, as values: what the report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from worldtwin.exact import Key
from worldtwin.simulation import Simulator
from worldtwin.tasks import Task
from worldtwin.world import Transitions

Knobs: TypeAlias = Mapping[str, float]


class Pace(Struct, frozen=True, kw_only=True):
    """Rows per second on the real database with the old settings and with the new, one run after the other."""

    before: float
    after: float


class Written(Struct, frozen=True, kw_only=True, eq=False):
    """What was recorded, what was learned, the settings `old` and `new`, and each of the real `paces`."""

    simulator: Simulator
    recorded: Transitions
    task: Task
    old: Knobs
    new: Knobs
    paces: Sequence[Pace]
    key: Key

    def lasting(self, state: Mapping[str, float], size: int) -> float:
        """How many ms a commit of `size` rows is predicted to last in `state`."""
        return float(str(self.simulator.predict(state, size).next["last_ms"]))

    @property
    def before(self) -> float:
        """The real rows per second with the old settings: the middle one of all runs."""
        return _middle([pace.before for pace in self.paces])

    @property
    def after(self) -> float:
        """The real rows per second with the new settings: the middle one of all runs."""
        return _middle([pace.after for pace in self.paces])


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
