"""The search distribution climbs, stays in its box, and is a function of its key."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from worldtwin.exact.key import Key
from worldtwin.improving.evolution import Box, Evolution

TARGET = np.array([0.3, -2.0, 5.0])


def box(size: int = 3, *, whole: tuple[bool, ...] = (False, False, False)) -> Box:
    return Box(
        middle=np.zeros(size),
        spread=np.full(size, 2.0),
        low=np.full(size, -10.0),
        high=np.full(size, 10.0),
        whole=np.resize(np.array(whole), size),
        choices=np.zeros(size, dtype=np.int64),
    )


def climb(where: Box, target: NDArray[np.float64], *, key: int = 1, generations: int = 40) -> NDArray[np.float64]:
    evolution = Evolution(where, population=16, key=Key.of(key))
    for _ in range(generations):
        values = evolution.ask()
        assert ((values >= where.low) & (values <= where.high)).all()
        evolution.tell(-((values - target) ** 2).sum(1))
    return evolution.mean


def test_it_climbs_to_the_best_parameters() -> None:
    assert np.abs(climb(box(), TARGET) - TARGET).max() < 0.01


@pytest.mark.slow
def test_it_climbs_with_many_parameters() -> None:
    target = np.resize(TARGET, 70)

    assert np.abs(climb(box(70), target, generations=600) - target).max() < 0.5


def test_whole_parameters_stay_whole_and_arrive() -> None:
    where = box(whole=(True, False, True))

    assert np.abs(climb(where, np.array([1.0, -2.0, 5.0])) - [1, -2, 5]).max() < 0.05
    assert (Evolution(where, population=8, key=Key.of(1)).ask()[:, [0, 2]] % 1 == 0).all()


def test_a_parameter_without_room_never_moves() -> None:
    where = Box(
        middle=np.array([1.0, 2.0]),
        spread=np.ones(2),
        low=np.array([1.0, -5]),
        high=np.array([1.0, 5]),
        whole=np.zeros(2, bool),
        choices=np.zeros(2, dtype=np.int64),
    )

    assert (climb(where, np.array([9.0, 3.0])).round(2) == [1.0, 3.0]).all()


@pytest.mark.parametrize("whole", [False, True])
def test_names_are_chosen_beside_numbers_and_in_no_order(*, whole: bool) -> None:
    """The best name stands between two bad ones, and what is best of the numbers depends on it."""
    where = Box(
        middle=np.array([0.0, 0.0]),
        spread=np.array([2.0, 1.0]),
        low=np.array([-10.0, 0.0]),
        high=np.array([10.0, 4.0]),
        whole=np.array([whole, True]),
        choices=np.array([0, 5]),
    )
    evolution = Evolution(where, population=16, key=Key.of(1))

    for _ in range(40):
        values = evolution.ask()
        assert np.isin(values[:, 1], np.arange(5)).all()
        evolution.tell(-((values[:, 0] - values[:, 1]) ** 2) - np.array([5, 30, 0, 30, 20])[values[:, 1].astype(int)])

    assert evolution.mean.round(1).tolist() == [2.0, 2.0]


def test_the_same_key_asks_the_same_parameters() -> None:
    first, again, other = (Evolution(box(), population=8, key=Key.of(key)).ask() for key in (1, 1, 2))

    assert (first == again).all()
    assert not (first == other).all()
