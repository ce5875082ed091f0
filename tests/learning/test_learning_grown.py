"""Fitting on top of what was counted before: the same tables, for the price of the new rows."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from worldtwin.errors import InvalidValue, TracesError
from worldtwin.exact import Key
from worldtwin.learning import fit
from worldtwin.learning.reading import MOST_OLDER
from worldtwin.learning.tables import tables_of, without
from worldtwin.simulation import BasisReport, RegimeReport, Report, Simulator, Table, count
from worldtwin.traces import Traces
from worldtwin.world import Category, Integer, Space, Spec, Transitions

CLOCK = Spec(
    name="clock",
    state=Space(("hour", "bell"), (Integer(low=0, high=11), Category(("still", "rings")))),
    action=Space(("push",), (Category(("no", "yes")),)),
    horizon=50,
)
LENGTH = 50
OFTEN = 0.3


def hours(episodes: int, seed: int, first: int = 0) -> dict[str, object]:
    """The hour goes on when it is pushed; the bell rings by chance."""
    chance, rows = np.random.default_rng(seed), episodes * LENGTH
    pushed = chance.integers(2, size=rows)
    after = (np.cumsum(pushed) + chance.integers(12)) % 12
    before = (after - pushed) % 12
    bells = np.array(["still", "rings"])[(chance.random(rows + 1) < OFTEN).astype(int)]
    return {
        "episode": first + np.arange(rows) // LENGTH,
        "step": np.arange(rows) % LENGTH,
        "state.hour": before,
        "state.bell": bells[:-1].tolist(),
        "action.push": np.array(["no", "yes"])[pushed].tolist(),
        "next.hour": after,
        "next.bell": bells[1:].tolist(),
    }


def add(traces: Traces, episodes: int, seed: int) -> None:
    traces.append(hours(episodes, seed, traces.begin(episodes)))


def report_of(simulator: Simulator) -> Report:
    assert simulator.report is not None
    return simulator.report


def same(one: Table | None, other: Table | None) -> bool:
    assert one is not None
    assert other is not None
    names = ("keys", "offsets", "values", "counts")
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in names)


@pytest.mark.slow
def test_a_store_that_grew_is_counted_for_the_price_of_its_new_rows(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "clock.traces", CLOCK)
    add(traces, 8000, 1)
    base = fit(CLOCK, traces, key=1)
    add(traces, 40, 2)
    grown, whole = fit(CLOCK, traces, base=base, key=1), fit(CLOCK, traces, key=1)
    assert same(grown.observed, whole.observed)
    basis = report_of(grown).basis
    assert isinstance(basis, BasisReport)
    assert basis.read - basis.sampled == 40 * LENGTH
    assert 0.9 * MOST_OLDER < basis.sampled <= MOST_OLDER
    for name in ("transitions", "episodes", "coverage", "traces_version"):
        assert getattr(report_of(grown), name) == getattr(report_of(whole), name)
    assert report_of(grown).known == pytest.approx(report_of(whole).known, abs=1e-3)
    again = fit(CLOCK, traces, base=grown, key=1)
    assert same(again.observed, whole.observed)
    other = report_of(fit(CLOCK, traces, base=base, sources="recorded", key=1)).basis
    assert other == BasisReport(sources="recorded", read=8040 * LENGTH)


def test_few_rows_are_all_read_again(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "clock.traces", CLOCK)
    add(traces, 20, 1)
    base = fit(CLOCK, traces, key=1)
    add(traces, 2, 2)
    grown = fit(CLOCK, traces, base=base, key=1)
    assert report_of(grown).basis == BasisReport(read=22 * LENGTH)
    assert grown.digest == fit(CLOCK, traces, key=1).digest


def test_what_is_taken_from_a_table_leaves_the_table_of_the_rest(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "clock.traces", CLOCK)
    add(traces, 20, 1)
    rows = traces.transitions().transitions
    part = rows.episodes < 5
    left = without(tables_of(CLOCK, rows), tables_of(CLOCK, rows.select(part)))
    assert same(left[0], count(CLOCK, rows.select(~part)))
    assert without(tables_of(CLOCK, rows), tables_of(CLOCK, rows)) == (None, None)
    assert without(tables_of(CLOCK, rows), (None, None))[0] is not None


def test_a_sample_of_a_store_is_made_of_whole_stretches(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "clock.traces", CLOCK)
    for seed in range(10):
        add(traces, 200, seed)
    found = traces.sample(traces.version, 30_000, np.random.default_rng(1))
    assert 10_000 <= len(found) <= 30_000
    assert traces.rows_of(traces.version) == 10 * 200 * LENGTH
    assert isinstance(found, Transitions)
    _, lengths = np.unique(found.episodes, return_counts=True)
    assert (lengths == LENGTH).all()
    assert len(traces.sample(traces.version, 10**6, np.random.default_rng(1))) == 10 * 200 * LENGTH


def test_rows_are_dated_and_a_time_says_which_are_newer(tmp_path: Path) -> None:
    times = iter([datetime(2026, 5, day, 14, 3, tzinfo=UTC) for day in (1, 2, 3)])
    traces = Traces(tmp_path / "clock.traces", CLOCK, now=lambda: next(times))
    for seed in range(3):
        add(traces, 10, seed)
    assert traces.time_of(12, 3) == "2026-05-02T14:03:00+00:00"
    assert traces.time_of(99, 0) == ""
    assert traces.first_after(datetime(2026, 5, 2, tzinfo=UTC)) == (9, 50)
    newer = fit(CLOCK, traces, since="2026-05-03 12:00", key=1)
    assert report_of(newer).transitions == 10 * LENGTH
    assert isinstance(report_of(newer).basis, BasisReport)
    with pytest.raises(TracesError, match="to learn from since 2027-01-01"):
        fit(CLOCK, traces, since="2027-01-01", key=1)
    with pytest.raises(InvalidValue, match="`since` soon is no episode and no time: write 41, 41:120"):
        fit(CLOCK, traces, since="soon", key=1)


def test_a_change_is_told_with_the_time_when_it_was_recorded(tmp_path: Path) -> None:
    times = iter([datetime(2026, 5, day, 14, 3, tzinfo=UTC) for day in (1, 2)])
    traces = Traces(tmp_path / "clock.traces", CLOCK, now=lambda: next(times))
    add(traces, 30, 1)
    other = hours(30, 2, traces.begin(30))
    other["next.bell"] = ["rings"] * (30 * LENGTH)
    traces.append(other)
    regime = report_of(fit(CLOCK, traces, key=Key.of(1))).regime
    assert isinstance(regime, RegimeReport)
    assert regime.text == "since episode 30 (2026-05-02 14:03 UTC) the data of clock contradict the older ones"
