"""A few leaps do not decide what is learned of all other rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measured_rows import episodes_of
from msgspec.structs import replace

from worldtwin.exact import Key
from worldtwin.learning import fit
from worldtwin.learning.regression.fitting import Lesson, Recorded, choices_of, solved, values_of
from worldtwin.learning.regression.target import numeric_targets
from worldtwin.learning.regression.usual import Usual
from worldtwin.world import Integer, Space, Spec, Transitions, real

ONE = 2**16
SHIP = Spec(
    name="ship",
    state=Space(("height", "speed"), (real(-64, 64, resolution=1 / ONE), real(-64, 64, resolution=1 / ONE))),
    action=Space(("push",), (real(-1, 1, resolution=1 / ONE),)),
    horizon=50,
)
SPEED = 1


def flown(key: int, leaps: float, rows: int = 3000, noise: float = 0.05) -> tuple[Transitions, np.ndarray]:
    """Flights with a little noise in which a share of the rows is a crash that throws the ship anywhere; and which."""
    chance = np.random.default_rng(key)
    height, speed, push = (chance.uniform(-a, a, rows) for a in (10, 2, 1))
    after = speed + 0.2 * push - 0.05 * speed * push + noise * chance.normal(size=rows)
    thrown = chance.random(rows) < leaps
    after = np.where(thrown, chance.uniform(-50, 50, rows), after)
    found = episodes_of(
        np.rint(np.stack([height, speed], axis=1) * ONE).astype(np.int64),
        np.rint(push[:, None] * ONE).astype(np.int64),
        np.rint(np.stack([height + 0.1 * speed, after], axis=1) * ONE).astype(np.int64),
        length=10,
    )
    return found, thrown


def recorded(rows: Transitions) -> Recorded:
    return Recorded(inputs=np.concatenate([rows.states, rows.actions], axis=1), results=rows.nexts)


def missed(key: int, leaps: float) -> float:
    """How far off the ordinary changes of the speed are, in units of one."""
    (train, _), (aside, _), (fresh, thrown) = (flown(key + i, leaps) for i in range(3))
    lesson = Lesson.of(SHIP, numeric_targets(SHIP), recorded(train))
    equations = lesson.equations(Key.of(key))
    weights = solved(lesson, equations, choices_of(lesson, equations, recorded(aside)))
    inputs = recorded(fresh).inputs[~thrown]
    told = values_of(lesson.design, inputs) @ weights[..., SPEED].mean(axis=0)
    truth = (fresh.nexts - fresh.states)[~thrown, SPEED]
    return float(np.sqrt(np.square(told - truth).mean()) / ONE)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.005, 0.04))
def test_ordinary_changes_are_learned_as_if_nothing_had_leapt(key: int, leaps: float) -> None:
    assert missed(key, leaps) < 1.1 * missed(key, 0.0)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.005, 0.03))
def test_what_leaps_is_told_apart(key: int, leaps: float) -> None:
    rows, thrown = flown(key, leaps)
    lesson = Lesson.of(SHIP, numeric_targets(SHIP), recorded(rows))
    far = np.abs((rows.nexts - rows.states)[:, SPEED]) > 2 * ONE
    leaping = lesson.leaping(lesson.recorded)

    assert leaping[far & thrown].all()
    assert not leaping[~thrown].any()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(1, 1e6))
def test_normal_changes_never_leap(key: int, spread: float) -> None:
    changes = np.rint(spread * ONE * np.random.default_rng(key).normal(size=(2000, 2))).astype(np.int64)

    assert not Usual.of(numeric_targets(SHIP), changes).leaps(changes).any()


def test_whole_numbers_and_what_rarely_changes_count_in_full() -> None:
    counter = Spec(
        name="counter",
        state=Space(("rung", "tide"), (Integer(low=0, high=99), real(-64, 64))),
        action=Space(("push",), (real(-1, 1),)),
    )
    changes = np.zeros((1000, 2), dtype=np.int64)
    changes[:20] = 50, 1 << 20

    usual = Usual.of(numeric_targets(counter), changes)

    assert np.isinf(usual.most).all()
    assert not usual.leaps(changes).any()


@pytest.mark.slow
@pytest.mark.parametrize("leaps", [0.0, 0.03])
def test_a_simulator_of_a_world_with_crashes_flies_on(leaps: float) -> None:
    simulator = fit(SHIP, flown(1, leaps)[0], key=1)
    fresh, thrown = flown(9, leaps)
    keys = Key.of(1).episodes(np.arange(len(fresh)))
    told = simulator.advance(fresh.states, fresh.actions, keys, 0).next_fields
    off = np.abs(told - fresh.nexts)[~thrown, SPEED] / ONE

    assert float(np.median(off)) < 0.08


def landed(key: int, rows: int = 4000, crashes: float = 0.5) -> Transitions:
    """Flights that say whether the ship crashed: some of the times where it is low and falls, which throws it away."""
    chance = np.random.default_rng(key)
    height, speed, push = (chance.uniform(-a, a, rows) for a in (10, 2, 1))
    crashed = (height < -8) & (speed < -1) & (chance.random(rows) < crashes)
    after = np.where(crashed, chance.uniform(-50, 50, rows), speed + 0.2 * push)
    return episodes_of(
        np.rint(np.stack([height, speed], axis=1) * ONE).astype(np.int64),
        np.rint(push[:, None] * ONE).astype(np.int64),
        np.rint(np.stack([height + 0.1 * speed, after], axis=1) * ONE).astype(np.int64),
        crashed[:, None].astype(np.int64),
        length=10,
    )


@pytest.mark.parametrize("where", ["state", "outputs"])
def test_a_rare_crash_is_given_its_chance(where: str) -> None:
    told = Space(("crashed",), (Integer(low=0, high=1),))
    rows, fresh = landed(3), landed(53)
    if where == "outputs":
        spec = replace(SHIP, outputs=told)
    else:
        spec = replace(SHIP, state=Space((*SHIP.state.names, "crashed"), (*SHIP.state.fields, *told.fields)))
        rows, fresh = (
            replace(
                each,
                states=np.concatenate([each.states, np.zeros_like(each.outputs)], axis=1),
                nexts=np.concatenate([each.nexts, each.outputs], axis=1),
                outputs=each.outputs[:, :0],
            )
            for each in (rows, fresh)
        )

    simulator = fit(spec, rows, key=1)
    told_of = simulator.advance(fresh.states, fresh.actions, Key.of(1).episodes(np.arange(len(fresh))), 0)
    crashes, truth = (
        (told_of.outputs, fresh.outputs) if where == "outputs" else (told_of.next_fields[:, 2:], fresh.nexts[:, 2:])
    )
    low = (fresh.states[:, 0] < -8 * ONE) & (fresh.states[:, 1] < -ONE)

    assert 0.005 < truth.mean() < 0.03
    assert 0.3 < crashes[low].mean() < 0.7
    assert crashes[~low].mean() < 0.005


@pytest.mark.slow
def test_of_few_crashes_most_worlds_still_tell_and_none_too_often() -> None:
    spec = replace(SHIP, outputs=Space(("crashed",), (Integer(low=0, high=1),)))
    told = list[float]()
    for key in range(1, 9):
        rows = landed(key, 2000, 0.06)
        assert 1 <= rows.outputs.sum() <= 6
        simulator = fit(spec, rows, key=1)
        states, actions = (np.tile(each, (100, 1)) for each in (rows.states, rows.actions))
        outputs = simulator.advance(states, actions, Key.of(2).episodes(np.arange(len(states))), 0).outputs
        told.append(outputs.mean() / rows.outputs.mean())

    assert max(told) < 3
    assert sum(share > 1 / 3 for share in told) >= 4
