"""How far beyond the record a simulator is believed: further only where the record itself shows that this is safe."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measured_rows import episodes_of

from worldtwin.exact import Key
from worldtwin.exact.features import reachable
from worldtwin.learning import fit
from worldtwin.learning.regression.extrapolating import far_columns
from worldtwin.learning.regression.fitting import Lesson, Recorded
from worldtwin.learning.regression.ridge import Choice
from worldtwin.learning.regression.target import numeric_targets
from worldtwin.simulation import Regressor, Simulator
from worldtwin.world import Lattice, Space, Spec, Transitions, real

ONE = 2**16
CART = Spec(
    name="cart",
    state=Space(("place", "speed"), (real(-64, 64, resolution=1 / ONE), real(-16, 16, resolution=1 / ONE))),
    action=Space(("push",), (real(-1, 1, resolution=1 / ONE),)),
    horizon=50,
)
PLACE, SPEED = 0, 1
FASTEST = 2.0
CUBIC = Choice(degree=3, ridge=1e-6)
Floats = np.ndarray
Rule = Callable[[Floats, Floats], Floats]
"""The change of the speed, of speeds and pushes."""


def bends(at: float) -> Rule:
    """A drag that is cubic and, above a speed, much stronger all at once."""
    return lambda speed, push: 0.3 * push - 0.02 * speed**3 - 0.5 * np.sign(speed) * np.maximum(np.abs(speed) - at, 0)


def recorded(rule: Rule, key: int, *, fastest: float = FASTEST, noise: float = 0.0) -> Transitions:
    """Episodes of ten steps from anywhere up to a speed; what follows faster ones is not recorded."""
    chance = np.random.default_rng(key)
    place, speed = chance.uniform(-20, 20, 3000), chance.uniform(-fastest, fastest, 3000)
    push = chance.uniform(-1, 1, 3000)
    after = speed + rule(speed, push) + noise * chance.normal(size=3000)
    return episodes_of(lattice(place, speed), lattice(push), lattice(place + 0.1 * speed, after), length=10)


def lattice(*columns: Floats) -> Lattice:
    return np.rint(np.stack(columns, axis=1) * ONE).astype(np.int64)


def far(rows: Transitions) -> tuple[int, ...]:
    inputs = np.concatenate([rows.states, rows.actions], axis=1)
    lesson = Lesson.of(CART, numeric_targets(CART), Recorded(inputs=inputs, results=rows.nexts))
    return far_columns(CART, lesson, (CUBIC, CUBIC), Key.of(1))


def fastest_seen(simulator: Simulator) -> float:
    """The speed beyond which the simulator no longer tells speeds apart."""
    model = simulator.predictors[0]
    assert isinstance(model, Regressor)
    return next(reachable(each)[1] for each in model.features if each.column == SPEED) / ONE


def missed_at(speed: float, rule: Rule) -> float:
    """By how much of a change the speed that follows is off, on average over pushes."""
    simulator, push = fit(CART, recorded(rule, 1), key=1), np.linspace(-1, 1, 50)
    states = lattice(np.zeros(50), np.full(50, speed))
    keys = Key.of(1).episodes(np.arange(50))
    told = simulator.advance(states, lattice(push), keys, 0).next_fields[:, SPEED] / ONE - speed
    truth = rule(np.full(50, speed), push)
    return float(np.abs(told - truth).mean() / np.abs(truth).mean())


@settings(max_examples=25, deadline=None)
@given(
    st.floats(-0.05, 0.05), st.floats(-0.1, 0.1), st.floats(-0.1, 0.1), st.floats(0.05, 0.5), st.integers(0, 2**32 - 1)
)
def test_a_cubic_world_is_believed_to_twice_its_record(a: float, b: float, c: float, push: float, key: int) -> None:
    assert far(recorded(lambda v, u: a * v**3 + b * v**2 + c * v * u + push * u, key)) == (PLACE, SPEED, 2)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.5 * FASTEST, 0.9 * FASTEST), st.integers(0, 2**32 - 1))
def test_a_world_that_bends_outside_of_its_inner_half_is_not(at: float, key: int) -> None:
    assert SPEED not in far(recorded(bends(at), key))


@settings(max_examples=25, deadline=None)
@given(st.floats(0.6 * FASTEST, 0.9 * FASTEST), st.integers(0, 2**32 - 1))
def test_a_world_that_saturates_outside_of_its_inner_half_is_not(at: float, key: int) -> None:
    assert SPEED not in far(recorded(lambda v, u: np.clip(v + 0.3 * u, -at, at) - v, key))


@settings(max_examples=10, deadline=None)
@given(st.floats(0.02, 1.0), st.integers(0, 2**32 - 1))
def test_a_noisy_world_is_not(noise: float, key: int) -> None:
    assert far(recorded(bends(99), key, noise=noise)) == ()


def test_few_rows_show_nothing() -> None:
    assert far(recorded(bends(99), 1).select(np.arange(3000) < 60)) == ()


def test_a_cubic_world_goes_on_beyond_its_record() -> None:
    assert missed_at(0.9 * FASTEST, bends(99)) < 1e-3
    assert missed_at(1.8 * FASTEST, bends(99)) < 1e-2


@pytest.mark.slow
def test_a_world_that_bends_is_kept_close_to_its_record() -> None:
    simulator = fit(CART, recorded(bends(0.7 * FASTEST), 1), key=1)
    straight = fit(CART, recorded(bends(99), 1), key=1)

    assert fastest_seen(simulator) < 1.25 * FASTEST
    assert fastest_seen(straight) > 1.9 * FASTEST


@pytest.mark.parametrize("speed", [1.6, 1.9])
def test_confidence_falls_beyond_the_record_however_far_it_is_believed(speed: float) -> None:
    simulator = fit(CART, recorded(bends(99), 1), key=1)
    model = simulator.predictors[0]
    assert isinstance(model, Regressor)

    def sure(at: float) -> float:
        inputs = np.concatenate([lattice(np.zeros(50), np.full(50, at)), lattice(np.linspace(-1, 1, 50))], axis=1)
        return float(model.confidences(inputs, model.changes(inputs)).mean())

    assert sure(speed * FASTEST) < 0.5 * sure(0.3 * FASTEST)
