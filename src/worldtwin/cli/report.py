"""A simulator's report as lines and as plain values."""

from __future__ import annotations

from msgspec import UnsetType, to_builtins

import worldtwin as wt
from worldtwin.cli.output import percent
from worldtwin.judging import Readiness
from worldtwin.simulation import FieldReport, MemoryReport, Report, Simulator
from worldtwin.world import shown


def report_result(simulator: Simulator) -> dict[str, object]:
    """The report and the readiness as plain values."""
    ready = wt.readiness(simulator)
    return {"report": to_builtins(simulator.report), "ready": ready.ready, "goals": to_builtins(ready.goals)}


def report_lines(simulator: Simulator, seconds: float) -> list[str]:
    """What was learned from what, how well, and what is missing before the simulator is done."""
    report = simulator.report
    if report is None:
        return [f"fit  {simulator.spec.name}: nothing was learned"]
    synthetic = f" ({report.synthetic:,} synthetic)" if report.synthetic else ""
    lines = [f"fit  {report.transitions:,} transitions{synthetic}, {report.episodes:,} episodes, {seconds:.1f} s"]
    lines += [f"     {count:,} rows left out: {reason}" for reason, count in report.excluded.items()]
    lines += _fields(report.fields)
    lines += _held_out(report)
    lines += _memory(report.memory)
    return lines + _ready(wt.readiness(simulator))


def _fields(fields: tuple[FieldReport, ...]) -> list[str]:
    """One line for all fields that the same kind of model answers."""
    models = dict.fromkeys(field.model for field in fields)
    return [f"     {', '.join(field.name for field in fields if field.model == model)}: {model}" for model in models]


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


def _memory(memory: MemoryReport | UnsetType) -> list[str]:
    """What the fields leave out, what is noise, or that even the state is too much. Nothing where they say all."""
    if isinstance(memory, UnsetType) or not (memory.rejected or memory.stateless or memory.noisy):
        return []
    return [f"     {line}" for line in (memory.text, memory.example, memory.advice) if line]


def _share(error: float) -> str:
    return percent(error) if error >= 0.1 else f"{100 * error:.2g} %"


def _ready(ready: Readiness) -> list[str]:
    missing = [f"{goal.name} {_short(goal.value)} of {_short(goal.wanted)}" for goal in ready.goals if not goal.met]
    if not ready.goals and not ready.refused:
        return [f"     {ready.text}"]
    if ready.refused:
        missing.insert(0, "not predictable from these fields alone")
    more = " · what is least known: `worldtwin traces gaps`" if missing and not ready.refused else ""
    return [f"     ready: {'yes' if ready.ready else 'no   ' + ', '.join(missing)}{more}"]


def _short(value: float | None) -> str:
    return "not measured" if value is None else shown(value)
