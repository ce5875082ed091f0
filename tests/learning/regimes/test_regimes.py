"""Whether newer data contradict older ones: seldom a false alarm, and no large change overlooked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from how_many import keys

import worldtwin as wt
from worldtwin.errors import InvalidValue, TracesError
from worldtwin.exact import Key
from worldtwin.learning.regimes import changed_shares, counted_change, order_of, regime_report
from worldtwin.simulation import MemoryReport, RegimeReport
from worldtwin.world import Spec, Transitions

World = Callable[..., tuple[Spec, Transitions]]
KEYS = keys(6, 40)


def told(spec: Spec, rows: Transitions, seed: int) -> RegimeReport:
    simulator = wt.fit(spec, rows, key=seed)
    assert simulator.report is not None
    assert isinstance(simulator.report.regime, RegimeReport)
    return simulator.report.regime


@pytest.mark.slow
@pytest.mark.parametrize("drifting", [False, True], ids=["same driver", "other driver"])
def test_worlds_that_stay_as_they_are_raise_no_alarm(sled: World, *, drifting: bool) -> None:
    assert sum(told(*sled(seed, drifting=drifting), seed).changed for seed in KEYS) <= 1


@pytest.mark.slow
def test_discrete_worlds_that_stay_as_they_are_raise_no_alarm(ring: World) -> None:
    simulator = wt.fit(*ring(0), key=1)
    alarms = []
    for seed in KEYS:
        spec, rows = ring(seed)
        found = regime_report(simulator, rows, rows.full_states(spec), MemoryReport(), Key.of(seed))
        alarms.append(found.changed)
        assert found.tested == 59
    assert sum(alarms) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", keys(2, 5))
def test_other_friction_is_found_with_its_time_and_field(sled: World, seed: int) -> None:
    found = told(*sled(seed, change=0.6), seed)
    assert found.changed
    assert abs(found.episode - 24) <= 1
    assert found.field == "v"
    assert found.advice == f"learn from the newer ones only: `fit --since {found.episode}`"


@pytest.mark.parametrize("seed", keys(2, 5))
def test_other_chances_are_found_with_their_time(ring: World, seed: int) -> None:
    found = told(*ring(seed, change=0.6), seed)
    assert found.changed
    assert abs(found.episode - 36) <= 4
    assert found.text.startswith(f"since episode {found.episode} the data of ring contradict")


def test_one_row_that_changed_is_found_among_many_that_did_not() -> None:
    chance = np.random.default_rng(1)
    pairs = chance.integers(50, size=20_000)
    newer = np.arange(20_000) >= 12_000
    results = (chance.random(20_000) < np.where((pairs == 7) & newer, 0.9, 0.4)).astype(np.int64)
    order = order_of(np.arange(20_000) // 200)
    assert order is not None
    found = counted_change(pairs, results, order)
    assert found is not None
    assert found.pair == 7
    assert abs(int(order.begins[found.part]) - 12_000) < 1500
    assert found.followed[0] / found.seen[0] == pytest.approx(0.4 if found.result else 0.6, abs=0.1)


def test_equal_shares_are_no_change_and_constant_columns_neither() -> None:
    chance = np.random.default_rng(1)
    order = order_of(np.arange(2000) // 50)
    assert order is not None
    cells = chance.integers(4, size=2000)
    columns = np.stack([chance.random(2000) < 0.5, np.ones(2000)], axis=1).astype(np.float64)
    assert changed_shares(columns, cells, order, Key.of(1)) is None
    assert changed_shares(columns[:, 1:], cells, order, Key.of(1)) is None
    assert counted_change(cells, np.zeros(2000, dtype=np.int64), order) is None


def test_the_parts_are_episodes_or_blocks_of_a_stream() -> None:
    episodes = order_of(np.repeat(np.arange(30), 7))
    assert episodes is not None
    assert len(episodes) == 30
    assert episodes.apart
    stream = order_of(np.zeros(10_000, dtype=np.int64))
    assert stream is not None
    assert len(stream) == 64
    assert not stream.apart
    assert order_of(np.zeros(300, dtype=np.int64)) is None
    assert order_of(np.zeros(0, dtype=np.int64)) is None
    many = order_of(np.repeat(np.arange(1000), 3))
    assert many is not None
    assert len(many) == 64


def test_hidden_state_in_a_stream_is_not_taken_for_a_change(ring: World) -> None:
    spec, rows = ring(1, episodes=1, length=2000, change=0.6)
    simulator = wt.fit(spec, rows, key=1)
    states = rows.full_states(spec)
    hidden = regime_report(simulator, rows, states, MemoryReport(tested=9, rejected=1), Key.of(1))
    assert not hidden.changed
    assert hidden.text == "not tested for a change over time: hidden state would look like one"
    assert regime_report(simulator, rows, states, MemoryReport(tested=9), Key.of(1)).changed


def test_only_what_came_since_an_episode_or_a_step_is_learned_from(ring: World) -> None:
    spec, rows = ring(1)
    newer = wt.fit(spec, rows, since=50, key=1).report
    assert newer is not None
    assert newer.transitions == 200
    part = wt.fit(spec, rows, since="50:5", key=1).report
    assert part is not None
    assert part.transitions == 195


@pytest.mark.parametrize(
    ("since", "error", "message"),
    [
        (70, TracesError, "no transitions of `ring` to learn from since 70; record some runs"),
        ("2026-05-01", InvalidValue, "`since` 2026-05-01: transitions have no times: give an episode, such as 41"),
    ],
)
def test_a_since_that_leaves_nothing_is_said(
    ring: World, since: int | str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        wt.fit(*ring(1), since=since, key=1)
