"""Is the simulator good enough? What its fit measured, against the goals that the spec calls `done`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct, UnsetType
from msgspec.structs import replace

from worldtwin.simulation import ENOUGH_EPISODES, MOSTLY, Report, Simulator
from worldtwin.world import Spec

CONTRADICTING: Final = "rows contradict each other"
UNPREDICTABLE: Final = "not predictable from these fields alone"


class Goal(Struct, frozen=True, kw_only=True):
    """One thing to reach: `value` is what was measured (None: nothing could be), `wanted` what is asked for.

    Both are in the same `unit`; shares and numbers of spreads have none. `why` says why nothing could be measured.
    """

    name: str
    value: float | None
    wanted: float
    met: bool
    unit: str = ""
    why: str = ""

    @property
    def text(self) -> str:
        """`known 0.94 of 0.998`, or `plateau 0.0112 of 0.005 nats a step`."""
        unit = f" {self.unit}" if self.unit else ""
        if self.value is None:
            why = f" ({self.why})" if self.why else ""
            return f"{self.name} not measured{why}, {self.wanted:g}{unit} wanted"
        return f"{self.name} {self.value:.3g} of {self.wanted:g}{unit}"


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether all `goals` are met, and nothing is wrong that no goal can make up for.

    If something is, `refused` says what, and what to do about it; `because` says it in a few words.
    """

    ready: bool
    goals: tuple[Goal, ...]
    refused: str = ""
    because: str = ""

    @property
    def unmet(self) -> tuple[Goal, ...]:
        """What is still to be reached."""
        return tuple(goal for goal in self.goals if not goal.met)

    @property
    def text(self) -> str:
        """One line for people."""
        if self.ready:
            return "ready: yes"
        if self.refused:
            return "ready: no   " + " · ".join([self.refused, *(goal.text for goal in self.unmet)])
        if not self.goals:
            return "ready: nothing is asked of it: add `done: {horizon_error: {steps: 50, below: 0.1}}`"
        return "ready: no   " + " · ".join(goal.text for goal in self.unmet)


def readiness(simulator: Simulator) -> Readiness:
    """How far `simulator` is from its spec's `done`. Without a report nothing was measured and nothing is met.

    How much is `known` is only asked of worlds that can be counted: a real number never comes twice. A simulator of
    rows that contradict each other, or of fields that do not say all that matters, is never ready, however small its
    errors are.
    """
    report = simulator.report or Report()
    goals, (because, refused) = tuple(_goals(simulator.spec, report)), _refused(report)
    ready = bool(goals) and all(goal.met for goal in goals) and not refused
    return Readiness(ready=ready, goals=goals, refused=refused, because=because)


def _refused(report: Report) -> tuple[str, str]:
    """Why no goal can make up for it, in a few words, and what would; empty where nothing is wrong.

    Fields may leave something out; hidden states that were learned say it too, unless something is left over; and in a
    world that changed, what came before tells which world it was.
    """
    wrong = report.contradictions
    if not isinstance(wrong, UnsetType) and wrong.many:
        return CONTRADICTING, f"{wrong.text}: {wrong.advice}"
    changed = not isinstance(report.regime, UnsetType) and report.regime.changed
    if isinstance(report.memory, UnsetType) or not report.memory.rejected or changed:
        return "", ""
    return UNPREDICTABLE, ": ".join(part for part in (report.memory.text, report.memory.advice) if part)


def _goals(spec: Spec, report: Report) -> Iterator[Goal]:
    """The goals that the spec asks for: shares must be reached, errors must not be."""
    done = spec.done
    countable = spec.action.discrete and (spec.stateless or spec.state.discrete)
    if done.known is not None and (countable or report.known is not None):
        yield replace(_at_least("known", report.known, done.known), why=_few(report))
    if done.coverage is not None:
        yield _at_least("coverage", report.coverage, done.coverage)
    if done.horizon_error is not None:
        far = report.horizon_steps is not None and report.horizon_steps >= done.horizon_error.steps
        name = f"error after {done.horizon_error.steps} steps"
        yield _at_most(name, report.horizon_error if far else None, done.horizon_error.below)
    if done.calibration is not None:
        yield _at_most("calibration", report.calibration, done.calibration)
    if not isinstance(done.width, UnsetType):
        goal = _at_most("width", _measured(report.width), done.width)
        yield replace(goal, unit="in probability", why=_uncounted(report))
    if not isinstance(done.plateau, UnsetType):
        goal = _at_most("plateau", _measured(report.plateau), done.plateau)
        yield replace(goal, unit="nats a step", why=_few(report) or _unmeasured(report))


def _measured(value: float | UnsetType) -> float | None:
    return None if isinstance(value, UnsetType) else value


def _unmeasured(report: Report) -> str:
    """Why a gain was not measured of enough episodes, if it was not."""
    if report.known is not None and report.known < MOSTLY:
        return "most steps are still new"
    if isinstance(report.width, UnsetType):
        return _uncounted(report)
    return "a base counted what is not here: fit all of it at once"


def _uncounted(report: Report) -> str:
    """Why nothing was counted, if nothing was."""
    uncounted = isinstance(report.width, UnsetType) and report.transitions > 0
    return "real numbers cannot be counted: leave this goal out" if uncounted else ""


def _few(report: Report) -> str:
    """Why what episodes tell was not measured, if it was not, as there are few; empty where there are enough."""
    if not 0 < report.episodes < ENOUGH_EPISODES:
        return ""
    return f"{report.episodes} of at least {ENOUGH_EPISODES} episodes, or of one with 1,000 steps"


def _at_least(name: str, value: float | None, wanted: float) -> Goal:
    return Goal(name=name, value=value, wanted=wanted, met=value is not None and value >= wanted)


def _at_most(name: str, value: float | None, wanted: float) -> Goal:
    return Goal(name=name, value=value, wanted=wanted, met=value is not None and value < wanted)
