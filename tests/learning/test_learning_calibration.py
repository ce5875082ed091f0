"""Confidence that can be believed."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from worldtwin.learning.calibration import calibrated, calibration_error, shares


@given(st.integers(0, 10_000), st.integers(1, 400))
def test_a_higher_score_never_deserves_more(seed: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    found = calibrated(chance.integers(0, 500, size=count), chance.random(count) < 0.5)
    assert (np.diff(found.edges) > 0).all()
    assert (np.diff(found.levels) < 0).all()
    assert ((found.levels > 0) & (found.levels < 2**16)).all()
    assert len(found.edges) == len(found.levels) <= 64


def test_without_held_out_rows_confidence_is_a_half() -> None:
    none = calibrated(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_))
    assert shares(none, np.array([0, 10**9])).tolist() == [0.5, 0.5]


def test_confidence_meets_the_truth() -> None:
    chance = np.random.default_rng(1)
    scores = chance.integers(0, 1000, size=4000)
    right = chance.random(4000) > scores / 1000
    confidence = shares(calibrated(scores, right), np.array([100, 500, 900]))
    np.testing.assert_allclose(confidence, [0.9, 0.5, 0.1], atol=0.1)
    assert (calibration_error(scores, right, np.arange(4000) // 100) or 1.0) < 0.05


def test_scores_that_say_nothing_about_other_episodes_are_found_out() -> None:
    chance = np.random.default_rng(1)
    part = np.repeat([0, 1], 200)
    right = np.where(part == 0, chance.random(400) < 0.9, chance.random(400) < 0.1)
    assert (calibration_error(chance.integers(0, 9, size=400), right, part) or 0.0) > 0.5
