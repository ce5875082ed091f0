"""Worlds that were counted from all of their transitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from measured_rows import episodes_of

from worldtwin.simulation import Simulator, count
from worldtwin.world import Category, Integer, Set, Space, Spec, StartValues, Transitions

Step = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

WALK = Spec(
    name="walk",
    state=Space(("place",), (Integer(low=-3, high=3),)),
    action=Space(("way",), (Category(("down", "up")),)),
    start={"place": StartValues((-1, 0, 1))},
    reward="next.place",
    ends="next.place == 3",
    horizon=12,
    returns=(-36, 36),
)
HALL = Spec(
    name="hall",
    state=Space(("room", "exits"), (Category(("a", "b", "c")), Set(("left", "right")))),
    action=Space(("way",), (Category(("left", "right")),)),
    possible="exits",
    start={"room": StartValues((0,)), "exits": StartValues((2,))},
    reward="-1",
    ends='next.room == "c"',
    horizon=20,
    returns=(-20, 0),
)


def transitions(spec: Spec, steps: Sequence[Step]) -> Transitions:
    """Transitions of one episode each."""
    states, actions, nexts = (np.array(part, dtype=np.int64) for part in zip(*steps, strict=True))
    n = len(steps)
    return episodes_of(states, actions, nexts, np.zeros((n, len(spec.outputs)), dtype=np.int64), length=1)


def walk_steps() -> list[Step]:
    """Every step of the walk; up from 0 may also stay."""
    steps: list[Step] = [((p,), (a,), (min(max(p + 2 * a - 1, -3), 3),)) for p in range(-3, 4) for a in (0, 1)]
    return [*steps, ((0,), (1,), (0,))]


@pytest.fixture
def walk() -> Simulator:
    """A random walk on a line."""
    return Simulator(WALK, observed=count(WALK, transitions(WALK, walk_steps())))


@pytest.fixture
def hall() -> Simulator:
    """Three rooms in a row; in each, the exits say where one can go."""
    steps: list[Step] = [((0, 2), (1,), (1, 3)), ((1, 3), (0,), (0, 2)), ((1, 3), (1,), (2, 1))]
    return Simulator(HALL, observed=count(HALL, transitions(HALL, steps)))


@pytest.fixture
def make_hall() -> Callable[[Sequence[Step]], Simulator]:
    """The hall, of which only some steps are known."""
    return lambda steps: Simulator(HALL, observed=count(HALL, transitions(HALL, steps)))
