"""A small recorded world in a folder of its own, and `run`: one command line and what it printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from worldtwin.cli import main

CORRIDOR = """\
worldtwin: 1
name: corridor
version: 1.0.0
state:
  place: {type: integer, range: [0, 5]}
action:
  move: {type: category, values: [left, right]}
start: {place: 0}
reward: "1 if next.place == 5 else -1"
ends: "next.place == 5"
horizon: 20
returns: [-20, 1]
synthetic: [{rules: rules.py}]
cases: cases.yaml
"""
CASES = """\
- {name: arrives, kind: goal, driver: task, check: "final.place == 5"}
- {name: a wall is a wall, kind: required, start: {place: 0}, driver: [left], check: "final.place == 0"}
"""
RULES = """\
def transitions():
    for place in range(6):
        yield {"place": place}, {"move": "left"}, {"place": max(0, place - 1)}
        yield {"place": place}, {"move": "right"}, {"place": min(5, place + 1)}
"""
WAIT = 'def act(state):\n    return "left"\n'
GO = 'def act(state):\n    return "right" if state.place < 5 else "left"\n'


class Printed(Struct):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {
        "corridor.yaml": CORRIDOR,
        "cases.yaml": CASES,
        "rules.py": RULES,
        "wait.py": WAIT,
        "go.py": GO,
    }.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Printed]:
    assert folder.exists()

    def one(*arguments: str) -> Printed:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = capsys.readouterr()
        return Printed(int(ended.value.code or 0), printed.out, printed.err)

    return one
