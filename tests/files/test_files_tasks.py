"""Tasks from a file, from one function of a file, and from a function at hand; nothing is ever imported."""

from __future__ import annotations

import functools
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import worldtwin as wt
from worldtwin.errors import InvalidFile, InvalidScript, InvalidTask
from worldtwin.files import load_task, save
from worldtwin.tasks import Task
from worldtwin.world import Category, Space, Spec

VECTORS = Path(__file__).parents[1] / "vectors" / "files"
MAKE: dict[str, Any] = runpy.run_path(str(VECTORS / "make.py"))
CART: Spec = MAKE["CART"]
THERMOSTAT: str = MAKE["THERMOSTAT"]
PROGRAM = '''\
"""A program that must not run."""
import os

raise SystemExit("imported")


def lean(angle: float, limit=wt.param(0.5, low=0.0, high=1.0)):
    return "right" if angle > limit else "left"


def broken(angle):
    return "right" if anlge > 0 else "left"
'''


def lean(angle: float, limit: float = wt.param(0.5, low=0.0, high=1.0)) -> str:
    return "right" if angle > limit else "left"


def watched(function: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(function)
    def inner(*args: float) -> str:
        return function(*args)

    return inner


def action_at(task: Task, angle: float) -> object:
    return task.act({"position": 0.0, "angle": angle})[0].push


def test_a_script_becomes_a_task_of_the_world(tmp_path: Path) -> None:
    path = tmp_path / "thermostat.py"
    path.write_text(THERMOSTAT, encoding="utf-8")

    task = load_task(path, CART)

    assert task.observes == ("position",)
    assert task.parameters().values.tolist() == [0.5, -2.0]


def test_one_function_of_a_file_becomes_a_task_and_the_file_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")

    task = load_task(f"{path}:lean", CART)

    assert (action_at(task, 0.7), action_at(task, 0.2)) == ("right", "left")
    assert task.parameters().high.tolist() == [1.0]


@pytest.mark.parametrize("function", [lean, watched(lean)])
def test_a_function_at_hand_becomes_a_task(function: Callable[..., str]) -> None:
    task = load_task(function, CART)

    assert (action_at(task, 0.7), action_at(task, 0.2)) == ("right", "left")


def test_a_mistake_in_a_script_is_said_with_file_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")

    with pytest.raises(InvalidScript, match=rf"{path}:12: unknown name `anlge`.*\(column 23\)") as caught:
        load_task(f"{path}:broken", CART)

    assert (caught.value.line, caught.value.column) == (12, 23)
    with pytest.raises(InvalidScript, match="the file has no function `laen` at its top: did you mean `lean`"):
        load_task(f"{path}:laen", CART)


def test_a_task_that_does_not_fit_the_world_is_refused() -> None:
    other = Spec(name="other", state=CART.state, action=Space(("push",), (Category(("up", "down")),)))

    with pytest.raises(InvalidTask, match="action field `push` is"):
        load_task(VECTORS / "network.wtt", other)


def test_a_script_task_is_saved_and_loaded_as_the_same_task(tmp_path: Path) -> None:
    task = load_task(lean, CART).with_parameters([0.25])
    save(task, tmp_path / "lean.wtt")

    again = load_task(tmp_path / "lean.wtt", CART)

    assert again.digest == task.digest
    assert action_at(again, 0.3) == "right"


def test_what_is_no_task_is_one_sentence(tmp_path: Path) -> None:
    binary = tmp_path / "x.py"
    binary.write_bytes(b"\xff\xfe\x00")
    empty = tmp_path / "x.wtt"
    empty.write_bytes(b"")
    with pytest.raises(InvalidFile, match=r"x\.py: is neither a task of Worldtwin nor a script"):
        load_task(binary, CART)
    with pytest.raises(InvalidFile, match=r"x\.wtt: is empty"):
        load_task(empty, CART)
    with pytest.raises(InvalidFile, match=r"none\.py: no such file"):
        load_task(tmp_path / "none.py", CART)
    with pytest.raises(InvalidTask, match="has no text of its own: write it as `def"):
        load_task(lambda angle: "left", CART)  # noqa: ARG005
    with pytest.raises(InvalidTask, match="the program fits no world yet: give the spec too"):
        load_task(lean)
