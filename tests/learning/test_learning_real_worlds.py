"""Gymnasium's worlds, learned from 3,000 recorded steps: how far the published simulator drifts from reality."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from worldtwin.exact import Key
from worldtwin.learning import fit
from worldtwin.learning.scoring import drift
from worldtwin.simulation import Report
from worldtwin.world import Spec, Transitions

pytestmark = pytest.mark.slow
Collect = Callable[[int, int], tuple[Spec, Transitions]]


def report_on(collect: Collect, count: int, seed: int) -> Report:
    spec, rows = collect(count, seed)
    report = fit(spec, rows, key=seed).report
    assert report is not None
    assert report.horizon_error is not None
    return report


def drift_in_reality(collect: Collect, seed: int) -> float:
    """The largest error after 50 steps along episodes that were recorded after the fit."""
    spec, rows = collect(3000, seed)
    simulator = fit(spec, rows, key=seed)
    _, fresh = collect(3000, seed + 100)
    found = drift(simulator, fresh, np.ones(len(fresh), dtype=np.bool_), 50, Key.of(seed))
    assert found is not None
    assert found.steps == 50
    return float(found.errors.max())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_cart_pole_drifts_less_than_a_thousandth_in_fifty_steps(cart_pole: Collect, seed: int) -> None:
    assert drift_in_reality(cart_pole, seed) < 1e-3


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_pendulum_drifts_less_than_an_eighth_in_fifty_steps(pendulum: Collect, seed: int) -> None:
    assert drift_in_reality(pendulum, seed) < 0.125


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_the_report_says_is_about_what_reality_shows(cart_pole: Collect, seed: int) -> None:
    said, shown = report_on(cart_pole, 3000, seed).horizon_error, drift_in_reality(cart_pole, seed)
    assert said is not None
    assert 0.03 < said / shown < 30


@pytest.mark.parametrize("seed", [0, 1])
def test_most_of_an_acrobots_next_step_is_predicted(acrobot: Collect, seed: int) -> None:
    """Six or seven episodes, judged in turn; on 6,000 fresh steps the largest errors are 0.23 and 0.36."""
    report = report_on(acrobot, 3000, seed)
    assert max(field.one_step_error or 1.0 for field in report.fields) < 0.5


def test_confidence_is_the_share_that_is_right(pendulum: Collect) -> None:
    report = report_on(pendulum, 3000, 1)
    assert report.calibration is not None
    assert report.calibration < 0.15


def test_three_thousand_rows_are_learned_in_three_seconds(cart_pole: Collect) -> None:
    spec, rows = cart_pole(3000, 1)
    began = time.process_time()
    fit(spec, rows, key=1)
    assert time.process_time() - began < 3.0


def test_targets_shifted_by_one_step_show_in_the_score(cart_pole: Collect) -> None:
    spec, rows = cart_pole(3000, 1)
    following = np.roll(rows.nexts, -1, axis=0)
    shifted = Transitions(
        **{name: getattr(rows, name) for name in rows.__struct_fields__ if name != "nexts"}, nexts=following
    )
    right, wrong = fit(spec, rows, key=1).report, fit(spec, shifted, key=1).report
    assert right is not None
    assert wrong is not None
    assert (wrong.horizon_error or 0.0) > 100 * (right.horizon_error or 1.0)
    for before, after in zip(right.fields, wrong.fields, strict=True):
        assert (after.one_step_error or 0.0) > 100 * (before.one_step_error or 1.0)
