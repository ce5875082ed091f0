"""`worldtwin check task.py`: what a script costs, sees and can change, without a world."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]

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
