"""The loop with reality on the command line, and what it says when it cannot tell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import worldtwin as wt

Run = Callable[..., Any]

WALK = """\
import gymnasium


class Walk(gymnasium.Env):
    observation_space = gymnasium.spaces.Discrete(6)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.place = self.time = 0
        return 0, {}

    def step(self, action):
        self.place, self.time = min(5, max(0, self.place + 2 * int(action) - 1)), self.time + 1
        there = self.place == 5
        return self.place, 1.0 if there else -1.0, there, self.time >= 20, {}
"""


@pytest.fixture(autouse=True)
def walk(folder: Path) -> None:
    (folder / "walking.py").write_text(WALK)


def test_a_proposal_wins_and_is_told_round_by_round(run: Run, folder: Path) -> None:
    command = ("iterate", "corridor.yaml", "walking:Walk", "--task", "wait.py", "--propose", "go.py", "--key", "1")

    said = run(*command, "--real-steps", "2000", "--run", "runs/one", "--json")

    assert said.code == 0
    assert said.json["better"]
    assert said.json["comparison"]["finding"] == "better"
    assert said.json["real_steps"] <= 2000
    assert said.json["rounds"][0]["proposed"] == "go.py"
    assert "gap" in said.json["rounds"][0]
    assert run("run", "better.wtt", "corridor.yaml", "--episodes", "1", "--key", "1", "--json").json is not None
    events = [json.loads(line) for line in (folder / "runs/one/events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events][-1] == "iteration"


def test_few_steps_cannot_tell_and_a_second_call_goes_on_from_there(run: Run) -> None:
    command = ("iterate", "corridor.yaml", "walking:Walk", "--task", "wait.py", "--propose", "go.py", "--rounds", "1")

    first = run(*command, "--real-steps", "100", "--key", "1")
    recorded = run("traces", "show", "corridor.yaml", "--json").json["transitions"]
    second = run(*command, "--real-steps", "100", "--key", "1")

    assert (first.code, second.code) == (1, 1)
    assert "in reality: " in first.out
    assert 0 < recorded <= 100
    assert recorded < run("traces", "show", "corridor.yaml", "--json").json["transitions"] <= 200


def test_two_tasks_are_compared_in_reality_with_evidence(run: Run) -> None:
    command = ("evaluate", "go.py", "walking:Walk", "--spec", "corridor.yaml", "--against", "wait.py", "--key", "1")

    many = run(*command, "--episodes", "20")
    few = run(*command, "--episodes", "3", "--json")

    assert many.code == 0
    assert "better in reality: higher return · return -20 → -3 over 20 pairs" in many.out
    assert few.code == 1
    assert few.json["comparison"]["finding"] == "cannot tell"
    assert few.json["comparison"]["enough"] <= 20


def test_steps_that_are_recorded_again_are_others(run: Run, folder: Path) -> None:
    def recorded(store: str) -> list[dict[str, Any]]:
        (folder / f"{store}.yaml").write_text((folder / "corridor.yaml").read_text() + f"traces: {store}.traces\n")
        assert run("record", f"{store}.yaml", "walking:Walk", "--steps", "60", "--key", "1").code == 0
        with wt.Traces(folder / f"{store}.traces") as traces:
            return traces.rows().drop_columns(["writer"]).to_pylist()

    first = recorded("one")
    assert recorded("other") == first
    both = recorded("one")
    assert both[: len(first)] == first
    moves = [[row["action.move"] for row in rows] for rows in (first, both[len(first) :])]
    assert len(moves[0]) == len(moves[1]) == 60
    assert moves[0] != moves[1]
