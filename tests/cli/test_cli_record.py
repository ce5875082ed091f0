"""What `record` says of the rows that it added."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import worldtwin as wt

Run = Callable[..., Any]

CAMERA = """\
import gymnasium
import numpy as np


class Camera(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(0, 255, (6, 8), np.uint8)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.time = 0
        return self.picture(), {}

    def step(self, action):
        self.time += 1
        return self.picture(), 1.0, False, self.time >= 5, {}

    def picture(self):
        return np.full((6, 8), 40 * self.time, np.uint8)


make = Camera
"""

ROOM = """\
worldtwin: 1
name: room
version: 1.0.0
state:
  view: {type: image, shape: [6, 8]}
action:
  move: {type: category, values: [left, right]}
start: recorded
reward: "1"
ends: "False"
horizon: 5
returns: [0, 5]
"""


def test_pictures_are_recorded_before_anything_can_see_them(run: Run, folder: Path) -> None:
    (folder / "cam.py").write_text(CAMERA)
    (folder / "room.yaml").write_text(ROOM)

    said = run("record", "room.yaml", "cam:make", "--steps", "20", "--key", "1", "--json")

    assert said.code == 0, said.err
    assert said.json["added"] == said.json["rows"] > 0
    assert said.json["excluded"] == {}
    with wt.Traces(folder / "room.traces") as store:
        assert len(store) == said.json["rows"]


def test_only_what_was_added_is_said_to_be_left_out(run: Run, folder: Path) -> None:
    (folder / "bad.csv").write_text("place,move,next.place\n9,left,8\n0,right,1\n")
    (folder / "good.csv").write_text("place,move,next.place\n0,right,1\n1,right,2\n")

    first = run("record", "corridor.yaml", "bad.csv", "--json")
    second = run("record", "corridor.yaml", "good.csv", "--json")

    assert sum(first.json["excluded"].values()) == 1
    assert second.json["added"] == 2
    assert second.json["rows"] == first.json["rows"] + 2
    assert second.json["excluded"] == {}
