"""A program of one's own on a real database, as `examples/batching` walks it."""

from __future__ import annotations

import inspect
import os
import random
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worldtwin.exact import Key
from worldtwin.examples import demo, world
from worldtwin.examples.batching.batching import MOST, ROOM, Database, choose_batch, deliver
from worldtwin.examples.batching.story import FIXED, PROGRAM, program
from worldtwin.examples.batching.written import Pace, Written
from worldtwin.files import load_simulator, load_spec, load_task, save
from worldtwin.simulation import Simulator
from worldtwin.traces import Traces

ROOT = Path(__file__).resolve().parents[2]
WALK = ROOT / "examples" / "batching"
SPEC = load_spec(world("batching"))
TASK = load_task(f"{PROGRAM}:choose_batch", SPEC)
PLAIN = inspect.unwrap(choose_batch)


def disk_is_in_memory(folder: Path) -> bool:
    """Whether a commit costs next to nothing here: then there is nothing to win by larger ones."""
    database = Database(folder / "disk.db")
    quickest = min(database.commit([(f"Pump-{number}", 0.0)]) for number in range(20))
    database.close()
    return quickest < 0.0002


@given(
    queue=st.integers(0, 8000),
    last_ms=st.integers(0, 1000),
    base=st.integers(1, 1024),
    share=st.floats(0.0, 0.1),
    per_ms=st.floats(-2.0, 2.0),
)
def test_the_function_with_a_task_s_knobs_does_what_the_task_does(
    queue: int, last_ms: int, base: int, share: float, per_ms: float
) -> None:
    task = TASK.with_parameters([base, share, per_ms])

    size = task.act({"queue": queue, "last_ms": float(last_ms)})[0]["size"]

    assert PLAIN(queue, float(last_ms), **task.knobs) == size


def test_without_other_settings_the_task_is_the_function() -> None:
    assert TASK.knobs == {"base": 8, "share": 0.0, "per_ms": 0.0}
    assert TASK.observes == ("queue", "last_ms")


def test_the_later_of_two_readings_in_a_batch_counts_whoever_wrote_its_name(tmp_path: Path) -> None:
    database = Database(tmp_path / "readings.db")

    seconds = database.commit([("Pump-1", 0.5), ("pump-2", 0.25), ("pump-1", 0.75)])

    stored = database._connection.execute("SELECT name, value FROM readings ORDER BY value").fetchall()
    database.close()
    assert stored == [("pump-2", 0.25), ("pump-1", 0.75)]
    assert seconds > 0


@settings(max_examples=20)
@given(waiting=st.integers(0, ROOM), seed=st.integers(0, 2**32))
def test_a_commit_never_waits_for_readings_and_the_queue_never_runs_over(waiting: int, seed: int) -> None:
    queue = deque([("pump-1", 0.0)] * waiting)

    deliver(queue, random.Random(seed))  # noqa: S311 - readings are no secret

    assert max(MOST, waiting) <= len(queue) <= ROOM


def test_every_way_is_written_with_and_told(tmp_path: Path) -> None:
    save(TASK, tmp_path / "mine.wtt")

    paces = program(tmp_path, "--commits", "2", "--runs", "2", "--base", "8", "64", "--task", "mine.wtt")

    rows = Traces(tmp_path / "batching.traces", SPEC).transitions().transitions
    assert len(paces) == 3
    assert all(pace > 0 for pace in paces)
    assert SPEC.action.columns(rows.actions)["size"].tolist() == [8, 64, 8] * 2


def test_a_size_drawn_by_chance_does_not_depend_on_the_settings(tmp_path: Path) -> None:
    save(TASK.with_parameters([100, 0.1, 2.0]), tmp_path / "other.wtt")
    curious = ("--commits", "12", "--curious", "1", "--seed", "7")

    program(tmp_path, *curious)
    program(tmp_path, *curious, "--task", "other.wtt")

    rows = Traces(tmp_path / "batching.traces", SPEC).transitions().transitions
    sizes = SPEC.action.columns(rows.actions)["size"].tolist()
    half = len(sizes) // 2
    assert len(set(sizes)) > 6
    assert sizes[:half] == sizes[half:]


def test_the_runs_that_decide_which_round_is_kept_are_not_told(tmp_path: Path) -> None:
    written = Written(
        simulator=Simulator(spec=SPEC),
        recorded=Traces(tmp_path / "batching.traces", SPEC).transitions().transitions,
        old={},
        rounds=(),
        fixed={64: 10.0},
        trials=[Pace(before=1, best=1, after=pair) for pair in ((9, 3), (8, 4), (2, 5))],
        paces=[Pace(before=1, best=10, after=pair) for pair in ((2, 6), (4, 7), (5, 8))],
        key=Key.of(1),
    )

    assert written.kept == 0
    assert written.afters == [4, 7]
    assert written.after == 4
    assert written.share == 0.4


@pytest.mark.slow
def test_the_writer_is_faster_on_the_real_database_after_it_was_improved_in_the_simulator_only(tmp_path: Path) -> None:
    said: list[str] = []

    done = demo("batching", tmp_path, key=5, echo=said.append).result

    before, after, simulated = float(str(done["before"])), float(str(done["after"])), done["simulated"]
    best = done["best_fixed"]
    assert isinstance(simulated, dict)
    assert isinstance(best, dict)
    print(f"on the real database {before:,.0f} → {after:,.0f} rows/s, {best}")  # noqa: T201 - shown with `pytest -s`
    assert done["recorded_steps"] == 812
    assert done["better"] is True
    assert simulated["after"] > simulated["before"]
    assert disk_is_in_memory(tmp_path) or after > before
    assert best["size"] in FIXED
    assert load_simulator(tmp_path / "batching.wts").digest == done["simulator"]
    assert load_task(tmp_path / "better.wtt").knobs == done["knobs"]
    assert "How much to commit at once" in (tmp_path / "report.html").read_text("utf-8")
    steps = [*["record", "fit", "improve"] * 2, "evaluate", "report"]
    assert [line.split()[0] for line in said if not line.startswith(" ")] == steps


@pytest.mark.slow
def test_the_walk_runs_as_it_stands_and_only_what_is_good_is_said(tmp_path: Path) -> None:
    folder = shutil.copytree(WALK, tmp_path / "walk")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "run.sh"], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    steps = done.stdout.split("== ")[1:]
    assert [step[0] for step in steps] == list("123456")
    assert "reward: outputs.rows_per_s  # guess: " in steps[1]
    assert "fit  609 transitions, 21 episodes" in steps[2]
    assert "better: " in steps[3]
    assert 'in your program, choose_batch(..., **worldtwin.load_task("better.wtt").knobs)' in steps[3]
    assert "fit  841 transitions, 29 episodes" in steps[4]
    assert "better: " in steps[4]
    paces = [float(line.split()[0].replace(",", "")) for line in steps[5].splitlines()[1:]]
    print(f"on the real database {paces}")  # noqa: T201 - shown with `pytest -s`
    assert disk_is_in_memory(tmp_path) or paces[-1] > 3 * paces[0]


def test_the_commands_of_the_walk_s_page_are_those_that_run() -> None:
    page, script = (WALK / "README.md").read_text("utf-8"), (WALK / "run.sh").read_text("utf-8")
    commands = [line.removeprefix("$ ") for line in page.splitlines() if line.startswith("$ ")]
    assert len(commands) >= 7
    assert [command for command in commands if command not in script] == []
