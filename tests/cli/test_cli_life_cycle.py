"""The life of a simulator on the command line, in the order in which a person walks it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

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


@pytest.mark.slow
def test_a_task_is_judged_and_improved_alike_on_every_backend(run: Run) -> None:
    run("record", "corridor.yaml")
    run("fit", "corridor.yaml")
    for command in (("judge", "go.py", "corridor.yaml", "--against", "wait.py"), ("improve", "table", "corridor.yaml")):
        numpy = run(*command, "--key", "5")
        assert run(*command, "--key", "5", "--backend", "jax").out == numpy.out
        assert numpy.code == 0


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
    assert {path.name for path in (folder / "runs/one").iterdir()} >= {"events.jsonl", "run.json", "run.traces"}


def test_cases_and_tasks_are_checked_like_worlds(run: Run, folder: Path) -> None:
    assert "cases.yaml: ok · cases" in run("check", "cases.yaml").out
    assert run("check", "cases.yaml", "--json").json["cases"] == 2
    assert "go.py: ok · task" in run("check", "corridor.yaml", "go.py").out
    assert "go.py: ok · act" in run("check", "go.py").out
    (folder / "go.py").write_text("def act(state):\n    return state.plase\n")
    wrong = run("check", "corridor.yaml", "go.py")
    assert (wrong.code, wrong.err.startswith("worldtwin: go.py:2: ")) == (2, True)


def test_a_session_says_what_is_possible_and_shows_sets_to_machines(run: Run, folder: Path) -> None:
    assert "possible: left, right" in run("session", "corridor.yaml", "possible", "--key", "1").out
    text = (folder / "corridor.yaml").read_text().split("reward:")[0]
    text = text.replace("action:", "  ways: {type: set, values: [east, west]}\naction:")
    (folder / "ways.yaml").write_text(text.replace("{place: 0}", "{place: 0, ways: [west, east]}"))
    assert run("session", "ways.yaml", "state", "--key", "1", "--json").json["state"]["ways"] == ["east", "west"]


def test_the_present_yaml_says_what_pays_and_other_fields_need_a_new_fit(run: Run, folder: Path) -> None:
    run("record", "corridor.yaml")
    run("fit", "corridor.yaml")
    text = (folder / "corridor.yaml").read_text()
    (folder / "corridor.yaml").write_text(text.replace('"1 if next.place == 5 else -1"', '"0.5"'))
    assert run("run", "go.py", "corridor.yaml", "--episodes", "1", "--key", "1", "--json").json["return"] == 2.5
    (folder / "corridor.yaml").write_text(text.replace("range: [0, 5]", "range: [0, 9]"))
    stale = run("run", "go.py", "corridor.yaml", "--key", "1")
    assert stale.code == 2
    assert "older corridor.yaml: run `worldtwin fit corridor.yaml` again" in stale.err


def test_improved_parameters_are_named(run: Run, folder: Path) -> None:
    run("record", "corridor.yaml")
    run("fit", "corridor.yaml")
    (folder / "knob.py").write_text(
        "reach = param(0, low=0, high=9)\n\n\ndef act(state):\n    return 'right' if state.place < reach else 'left'\n"
    )
    printed = run("improve", "knob.py", "corridor.yaml", "--key", "1")
    assert printed.code == 0
    assert "reach 0 → " in printed.out


def test_a_csv_is_never_counted_twice(run: Run, folder: Path) -> None:
    (folder / "log.csv").write_text("place,move\n" + "".join(f"{i % 5},right\n" for i in range(20)))
    (folder / "corridor.yaml").write_text((folder / "corridor.yaml").read_text() + "traces: log.csv\n")
    run("fit", "corridor.yaml")
    assert "0 transitions added" in run("record", "corridor.yaml", "log.csv").out


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_file_of_rows_is_a_source_of_everything(run: Run, folder: Path, kind: str) -> None:
    rows = [{"place": i % 5, "action.move": "right", "reward": 1.0} for i in range(20)]
    if kind == "jsonl":
        (folder / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    else:
        parquet.write_table(pa.Table.from_pylist(rows), folder / "log.parquet")
    assert f"traces: log.{kind}" in run("new", "--from", f"log.{kind}").out
    (folder / "corridor.yaml").write_text((folder / "corridor.yaml").read_text() + f"traces: log.{kind}\n")
    assert run("fit", "corridor.yaml").code == 0
    assert "0 transitions added" in run("record", "corridor.yaml", f"log.{kind}").out
    assert "0 rows added" in run("traces", "import", "corridor.yaml", f"log.{kind}").out


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version").out.strip().count(".") == 2


def test_what_was_improved_in_a_function_says_how_to_use_it_there(run: Run, folder: Path) -> None:
    (folder / "corridor.yaml").write_text(
        (folder / "corridor.yaml").read_text().replace('ends: "next.place == 5"\n', "").replace("[-20, 1]", "[-20, 20]")
    )
    (folder / "walk.py").write_text(
        "import worldtwin as wt\n\n\ndef move(place, edge=wt.param(0, low=-1, high=9)):\n"
        '    return "right" if place < edge else "left"\n'
    )
    run("record", "corridor.yaml")
    run("fit", "corridor.yaml")
    improved = run("improve", "walk.py:move", "corridor.yaml", "--key", "1").out
    assert "     a step: -1 → 0.6" in improved
    assert 'believe it: in your program, move(..., **worldtwin.load_task("better.wtt").knobs)' in improved
    network = run("improve", "network:2", "corridor.yaml", "--key", "1").out
    assert "believe it: worldtwin evaluate better.wtt gym:... --spec corridor.yaml" in network
