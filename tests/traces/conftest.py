"""A small world, and rows of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from worldtwin.traces import Traces
from worldtwin.world import Angle, Category, Integer, Set, Space, Spec, real

ROBOT = Spec(
    name="robot",
    state=Space(
        names=("position", "heading", "floor", "gear", "exits"),
        fields=(
            real(-4.0, 4.0, unit="m"),
            Angle(sources=("cos", "sin")),
            Integer(low=0, high=9),
            Category(("park", "drive")),
            Set(("n", "e", "s")),
        ),
    ),
    action=Space(names=("push",), fields=(Category(("left", "right")),)),
    outputs=Space(names=("noise",), fields=(real(0.0, 10.0),)),
)

Rows = dict[str, list]


def robot_rows(positions: list[float | None], **changed: list) -> Rows:
    """Rows at these positions, standing still otherwise."""
    count = len(positions)
    rows: Rows = {
        "state.position": positions,
        "state.heading": [0.5] * count,
        "state.floor": [3] * count,
        "state.gear": ["drive"] * count,
        "state.exits": [["n", "s"]] * count,
        "action.push": ["left"] * count,
        "outputs.noise": [1.0] * count,
    }
    return {**rows, **changed}


@pytest.fixture
def spec() -> Spec:
    return ROBOT


@pytest.fixture
def rows() -> Callable[..., Rows]:
    return robot_rows


@pytest.fixture
def store(tmp_path: Path) -> Traces:
    return Traces(tmp_path / "robot.traces", ROBOT)
