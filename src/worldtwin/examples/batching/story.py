"""A program of one's own: recorded as it writes to a real database, improved in the simulator, measured for real."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from worldtwin.errors import TracesError
from worldtwin.examples.batching.picturing import report_page
from worldtwin.examples.batching.written import Knobs, Pace, Round, Written, best_of
from worldtwin.examples.report import write
from worldtwin.examples.stage import Stage, publishable
from worldtwin.files import load_spec, load_task, save
from worldtwin.improving import search
from worldtwin.learning import fit
from worldtwin.simulation import Report, Simulator
from worldtwin.tasks import Task
from worldtwin.traces import Traces
from worldtwin.world import Spec, shown

HERE: Final = Path(__file__).parent
PROGRAM: Final = HERE / "batching.py"
OLD: Final = 8
"""The size that the program has without other settings."""
COMMITS: Final = 30
FIRST: Final = ("--runs", "20", "--commits", str(COMMITS), "--curious", "0.9")
AGAIN: Final = ("--runs", "8", "--commits", str(COMMITS), "--curious", "0.5")
"""The second time the program runs with what was found, and tries other sizes in half of its commits."""
FIXED: Final = (64, 128, 256, 512, 1024)
"""The sizes of the scan by hand."""
SCAN: Final = ("--runs", "3", "--commits", "5")
TRIALS: Final = range(3)
"""Which turns decide between the two rounds."""
TURNS: Final = range(3, 6)
"""Which turns are told."""
TURN: Final = ("--runs", "5", "--commits", "6")


def play(stage: Stage) -> Mapping[str, object]:
    """The whole demo; what it came to."""
    spec = load_spec(HERE / "batching.yaml")
    task = load_task(f"{PROGRAM}:choose_batch", spec)
    first = learned(stage, spec, task, FIRST, "first")
    second = learned(stage, spec, task, (*AGAIN, "--task", "first.wtt"), "second")
    fixed = scanned(stage.folder)
    written = Written(
        simulator=second.simulator,
        recorded=second.recorded,
        old=knobs_of(task),
        rounds=[first, second],
        fixed=fixed,
        trials=[measured(stage.folder, best_of(fixed), turn) for turn in TRIALS],
        paces=[measured(stage.folder, best_of(fixed), turn) for turn in TURNS],
        key=stage.key,
    )
    save(written.task, stage.folder / "better.wtt")
    stage.tell("evaluate", evaluated(written))
    write(stage.report, report_page(written, stage.seconds))
    simulated = written.rounds[written.kept].improvement
    return {
        "before": written.before,
        "after": written.after,
        "best_fixed": {"size": written.best_fixed, "rows_per_s": written.best},
        "simulated": {"before": simulated.before / spec.horizon, "after": simulated.after / spec.horizon},
        "better": simulated.decision.better,
        "knobs": dict(written.task.knobs),
        "recorded_steps": len(second.recorded),
        "simulator": second.simulator.digest,
        "task": written.task.digest,
    }


def learned(stage: Stage, spec: Spec, task: Task, arguments: Sequence[str], name: str) -> Round:
    """One round: the program runs with `arguments`, all commits so far are learned, and `task` is improved in that."""
    key = stage.key.child(name)
    program(stage.folder, *arguments, "--seed", str(key.child("write").low))
    traces = Traces(stage.folder / "batching.traces", spec)
    recorded = traces.transitions().transitions
    stage.tell("record", f"{len(recorded):,} commits so far of a program that writes to a real database")
    simulator = fit(spec, traces, key=key.child("fit"))
    save(simulator, stage.folder / "batching.wts")
    stage.tell("fit", quality(simulator))
    found = search(task, simulator, key=key.child("improve"))
    better = publishable(found.task)
    save(better, stage.folder / f"{name}.wtt")
    stage.tell("improve", f"{found.text}\n{compared(knobs_of(task), knobs_of(better))}")
    return Round(simulator=simulator, recorded=recorded, improvement=found, task=better, knobs=knobs_of(better))


def scanned(folder: Path) -> Mapping[int, float]:
    """The real rows per second of sizes that are always the same."""
    paces = program(folder, *SCAN, "--base", *map(str, FIXED))
    return dict(zip(FIXED, paces, strict=True))


def measured(folder: Path, best: int, turn: int) -> Pace:
    """The old settings, always `best` rows and the settings of each round, in turn: a disk has its days."""
    bases = ("--base", str(OLD), str(best))
    before, fixed, *after = program(folder, *TURN, "--seed", str(turn), *bases, "--task", "first.wtt", "second.wtt")
    return Pace(before=before, best=fixed, after=after)


def evaluated(written: Written) -> str:
    """What came of it on the real database, and how near that is to the best size of the scan."""
    sizes = " · ".join(f"{size:,} rows {pace:,.0f}" for size, pace in written.fixed.items())
    return (
        f"on the real database {written.before:,.0f} → {written.after:,.0f} rows/s, "
        f"with the settings of round {written.kept + 1}\n"
        f"a scan of sizes by hand: {sizes} rows/s\n"
        f"in turn with always {written.best_fixed:,} rows: {written.best:,.0f} rows/s, "
        f"of which the settings reach {100 * written.share:.0f} %"
    )


def program(folder: Path, *arguments: str) -> list[float]:
    """Run the program in `folder`, as its user does; the rows per second of each line. Raises `TracesError`."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True, check=False, cwd=folder
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise TracesError(f"the writer's process failed: {last}")
    return [float(line.split()[0].replace(",", "")) for line in done.stdout.splitlines()]


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
