"""The folder of a run."""

import json
import resource
from pathlib import Path

import numpy as np
import pytest

from worldtwin.errors import TracesError
from worldtwin.simulation import Episodes
from worldtwin.traces import Run, about_run, events_of
from worldtwin.world import Category, Space, Spec, digest, real


def test_a_run_says_what_it_is(tmp_path: Path, spec: Spec) -> None:
    with Run(tmp_path / "r", spec, kind="simulated", simulator="ab") as run:
        run.traces.append({"state.x": [1]})
    about = json.loads((tmp_path / "r" / "run.json").read_text())
    assert about == {"format": 1, "kind": "simulated", "spec": digest(spec), "simulator": "ab"}
    assert about_run(tmp_path / "r").kind == "simulated"


def test_events_are_added_and_never_changed(tmp_path: Path) -> None:
    for count in range(2):
        with Run(tmp_path / "r") as run:
            run.event("generation", {"number": count, "best": np.float64(1.5), "scores": np.arange(2)})
    assert events_of(tmp_path / "r") == [
        {"event": "generation", "number": 0, "best": 1.5, "scores": [0, 1]},
        {"event": "generation", "number": 1, "best": 1.5, "scores": [0, 1]},
    ]


def test_an_event_that_was_cut_off_is_not_there(tmp_path: Path) -> None:
    with Run(tmp_path / "r") as run:
        run.event("whole", {})
    with (tmp_path / "r" / "events.jsonl").open("ab") as file:
        file.write(b'{"event":"ha')
    assert events_of(tmp_path / "r") == [{"event": "whole"}]


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    Run(tmp_path / "r", kind="real").close()
    with pytest.raises(TracesError, match=r"holds another run \(real, spec none\): use a new folder"):
        Run(tmp_path / "r", kind="simulated")


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TracesError, match=r"run\.json cannot be read"):
        about_run(tmp_path)


def test_a_run_where_nothing_can_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TracesError, match="the run cannot be written"):
        Run(tmp_path / "file" / "r")


def test_simulated_episodes_are_kept_on_their_own_and_marked(tmp_path: Path) -> None:
    spec = Spec(
        name="line",
        state=Space(names=("x",), fields=(real(-1, 1),)),
        action=Space(names=("push",), fields=(Category(("left", "right")),)),
    )
    numbers = np.zeros(2, dtype=np.int64)
    columns = {"episode": numbers, "step": np.arange(2), "rewards": numbers, "source": np.ones(2, dtype=np.int8)}
    rows = {"states": numbers[:, None], "actions": np.array([[0], [1]]), "nexts": numbers[:, None]}
    whole = {"totals": numbers[:1], "steps": np.array([2]), "ended": np.array([True]), "unknown": np.array([False])}
    episodes = Episodes(spec=spec, outputs=np.zeros((2, 0), dtype=np.int64), **columns, **rows, **whole)
    with Run(tmp_path / "r", spec, kind="simulated") as run:
        for _ in range(2):
            run.write(episodes)
        found = run.traces.transitions().transitions
    assert found.episodes.tolist() == [0, 0, 1, 1]
    assert found.actions[:, 0].tolist() == [0, 1, 0, 1]
    assert found.synthetic.all()
    assert [line["episode"] for line in events_of(tmp_path / "r")] == [0, 1]


def test_an_event_that_the_disk_has_no_room_for_leaves_no_half_line(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Run(tmp_path / "run") as run:
        run.event("first", {})
        resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "run" / "events.jsonl").stat().st_size + 5, limits[1]))
        try:
            with pytest.raises(TracesError, match="the event cannot be written"):
                run.event("second", {"text": "longer than the room that is left"})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        run.event("third", {})
    assert [event["event"] for event in events_of(tmp_path / "run")] == ["first", "third"]
