"""The demos, from recording to the check in reality."""

from __future__ import annotations

from pathlib import Path

import pytest

from worldtwin.examples import demo
from worldtwin.files import load_simulator, load_task

pytestmark = pytest.mark.slow


def test_the_pole_stands_in_reality_after_it_was_improved_in_the_simulator_only(tmp_path: Path) -> None:
    said: list[str] = []

    done = demo("cart-pole", tmp_path, key=11, echo=said.append)

    assert done.result["recorded_steps"] == 3000
    assert float(str(done.result["before"])) < 60
    after = done.result["after"]
    assert isinstance(after, dict)
    assert min(after.values()) >= 475
    assert load_simulator(tmp_path / "cart-pole.wts").digest == done.result["simulator"]
    assert load_task(tmp_path / "network-of-8.wtt").digest == done.result["task"]
    assert "The pole that no longer falls" in done.report.read_text("utf-8")
    steps = ["record", "fit", "improve", "improve", "evaluate", "report"]
    assert [line.split()[0] for line in said if not line.startswith(" ")] == steps


def test_the_same_key_gives_the_same_simulator_and_task(tmp_path: Path) -> None:
    first, again = (demo("lamp", tmp_path / name, key=5, echo=str).result for name in ("a", "b"))

    assert first["simulator"] == again["simulator"]
    assert first["task"] == again["task"]


def test_the_shortest_way_out_of_the_maze_is_found(tmp_path: Path) -> None:
    done = demo("maze", tmp_path, key=3, echo=str)

    assert done.result["out"] is True
    assert done.result["steps"] == done.result["shortest"] == 24


def test_the_lamp_is_set_to_a_brightness_that_was_never_recorded(tmp_path: Path) -> None:
    done = demo("lamp", tmp_path, key=3, echo=str)

    assert abs(float(str(done.result["brightness"])) - 500) < 5
    assert float(str(done.result["worst_error"])) < 5


def test_without_a_folder_only_the_report_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    done = demo("lamp", key=1, echo=str)

    assert done.report == tmp_path / "report.html"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
