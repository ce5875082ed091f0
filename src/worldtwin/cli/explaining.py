"""`fit --explain`: what a report means, in plain text, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from msgspec import UnsetType

import worldtwin as wt
from worldtwin.cli.output import percent
from worldtwin.judging import Goal
from worldtwin.simulation import (
    ContradictionReport,
    FieldReport,
    GapReport,
    ImageReport,
    LevelReport,
    RegionReport,
    Report,
    Simulator,
)
from worldtwin.world import shown

MANY_LEFT_OUT = 0.05
BAD_STEP = 0.5
WELL_SEEN = 0.9
FEW_EPISODES = 20

Value = TypeVar("Value")


def explanation(simulator: Simulator) -> list[str]:
    """The report in sections: fields, what is least known, rows left out or contradicting, and so on up to advice."""
    report = simulator.report
    if report is None:
        return ["nothing was measured: fit it first"]
    sections = {
        f"fields, {_judged(report)}": [line for field in report.fields for line in _field(field, report)],
        **({"images": [image_line(each) for each in images]} if (images := given(report.images, ())) else {}),
        "least known": [_gap(gap) for gap in given(report.gaps, ())] or ["nothing stands out"],
        "rows left out": [f"{count:,}: {reason}" for reason, count in report.excluded.items()] or ["none"],
        "rows that contradict the row after them": _contradictions(report),
        "confidence, and the share that was right": _levels(given(report.levels, ())),
        "memory": _memory(report),
        "change over time": _regime(report),
        "what `done` asks": [_goal(goal) for goal in wt.readiness(simulator).goals] or ["nothing: add it to the YAML"],
        "what to do next": list(advice(simulator)) or ["nothing: it is as good as it was asked to be"],
    }
    return [line for title, lines in sections.items() for line in ("", title, *(f"  {each}" for each in lines))]


def image_line(image: ImageReport) -> str:
    """How well one image is told by its components."""
    parts = "1 component tells" if image.components == 1 else f"{image.components} components tell"
    return (
        f"{image.name}: {parts} {100 * image.share:.1f} % of the variance of {image.pictures:,} pictures kept aside, "
        f"off by {image.error:.1f} of 255 grey levels"
    )


def advice(simulator: Simulator) -> Iterator[str]:
    """What would make `simulator` better, one sentence each, the most pressing first."""
    report = simulator.report or Report()
    wrong = given(report.contradictions, ContradictionReport())
    if wrong.found:
        yield wrong.advice
    if wrong.many:
        return
    if not isinstance(report.regime, UnsetType) and report.regime.changed:
        yield report.regime.advice
    elif not isinstance(report.memory, UnsetType) and report.memory.advice:
        yield report.memory.advice
    unmet = wt.readiness(simulator).unmet
    gaps = given(report.gaps, ())
    if gaps and any(goal.name in {"known", "coverage"} for goal in unmet):
        yield f"record {gaps[0].text}: `worldtwin traces gaps` lists more, to be filled in as synthetic data"
    elif gaps and (unmet or not wt.readiness(simulator).goals):
        yield f"record {gaps[0].text}, or add synthetic data for it: what happens there is a guess"
    for image in given(report.images, ()):
        if image.share < WELL_SEEN:
            yield f"give `{image.name}` more components (`encode: {{pca: ...}}`): {100 * image.share:.0f} % is seen"
    for field in report.fields:
        yield from _field_advice(field)
    left_out = sum(report.excluded.values())
    if left_out > MANY_LEFT_OUT * max(1, report.transitions):
        reason = max(report.excluded, key=lambda reason: report.excluded[reason])
        yield f"look at the rows left out, most of all: {reason}"
    if report.episodes < FEW_EPISODES:
        yield f"record more episodes: {report.episodes} are few to judge by"
    elif unmet and not gaps:
        yield "record more of the same: nothing stands out as missing"


def _field_advice(field: FieldReport) -> Iterator[str]:
    region = given(field.region, None)
    if field.model.endswith("nothing"):
        yield f"add a discrete field that `{field.name}` depends on, or synthetic data: nothing predicts it"
    elif field.one_step_error is not None and field.one_step_error > BAD_STEP:
        where = f" where {region.text}" if region is not None else ""
        yield f"record more{where}, add `history: 1`, or a sensor that tells what `{field.name}` depends on"


def _judged(report: Report) -> str:
    folds = given(report.folds, 1)
    if folds > 1:
        return f"judged on all {report.episodes:,} episodes in {folds} parts, each by what the others teach"
    return f"judged on {report.held_out:,} held-out transitions" if report.held_out else "not judged"


def _field(field: FieldReport, report: Report) -> Iterator[str]:
    parts = [field.model]
    if field.one_step_error is not None:
        parts.append(f"off by {_share(field.one_step_error)} of a step{_margin(field)}")
    if field.open_loop_error is not None:
        parts.append(f"by {_share(field.open_loop_error)} of its spread after {report.horizon_steps} steps")
    yield f"{field.name}: {' · '.join(parts)}"
    region = given(field.region, None)
    if region is not None:
        yield f"  {_region(region)}"


def _margin(field: FieldReport) -> str:
    """By how much the model beats the simplest guess."""
    naive = given(field.naive_error, None)
    if naive is None or field.one_step_error is None:
        return ""
    if field.one_step_error == 0:
        return f" (staying as it is: {_share(naive)})"
    times = naive / field.one_step_error
    return f" ({shown(round(times, 1))} times better than staying as it is)" if times > 1 else " (staying is as good)"


def _region(region: RegionReport) -> str:
    return f"{percent(region.share)} of that error is where {region.text} ({percent(region.rows)} of the rows)"


def _gap(gap: GapReport) -> str:
    return f"{gap.text}: {gap.rows:,} rows, {shown(gap.expected)} if all actions were tried alike"


def _levels(levels: tuple[LevelReport, ...]) -> list[str]:
    if not levels:
        return ["not measured: too few held-out rows"]
    return [f"{level.confidence:5.2f} {level.right:5.2f}   {level.rows:,} rows" for level in levels]


def _contradictions(report: Report) -> list[str]:
    if isinstance(report.contradictions, UnsetType):
        return ["not looked for"]
    return [line for line in (report.contradictions.text, report.contradictions.example) if line]


def _memory(report: Report) -> list[str]:
    if isinstance(report.memory, UnsetType):
        return ["not tested"]
    artefact = report.memory.rejected and not isinstance(report.regime, UnsetType) and report.regime.changed
    doubt = "the change over time may be all that shows here" if artefact else ""
    return [line for line in (report.memory.text, report.memory.example, doubt) if line]


def _regime(report: Report) -> list[str]:
    if isinstance(report.regime, UnsetType):
        return ["not tested"]
    return [line for line in (report.regime.text, report.regime.example) if line]


def _goal(goal: Goal) -> str:
    return f"{'met' if goal.met else 'not met'}: {goal.text}"


def _share(error: float) -> str:
    return percent(error) if error >= 0.1 or error == 0 else f"{100 * error:.2g} %"


def given(value: Value | UnsetType, otherwise: Value) -> Value:
    """`value`, or `otherwise` when an older version did not measure it."""
    return otherwise if isinstance(value, UnsetType) else value
