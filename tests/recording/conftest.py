"""Worlds to record."""

from __future__ import annotations

import pytest

from worldtwin.world import Angle, Category, Integer, Set, Space, Spec, real

ANY = real(-100, 100)


@pytest.fixture
def pendulum() -> Spec:
    return Spec(
        name="pendulum",
        state=Space(names=("angle", "spin"), fields=(Angle(sources=("cos", "sin")), real(-9, 9))),
        action=Space(names=("torque",), fields=(real(-2, 2),)),
        outputs=Space(names=("reward",), fields=(ANY,)),
    )


@pytest.fixture
def cart_pole() -> Spec:
    return Spec(
        name="cart-pole",
        state=Space(
            names=("position", "velocity", "angle", "spin"),
            fields=(real(-4.9, 4.9), real(-10, 10), real(-0.5, 0.5), real(-10, 10)),
        ),
        action=Space(names=("push",), fields=(Category(("left", "right")),)),
        outputs=Space(names=("reward", "terminated"), fields=(ANY, Integer(low=0, high=1))),
    )


@pytest.fixture
def press() -> Spec:
    return Spec(
        name="press",
        state=Space(names=("heat", "mode", "doors"), fields=(real(0, 100), Category(("idle", "on")), Set(("n", "s")))),
        action=Space(names=("press",), fields=(Category(("start", "stop")),)),
        outputs=Space(names=("noise",), fields=(real(0, 10),)),
    )
