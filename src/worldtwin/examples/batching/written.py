"""What happened in the demo, as values: what the report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from worldtwin.exact import Key
from worldtwin.improving import Improvement
from worldtwin.simulation import Simulator
from worldtwin.tasks import Task
from worldtwin.world import Transitions

Knobs: TypeAlias = Mapping[str, float]


class Round(Struct, frozen=True, kw_only=True, eq=False):
    """All commits `recorded` up to here, the simulator learned from them, and the improvement found in it."""

    simulator: Simulator
    recorded: Transitions
    improvement: Improvement
    task: Task
    knobs: Knobs


class Pace(Struct, frozen=True, kw_only=True):
    """Rows per second on the real database, in turn: the old settings, a fixed size, and the settings of each round.

    The size is the best of a scan. What is the best of some was also lucky there: only what it does when it is measured
    again counts.
    """

    before: float
    best: float
    after: Sequence[float]


class Written(Struct, frozen=True, kw_only=True, eq=False):
    """What was recorded and learned at the end, the `old` settings, both `rounds`, and what was measured.

    `fixed` has the rows per second of each size of the scan, `trials` what decided which round is kept, and `paces`
    what was measured after that.
    """

    simulator: Simulator
    recorded: Transitions
    old: Knobs
    rounds: Sequence[Round]
    fixed: Mapping[int, float]
    trials: Sequence[Pace]
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
    def afters(self) -> Sequence[float]:
        """The real rows per second with the settings of each round: the middle one of all runs."""
        return _middles(self.paces)

    @property
    def kept(self) -> int:
        """The place of the round whose settings are kept: reality decides, by other runs than those that are told."""
        tried = _middles(self.trials)
        return tried.index(max(tried))

    @property
    def task(self) -> Task:
        """The task whose settings are kept."""
        return self.rounds[self.kept].task

    @property
    def after(self) -> float:
        """The real rows per second with the settings that are kept."""
        return self.afters[self.kept]

    @property
    def best(self) -> float:
        """The real rows per second of always `best_fixed` rows: the middle one of all runs."""
        return _middle([pace.best for pace in self.paces])

    @property
    def best_fixed(self) -> int:
        """The fastest size of the scan."""
        return best_of(self.fixed)

    @property
    def share(self) -> float:
        """How much of the pace of the best fixed size the new settings reach: the middle one of all runs."""
        return _middle([pace.after[self.kept] / pace.best for pace in self.paces])


def best_of(fixed: Mapping[int, float]) -> int:
    """The fastest of some sizes."""
    return max(fixed, key=fixed.__getitem__)


def _middles(paces: Sequence[Pace]) -> Sequence[float]:
    """The middle one of all `paces`, for each round."""
    return [_middle(list(each)) for each in zip(*(pace.after for pace in paces), strict=True)]


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
