"""A search ends when there is nothing to gain, or nothing was gained for long."""

from __future__ import annotations

import numpy as np

from worldtwin.improving.plateau import LAG, PATIENCE, Plateau


def watched(gains: list[float], usual: float = 0.0) -> Plateau:
    plateau = Plateau(top=500.0, width=500.0)
    for gain in gains:
        plateau.see(gain, usual)
    return plateau


def test_a_rising_score_is_no_plateau() -> None:
    assert not watched([2.0] * 100).reached


def test_no_gain_is_a_plateau_after_a_while() -> None:
    assert not watched([0.0] * (LAG + PATIENCE - 1)).reached
    assert watched([0.0] * (LAG + PATIENCE)).reached


def test_gains_that_are_nothing_but_noise_are_a_plateau() -> None:
    assert watched(list(np.random.default_rng(1).normal(0, 1, size=60) - 0.5)).reached


def test_a_closer_look_sees_smaller_gains_and_begins_anew() -> None:
    wide = watched([0.5] * (LAG + PATIENCE))
    closer = wide.closer(0.2)
    fresh = closer.reached

    for _ in range(LAG + PATIENCE):
        closer.see(0.5, 0.0)

    assert (wide.reached, fresh, closer.reached) == (True, False, False)


def test_the_best_possible_score_three_times_is_solved() -> None:
    assert not watched([1.0] * 2, usual=500.0).solved
    assert watched([1.0] * 3, usual=500.0).solved
    assert not watched([1.0] * 3, usual=499.0).solved


def test_the_fraction_done_grows_on_a_plateau() -> None:
    assert watched([1.0] * 2).fraction < watched([1.0] * 12).fraction <= 0.9
