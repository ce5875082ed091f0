"""What a report says beyond its numbers."""

from __future__ import annotations

import numpy as np
import pytest
from measured_rows import episodes_of

from worldtwin.learning import fit
from worldtwin.learning.explaining import Trusted, gap_reports, levels, region_report
from worldtwin.simulation import GapReport, RegionReport, Report
from worldtwin.world import Category, Integer, Set, Space, Spec, Transitions, encode_column, real

QUEUE = Spec(
    name="queue",
    state=Space(("queue",), (real(0, 2000),)),
    action=Space(("size",), (Integer(low=1, high=1024),)),
    horizon=50,
)
GATE = Spec(
    name="gate",
    state=Space(("place", "exits"), (Integer(low=0, high=3), Set(("n", "s")))),
    action=Space(("go",), (Category(("n", "s")),)),
    possible="exits",
    horizon=50,
)


def queue(count: int, seed: int, length: int = 50) -> Transitions:
    """Sizes above 512 are not tried on queues above 1200, where the queue is noisy."""
    chance = np.random.default_rng(seed)
    full = chance.uniform(0, 1300, size=count)
    sizes = np.where(full > 1150, chance.integers(1, 500, size=count), chance.integers(1, 1025, size=count))
    noise = np.where(full > 1150, 100.0, 1.0) * chance.normal(size=count)
    after = np.clip(0.9 * full - 0.1 * sizes + noise, 0, 2000)
    before, then = (encode_column(QUEUE.state.fields[0], column)[0] for column in (full, after))
    return episodes_of(before[:, None], sizes[:, None].astype(np.int64), then[:, None], length=length)


def report_of(rows: Transitions, spec: Spec = QUEUE, key: int = 1) -> Report:
    report = fit(spec, rows, key=key).report
    assert report is not None
    return report


def test_the_least_known_corner_and_the_worst_region_are_named() -> None:
    report = report_of(queue(2000, 1))
    assert isinstance(report.gaps, tuple)
    assert report.gaps[0].rows == 0
    where, _, what = report.gaps[0].text.partition(" with ")
    assert where.startswith("queue > 1,1")
    assert what in {"size > 768", "size > 769", "size from 512 to 768", "size from 512 to 767"}
    region = report.fields[0].region
    assert isinstance(region, RegionReport)
    assert region.text.startswith("queue > 1,1")
    assert region.share > 0.6


def test_what_is_not_possible_is_no_gap() -> None:
    chance = np.random.default_rng(1)
    place = chance.integers(4, size=800)
    exits = np.where(place < 2, 1, 3)  # only north, or both
    go = np.where(exits == 1, 0, chance.integers(2, size=800) * (place == 2))
    states = np.stack([place, exits], axis=1)
    rows = episodes_of(states, go[:, None], states, length=50)
    found = [gap.text for gap in gap_reports(GATE, rows, states)]
    assert found[0] == "place = 3 with go = s"
    assert not {"place = 0 with go = s", "place = 1 with go = s", "exits = {n} with go = s"} & {*found}


def test_a_world_where_all_was_tried_has_no_gaps() -> None:
    chance = np.random.default_rng(1)
    states = chance.integers(4, size=(900, 1))
    spec = Spec(
        name="even", state=Space(("a",), (Integer(low=0, high=3),)), action=Space(("b",), (Category(("x", "y")),))
    )
    rows = episodes_of(states, chance.integers(2, size=(900, 1)), states, length=30)
    assert gap_reports(spec, rows, states) == ()


def test_actions_alone_are_named_in_a_stateless_world() -> None:
    spec = Spec(
        name="lamp",
        state=Space(("light",), (real(0, 1),)),
        action=Space(("level",), (real(0, 1),)),
        stateless=True,
    )
    chance = np.random.default_rng(1)
    low = encode_column(spec.action.fields[0], chance.uniform(0, 0.4, size=400))[0][:, None]
    rows = episodes_of(low, low, low, length=10)
    gaps = gap_reports(spec, rows, rows.states)
    assert gaps[0] == GapReport(text="level from 0.5 to 0.75", rows=0, expected=100.0)


def test_errors_that_are_everywhere_alike_have_no_region() -> None:
    rows = queue(2000, 1)
    inputs = np.concatenate([rows.states, rows.actions], axis=1)
    assert region_report(QUEUE, inputs, np.ones(2000)) is None
    assert region_report(QUEUE, inputs, np.zeros(2000)) is None
    assert region_report(QUEUE, inputs[:20], np.ones(20)) is None


def test_confidence_is_compared_with_truth_in_ten_rising_groups() -> None:
    chance = np.random.default_rng(1)
    sure = chance.random(5000)
    found = levels(Trusted(sure, chance.random(5000) < sure))
    assert [level.rows for level in found] == [500] * 10
    assert all(level.confidence == pytest.approx(level.right, abs=0.06) for level in found)
    assert [level.confidence for level in found] == sorted(level.confidence for level in found)


@pytest.mark.parametrize(("episodes", "folds", "judged"), [(1, 5, 600), (3, 3, 600), (8, 5, 600), (30, 1, 80)])
def test_few_episodes_are_all_judged_in_turn(episodes: int, folds: int, judged: int) -> None:
    report = report_of(queue(600, 2, length=-(-600 // episodes)))
    assert report.folds == folds
    assert report.held_out == judged
    assert any("judged in turn" in note for note in report.notes) == (folds > 1)


def test_an_episode_that_is_unlike_the_others_counts_in_the_error_of_few() -> None:
    """With 12 episodes, one of them strange, keeping two aside sees nothing of it in most choices."""
    rows = queue(600, 2)
    strange = rows.episodes == 7
    nexts = np.where(strange[:, None], rows.states, rows.nexts)
    odd = episodes_of(rows.states, rows.actions, nexts, length=50)
    errors = [report_of(odd, key=key).fields[0].one_step_error for key in range(4)]
    usual = report_of(rows).fields[0].one_step_error
    assert usual is not None
    assert all(error is not None and error > usual for error in errors)
