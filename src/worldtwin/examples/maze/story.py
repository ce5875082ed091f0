"""A robot wanders in a process of its own; from what it recorded, the shortest way out is found."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from worldtwin.errors import TracesError
from worldtwin.examples.maze.explored import Explored, Way
from worldtwin.examples.maze.picturing import report_page
from worldtwin.examples.report import write
from worldtwin.examples.stage import Stage, publishable
from worldtwin.files import load_spec, save
from worldtwin.improving import search
from worldtwin.learning import fit
from worldtwin.simulation import Report
from worldtwin.tasks import Task
from worldtwin.traces import Traces

HERE: Final = Path(__file__).parent
ROBOT: Final = HERE / "robot.py"
RUNS: Final = 20


def play(stage: Stage) -> Mapping[str, object]:
    """The whole demo; what it came to."""
    spec = load_spec(HERE / "maze.yaml")
    store = stage.folder / "maze.traces"
    robot("--runs", str(RUNS), "--seed", str(stage.key.child("wander").low), "--traces", str(store))
    traces = Traces(store, spec)
    recorded = traces.transitions().transitions
    stage.tell("record", f"{len(recorded):,} steps in {RUNS} runs of a robot that wanders, in a process of its own")
    simulator = fit(spec, traces, key=stage.key.child("fit"))
    report = simulator.report or Report()
    stage.tell("fit", f"{_share(report.known)} of its next steps are known ones (95 % sure)")
    found = search(Task.table(spec), simulator, key=stage.key.child("improve"))
    planned, file = publishable(found.task), stage.folder / "way-out.wtt"
    save(planned, file)
    stage.tell("improve", f"a table of {planned.fuel:,} comparisons a step: {found.text}")
    way = msgspec.convert(json.loads(robot("--task", str(file))), Way)
    stage.tell("evaluate", f"the real robot is out in {way.steps} steps; the shortest way has {way.shortest}")
    explored = Explored(simulator=simulator, recorded=recorded, runs=RUNS, task=planned, way=way, key=stage.key)
    write(stage.report, report_page(explored, stage.seconds))
    return {
        "before": -len(recorded) / RUNS,
        "after": float(-way.steps),
        "steps": way.steps,
        "shortest": way.shortest,
        "out": way.out,
        "recorded_steps": len(recorded),
        "known": report.known,
        "simulator": simulator.digest,
        "task": planned.digest,
    }


def robot(*arguments: str) -> str:
    """What the robot's own process prints. Raises `TracesError` with its last words when it fails."""
    done = subprocess.run([sys.executable, str(ROBOT), *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode:
        raise TracesError(
            f"the robot's process failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
        )
    return done.stdout


def _share(share: float | None) -> str:
    return "an unknown share" if share is None else f"{100 * share:.1f} %"
