"""`worldtwin check task.py`: what a script costs, sees and can change, without a world."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]

VECTORS = Path(__file__).parents[1] / "vectors" / "files"

TASK = """
gain = param([0.1, 0.5], low=-10, high=10)
bias = param(1)
memory = remember(sum=0.0)


def act(state, memory):
    memory.sum += state.angle
    return "right" if gain[0] * state.position + memory.sum > bias else "left"
"""
LOOP = "def wait(position):\n    while position > 0:\n        position -= 1\n    return position\n"


def test_a_script_is_described_without_a_world(run: Run, folder: Path) -> None:
    (folder / "task.py").write_text(TASK)
    printed = run("check", "task.py")
    assert printed.code == 0
    assert "ok · act · at most 18 fuel a step" in printed.out
    assert "sees angle, position" in printed.out
    assert "parameters gain[2] in [-10, 10], bias in [-inf, inf]" in printed.out
    assert "remembers sum" in printed.out


def test_a_script_is_described_to_machines(run: Run, folder: Path) -> None:
    (folder / "task.py").write_text(TASK)
    found = json.loads(run("check", "task.py", "--json").out)
    assert (found["ok"], found["cost"], found["observes"]) == (True, 18, ["angle", "position"])
    assert found["parameters"][1] == {"name": "bias", "values": [1.0], "low": None, "high": None, "integer": True}


def test_one_function_of_a_file_is_described_and_a_loop_without_limit_is_said(run: Run, folder: Path) -> None:
    (folder / "tools.py").write_text(LOOP)
    printed = run("check", "tools.py:wait")
    assert "no written limit, stopped at 1,000,000 fuel a step" in printed.out
    assert "sees position" in printed.out
    assert "parameters nothing" in printed.out


def test_a_line_outside_of_the_language_is_named(run: Run, folder: Path) -> None:
    (folder / "task.py").write_text("def act(state):\n    import os\n    return 1.0\n")
    printed = run("check", "task.py")
    assert printed.code == 2
    assert "task.py:2: " in printed.err


def test_what_a_stored_file_costs_is_known_before_it_runs(run: Run, folder: Path) -> None:
    lines = {
        "truck.wts": "simulator of truck · 2 predictors, at most 66 multiply-adds a step",
        "lamp.wts": "simulator of lamp · 3 observed situations · 0 predictors",
        "network.wtt": "network · at most 12 fuel a step · sees position, angle · 16 parameters",
        "table.wtt": "table · at most 14 fuel a step · sees switch, floor, exits",
        "script.wtt": "act · at most 21 fuel a step · sees position · parameters gain[2] in [-10, 10]",
    }
    for name, line in lines.items():
        shutil.copy(VECTORS / name, folder)
        assert f"ok · {line}" in run("check", name).out
    assert json.loads(run("check", "truck.wts", "--json").out)["work"] == 66
