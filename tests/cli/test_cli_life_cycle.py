"""The life of a simulator on the command line, in the order in which a person walks it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_a_world_without_data_is_checked_and_knows_nothing(run: Run) -> None:
    assert "ok · corridor 1.0.0" in run("check", "corridor.yaml").out
    unknown = run("session", "corridor.yaml", "right", "--key", "1")
    assert unknown.code == 1
    assert "unknown" in unknown.out


def test_synthetic_data_make_a_simulator_that_answers_and_rewinds(run: Run) -> None:
    assert "12 transitions added, 12 in all" in run("record", "corridor.yaml").out
    assert "0 transitions added, 12 in all" in run("record", "corridor.yaml").out
    fitted = run("fit", "corridor.yaml", "--json").json
    assert fitted["report"]["synthetic"] == 12
    lines = run("session", "corridor.yaml", "right", "right", "rewind 1", "state", "--key", "1").out.splitlines()
    assert "place=2" in lines[1]
    assert "synthetic" in lines[1]
    assert lines[2].split() == lines[3].split()
    assert "place=1" in lines[3]


def test_a_task_is_judged_improved_and_judged_again(run: Run, folder: Path) -> None:
    run("record", "corridor.yaml")
    run("fit", "corridor.yaml")
    poor = run("judge", "wait.py", "corridor.yaml", "--key", "1", "--json").json
    assert poor["passed"]
    assert [answer["name"] for answer in poor["answers"] if answer["satisfied"] < 1] == ["arrives"]
    better = run("judge", "go.py", "corridor.yaml", "--against", "wait.py", "--key", "1")
    assert better.code == 0
    assert "better: " in better.out
    worse = run("judge", "wait.py", "corridor.yaml", "--against", "go.py", "--key", "1")
    assert worse.code == 1
    improved = run("improve", "table", "corridor.yaml", "--key", "1", "-o", "best.wtt", "--json").json
    assert improved["better"]
    assert (folder / "best.wtt").exists()
    played = run("run", "best.wtt", "corridor.yaml", "--episodes", "3", "--key", "2", "--json").json
    assert played["return"] == -3.0
    assert played["sources"]["synthetic"] == 1.0


def test_equal_keys_run_alike_and_a_drawn_key_is_named(run: Run) -> None:
    run("record", "corridor.yaml")
    run("fit", "corridor.yaml")
    first, second = (run("run", "go.py", "corridor.yaml", "--key", "5").out for _ in range(2))
    assert first == second
    assert "drew --key" in run("run", "go.py", "corridor.yaml").err


@pytest.mark.slow
def test_a_run_is_the_same_on_every_backend(run: Run) -> None:
    run("record", "corridor.yaml")
    run("fit", "corridor.yaml")
    for task in ("go.py", "network"):
        numpy = run("run", task, "corridor.yaml", "--key", "5", "--backend", "numpy").out
        assert run("run", task, "corridor.yaml", "--key", "5", "--backend", "jax").out == numpy
        assert "digest" in numpy


def test_the_least_known_pairs_are_written_to_be_filled_in(run: Run, folder: Path) -> None:
    run("record", "corridor.yaml")
    assert run("traces", "gaps", "corridor.yaml", "-o", "gaps.csv").code == 0
    assert (folder / "gaps.csv").read_text().startswith("state.place,action.move,next.place")
    shown = run("traces", "show", "corridor.yaml", "--json").json
    assert (shown["transitions"], shown["synthetic"]) == (12, 12)


def test_a_run_is_written_to_a_folder(run: Run, folder: Path) -> None:
    run("record", "corridor.yaml")
    run("fit", "corridor.yaml")
    run("run", "go.py", "corridor.yaml", "--episodes", "2", "--key", "1", "--run", "runs/one")
    assert sorted(path.name for path in (folder / "runs/one").iterdir()) >= ["events.jsonl", "run.json", "run.traces"]
