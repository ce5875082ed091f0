"""A program of one's own: recorded as it writes to a real database, improved in the simulator, measured for real."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from worldtwin.errors import TracesError
from worldtwin.examples.batching.picturing import report_page
from worldtwin.examples.batching.written import Knobs, Pace, Written
from worldtwin.examples.report import write
from worldtwin.examples.stage import Stage, publishable
from worldtwin.files import load_spec, load_task, save
from worldtwin.improving import search
from worldtwin.learning import fit
from worldtwin.simulation import Report, Simulator
from worldtwin.tasks import Task
from worldtwin.traces import Traces
from worldtwin.world import shown

HERE: Final = Path(__file__).parent
PROGRAM: Final = HERE / "batching.py"
RUNS: Final = 10
CURIOUS: Final = 0.8
COMPARISONS: Final = 3
COMMITS: Final = 40


def play(stage: Stage) -> Mapping[str, object]:
    """The whole demo; what it came to."""
    spec = load_spec(HERE / "batching.yaml")
    seed = str(stage.key.child("write").low)
    program(stage.folder, "--runs", str(RUNS), "--curious", str(CURIOUS), "--seed", seed)
    traces = Traces(stage.folder / "batching.traces", spec)
    recorded = traces.transitions().transitions
    stage.tell("record", f"{len(recorded):,} commits of a program that writes to a real database")
    simulator = fit(spec, traces, key=stage.key.child("fit"))
    save(simulator, stage.folder / "batching.wts")
    stage.tell("fit", quality(simulator))
    task = load_task(f"{PROGRAM}:choose_batch", spec)
    found = search(task, simulator, key=stage.key.child("improve"))
    better, file = publishable(found.task), stage.folder / "better.wtt"
    save(better, file)
    stage.tell("improve", f"{found.text}\n{compared(knobs_of(task), knobs_of(better))}")
    paces = [measured(stage.folder, file, turn) for turn in range(COMPARISONS)]
    written = Written(
        simulator=simulator,
        recorded=recorded,
        task=better,
        old=knobs_of(task),
        new=knobs_of(better),
        paces=paces,
        key=stage.key,
    )
    stage.tell("evaluate", f"on the real database {written.before:,.0f} → {written.after:,.0f} rows/s")
    write(stage.report, report_page(written, stage.seconds))
    return {
        "before": written.before,
        "after": written.after,
        "simulated": {"before": found.before / spec.horizon, "after": found.after / spec.horizon},
        "better": found.decision.better,
        "knobs": dict(better.knobs),
        "recorded_steps": len(recorded),
        "simulator": simulator.digest,
        "task": better.digest,
    }


def measured(folder: Path, task: Path, turn: int) -> Pace:
    """One real run with the old settings and one with those of `task`, close together: a disk has its days."""
    usual = ("--seed", str(turn), "--commits", str(COMMITS))
    return Pace(before=program(folder, *usual), after=program(folder, *usual, "--task", str(task)))


def program(folder: Path, *arguments: str) -> float:
    """Run the program in `folder`, as its user does; the rows per second that it prints. Raises `TracesError`."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True, check=False, cwd=folder
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise TracesError(f"the writer's process failed: {last}")
    return float(done.stdout.split()[0].replace(",", ""))


def quality(simulator: Simulator) -> str:
    """What predicts each field."""
    report = simulator.report or Report()
    return (
        f"{', '.join(f'{field.name}: {field.model}' for field in report.fields)} · held out {report.held_out:,} steps"
    )


def knobs_of(task: Task) -> Knobs:
    """The settings of a task, one number each."""
    return {name: value for name, value in task.knobs.items() if isinstance(value, int | float)}


def compared(old: Knobs, new: Knobs) -> str:
    """`base 8 → 211 · share 0 → 0.0168` for what changed."""
    return " · ".join(f"{name} {shown(old[name])} → {shown(new[name])}" for name in old if old[name] != new[name])
