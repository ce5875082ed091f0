"""A simulator's report as lines and as plain values."""

from __future__ import annotations

from msgspec import UnsetType, to_builtins

import worldtwin as wt
from worldtwin.cli.explaining import advice, given, image_line
from worldtwin.cli.output import percent
from worldtwin.judging import Goal, Readiness
from worldtwin.simulation import (
    BasisReport,
    ContradictionReport,
    FieldReport,
    GapReport,
    MemoryReport,
    RegimeReport,
    Report,
    Simulator,
)
from worldtwin.world import shown


def report_result(simulator: Simulator) -> dict[str, object]:
    """The report and the readiness as plain values."""
    ready = wt.readiness(simulator)
    return {
        "report": to_builtins(simulator.report),
        "ready": ready.ready,
        "goals": to_builtins(ready.goals),
        "advice": list(advice(simulator)),
    }


def report_lines(simulator: Simulator, seconds: float) -> list[str]:
    """What was learned from what, how well, and what is missing before the simulator is done."""
    report = simulator.report
    if report is None:
        return [f"fit  {simulator.spec.name}: nothing was learned"]
    synthetic = f" ({report.synthetic:,} synthetic)" if report.synthetic else ""
    amount = f"{report.transitions:,} transitions{synthetic}, {report.episodes:,} episodes"
    lines = [f"fit  {amount}, {seconds:.1f} s{_basis(report.basis)}"]
    lines += [f"     {count:,} rows left out: {reason}" for reason, count in report.excluded.items()]
    lines += _contradictions(report.contradictions)
    lines += [f"     {image_line(each)}" for each in given(report.images, ())]
    lines += _fields(report.fields)
    lines += _held_out(report) if report.held_out else _not_judged(report)
    lines += _regime(report.regime) or _memory(report.memory, hidden=simulator.spec.hidden)
    return lines + _ready(wt.readiness(simulator), given(report.gaps, ()))


def _fields(fields: tuple[FieldReport, ...]) -> list[str]:
    """One line for all fields that the same kind of model answers."""
    models = dict.fromkeys(field.model for field in fields)
    return [f"     {', '.join(field.name for field in fields if field.model == model)}: {model}" for model in models]


def _not_judged(report: Report) -> list[str]:
    recorded = report.transitions - report.synthetic
    what = f"{recorded:,} recorded transitions are too few to keep any aside: record more episodes"
    return [f"     not judged: {what}"] if recorded else []


def _held_out(report: Report) -> list[str]:
    parts: list[str] = []
    if report.horizon_error is not None:
        parts.append(f"{_share(report.horizon_error)} error after {report.horizon_steps} steps")
    near = [field.one_step_error for field in report.fields if field.one_step_error is not None]
    if not parts and near:
        parts.append(f"{_share(max(near))} error after one step")
    if report.calibration is not None:
        parts.append(f"guesses calibrated within {shown(100 * report.calibration)} points")
    return [f"     held out: {' · '.join(parts)}"] if parts else []


def _contradictions(wrong: ContradictionReport | UnsetType) -> list[str]:
    """What rows say against the row after them, if they do."""
    if isinstance(wrong, UnsetType) or not wrong.found:
        return []
    return [f"     {line}" for line in (wrong.text, wrong.example, wrong.advice)]


def _memory(memory: MemoryReport | UnsetType, *, hidden: int) -> list[str]:
    """What the fields leave out, what is noise, or that even the state is too much. Nothing where they say all."""
    if isinstance(memory, UnsetType) or not (memory.rejected or memory.stateless or memory.noisy or hidden):
        return []
    return [f"     {line}" for line in (memory.text, memory.example, memory.advice) if line]


def _regime(regime: RegimeReport | UnsetType) -> list[str]:
    """Since when the newer data contradict the older ones, if they do."""
    if isinstance(regime, UnsetType) or not regime.changed:
        return []
    return [f"     {regime.text}: {regime.advice.partition(': ')[2]}", f"     {regime.example}"]


def _basis(basis: BasisReport | UnsetType) -> str:
    """What else than all rows was learned from."""
    if isinstance(basis, UnsetType):
        return ""
    since = f", since episode {basis.since.replace(':', ' step ')}" if basis.since else ""
    return since + (f", {basis.read - basis.sampled:,} of the rows new" if basis.sampled else "")


def _share(error: float) -> str:
    return percent(error) if error >= 0.1 else f"{100 * error:.2g} %"


def _ready(ready: Readiness, gaps: tuple[GapReport, ...]) -> list[str]:
    missing = [_missing(goal) for goal in ready.unmet]
    if not ready.goals and not ready.refused:
        return [f"     {ready.text}", *(f"     least known: {gap.text} (`worldtwin traces gaps`)" for gap in gaps[:1])]
    if ready.refused:
        missing.insert(0, ready.because)
    least = f"least known: {gaps[0].text} (`worldtwin traces gaps`)" if gaps else "see `worldtwin fit --explain`"
    more = f" · {least}" if missing and not ready.refused else ""
    return [f"     ready: {'yes' if ready.ready else 'no   ' + ', '.join(missing)}{more}"]


def _missing(goal: Goal) -> str:
    if goal.value is None:
        return goal.text
    return f"{goal.name} {shown(goal.value)} of {shown(goal.wanted)}{f' {goal.unit}' if goal.unit else ''}"
