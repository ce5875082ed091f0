"""Worlds and tasks to test with."""

from __future__ import annotations

import pytest

from worldtwin.world import Angle, Category, Integer, Set, Space, Spec, real

STATE = Space(
    ("position", "angle", "gear", "floor", "exits"),
    (
        real(-4.8, 4.8, unit="m"),
        Angle(),
        Category(("park", "drive", "back")),
        Integer(low=0, high=40),
        Set(("n", "e", "s")),
    ),
)


@pytest.fixture
def spec() -> Spec:
    """A world with a field of every kind, in which three ways can be taken."""
    action = Space(("way",), (Category(("n", "e", "s")),))
    return Spec(name="tower", state=STATE, action=action, possible="exits")


@pytest.fixture
def free() -> Spec:
    """A world with an action field of every kind."""
    action = Space(
        ("force", "turn", "gear", "count", "lamps"),
        (
            real(-2.0, 3.0, unit="N"),
            Angle(),
            Category(("park", "drive", "back")),
            Integer(low=0, high=3),
            Set(("red", "green")),
        ),
    )
    return Spec(name="crane", state=STATE, action=action, history=2)
