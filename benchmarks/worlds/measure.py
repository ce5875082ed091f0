"""One row with one key, measured in a process of its own: prints one JSON object.

python measure.py ROW KEY                # `iterate` with its defaults
python measure.py ROW KEY VARIANT        # with more or fewer defences, each with the same real steps
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import gymnasium
import msgspec
import numpy as np
from msgspec.structs import replace
from realities import REALITIES
from rows import ROWS, Row

import worldtwin as wt
from worldtwin.exact import Key
from worldtwin.tasks import LocalTask, Task
from worldtwin.world import Spec

VARIANTS: Final = ("plain", "recorded-starts", "second-round")
"""Ablation: starts where episodes begin; half of them anywhere that was recorded; and the last third of the steps by
the improved task, learned from too."""

SECOND: Final = 1 / 3
Found = tuple[Task | LocalTask, "wt.Simulator", float | None, int]


def main() -> None:
    """Measure what is asked for."""
    name, key = sys.argv[1], Key.of(int(sys.argv[2]))
    row = next(row for row in ROWS if row.name == name)
    variant = sys.argv[3] if len(sys.argv) > 3 else "default"
    result = batching(key) if row.name == "batching" else measured(row, key, variant)
    print(msgspec.json.encode(result).decode())


def measured(row: Row, key: Key, variant: str) -> dict[str, Any]:
    """What came of one row: returns on seeds that nothing was recorded with."""
    env, start = REALITIES[row.name](), row.task(key.low)
    began = time.perf_counter()
    task, simulator, simulated, steps = (
        defaults(row, start, env, key) if variant == "default" else defended(row, start, env, key, variant)
    )
    seconds = time.perf_counter() - began
    before, after = (
        wt.evaluate(each, env, episodes=row.episodes, key=key.child("fresh"), spec=row.spec).returns
        for each in (start, task)
    )
    report = simulator.report
    return {
        "real_steps": steps,
        "before": float(before.mean()),
        "after": float(after.mean()),
        "error": float(after.std() / np.sqrt(len(after))),
        "simulated": simulated,
        "seconds": seconds,
        "refused": wt.readiness(simulator).refused,
        "drift": None if report is None else report.horizon_error,
    }


def defaults(row: Row, start: Task, env: gymnasium.Env[Any, Any], key: Key) -> Found:
    """What anyone gets who asks for nothing in particular."""
    found = wt.iterate(start, row.spec, reality=env, real_steps=row.steps, key=key, backend=backend_of(row))
    return found.task, found.simulator, found.rounds[-1].simulated if found.rounds else found.before, found.real_steps


def defended(row: Row, start: Task, env: gymnasium.Env[Any, Any], key: Key, variant: str) -> Found:
    """One search, or two, from a record by chance; the variants differ in what they do against exploitation."""
    with tempfile.TemporaryDirectory() as folder:
        traces = wt.Traces(Path(folder) / "real.traces", row.spec)
        real = Real(row.spec, env, traces)
        again = round(SECOND * row.steps) if variant == "second-round" else 0
        steps = real.live(start, row.steps - again, noise=1.0, key=key.child("chance"))
        found, simulator = searched(row, start, traces, variant, key.child("one"))
        if again:
            steps += real.live(found.task, again, noise=0.0, key=key.child("tried"))
            found, simulator = searched(row, found.task, traces, variant, key.child("two"))
    return found.task, simulator, found.after, steps


def searched(
    row: Row, task: Task | LocalTask, traces: wt.Traces, variant: str, key: Key
) -> tuple[wt.improving.Improvement, wt.Simulator]:
    """The best task in a simulator of all that was recorded."""
    simulator = wt.fit(row.spec, traces, key=key)
    known = replace(simulator, recorded=simulator.recorded[:0]) if variant == "plain" else simulator
    return wt.improving.search(task, known, key=key, backend=backend_of(row)), simulator


def backend_of(row: Row) -> wt.JaxBackend | None:
    """What its rehearsals run on."""
    return wt.JaxBackend() if row.compiled else None


class Real(NamedTuple):
    """A world whose reality is recorded."""

    spec: Spec
    env: gymnasium.Env[Any, Any]
    traces: wt.Traces

    def live(self, task: Task | LocalTask, steps: int, *, noise: float, key: Key) -> int:
        """Record about `steps` steps of `task`, a share `noise` of them by chance; how many it were."""
        done = number = 0
        while done < steps:
            own = key.child("episode", number)
            one = wt.evaluate(task, self.env, episodes=1, key=own, spec=self.spec, traces=self.traces, noise=noise)
            done, number = done + int(one.steps[0]), number + 1
        return done


def batching(key: Key) -> dict[str, Any]:
    """The demo of a program of one's own, which has a real database as its reality."""
    from worldtwin.examples.batching import story  # noqa: PLC0415 - only this row needs it
    from worldtwin.examples.stage import Stage  # noqa: PLC0415 - the same

    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder), Path(folder) / "report.html", key, lambda _: None)
        done: Any = story.play(stage)
    return {
        "real_steps": done["recorded_steps"],
        "before": done["before"],
        "after": done["after"],
        "error": 0.0,
        "simulated": done["simulated"]["after"],
        "seconds": time.perf_counter() - began,
        "refused": "",
        "drift": None,
    }


if __name__ == "__main__":
    main()
