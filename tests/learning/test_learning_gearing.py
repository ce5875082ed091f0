"""Numbers that go where others take them are found, and only those."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from measured_rows import episodes_of
from msgspec import UNSET
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.files import load_simulator, save
from worldtwin.learning import fit
from worldtwin.simulation import RATIO_BITS, Gear, Regressor, Simulator
from worldtwin.world import Space, Spec, Transitions, real

Floats: TypeAlias = NDArray[np.float64]
Step: TypeAlias = Callable[[Floats, Floats, Floats, np.random.Generator], tuple[Floats, Floats]]
"""The next places and speeds, from places, speeds, pushes and chance."""


def turns(bits: int = 16, *, place: float = 64, speed: tuple[float, float] = (-2, 2), push: float = 1) -> Spec:
    """Places that are moved by speeds, in lattice steps of 2^-`bits`."""
    step = 2.0**-bits
    return Spec(
        name="turns",
        state=Space(
            ("place", "speed"), (real(-place, place, resolution=step), real(speed[0], speed[1], resolution=step))
        ),
        action=Space(("push",), (real(-push, push, resolution=step),)),
        horizon=50,
    )


TURNS = turns()


def stopped(place: Floats, speed: Floats, push: Floats, _: np.random.Generator) -> tuple[Floats, Floats]:
    """A place goes with the speed that a step led to, which stops at 2."""
    after = np.clip(speed + 0.3 * push, -2, 2)
    return place + 0.1 * after, after


def lived(key: int, step: Step, spec: Spec = TURNS, rows: int = 2_000, bits: int = 16) -> Transitions:
    """Rows from all over, with places up to 10."""
    chance = np.random.default_rng(key)
    place, speed, push = (chance.uniform(-a, a, rows) for a in (10, 2, 1))
    further, after = step(place, speed, push, chance)
    low, high = spec.state.low, spec.state.high

    def lattice(*columns: Floats) -> NDArray[np.int64]:
        return np.rint(np.ldexp(np.stack(columns, axis=1), bits)).astype(np.int64)

    nexts = np.clip(lattice(further, after), low, high)
    return episodes_of(lattice(place, speed), lattice(push), nexts, length=10)


def gears_of(simulator: Simulator) -> tuple[Gear, ...]:
    return tuple(gear for model in simulator.predictors if isinstance(model, Regressor) for gear in model.gears or ())


@pytest.mark.parametrize("key", [1, 5, 9])
def test_a_place_is_driven_by_the_speed_that_was_stopped(key: int) -> None:
    simulator = fit(TURNS, lived(key, stopped), key=key)

    (gear,) = gears_of(simulator)
    answer = simulator.predict({"place": 1.0, "speed": 1.9}, 1.0)

    assert (gear.driven, gear.driver) == (0, 1)
    assert gear.ratio / (1 << RATIO_BITS) == pytest.approx(0.1, abs=1e-4)
    assert answer.next["speed"] == 2.0
    assert answer.next["place"] == pytest.approx(1.2, abs=1e-3)


@pytest.mark.parametrize("bits", [28, 30])
def test_fine_steps_do_not_overflow(bits: int) -> None:
    spec = turns(bits, place=32)

    (gear,) = gears_of(fit(spec, lived(1, stopped, spec, bits=bits), key=1))

    assert gear.ratio / (1 << RATIO_BITS) == pytest.approx(0.1, abs=1e-4)


@pytest.mark.parametrize("key", [1, 2])
def test_a_speed_is_driven_by_a_place_that_was_stopped_at_a_wall(key: int) -> None:
    spec = turns(place=10)

    def at_a_wall(place: Floats, speed: Floats, push: Floats, _: np.random.Generator) -> tuple[Floats, Floats]:
        further = np.clip(place + np.clip(speed + 0.3 * push, -2, 2), -10, 10)
        return further, further - place

    (gear,) = gears_of(fit(spec, lived(key, at_a_wall, spec), key=key))

    assert (gear.driven, gear.driver) == (1, 0)
    assert gear.ratio / (1 << RATIO_BITS) == pytest.approx(1.0, abs=1e-3)


def early(place: Floats, speed: Floats, push: Floats, _: np.random.Generator) -> tuple[Floats, Floats]:
    """A place goes with the speed that a step began with."""
    return place + 0.1 * speed, np.clip(speed + 0.3 * push, -2, 2)


def misty(place: Floats, speed: Floats, push: Floats, chance: np.random.Generator) -> tuple[Floats, Floats]:
    """Chance of its own moves each of the two."""
    mists = 0.05 * chance.normal(size=(2, len(place)))
    after = np.clip(speed + 0.3 * push + mists[0], -2, 2)
    return place + 0.1 * after + mists[1], after


def bent(place: Floats, speed: Floats, push: Floats, _: np.random.Generator) -> tuple[Floats, Floats]:
    """One cause that no polynomial knows moves both, and nothing is ever stopped: nothing says which one drives."""
    return place + 0.1 * speed + 0.1 * np.abs(push - 0.3), 0.5 * speed + 0.3 * np.abs(push - 0.3)


@pytest.mark.parametrize("key", [1, 5, 9])
@pytest.mark.parametrize("step", [early, misty, bent])
def test_what_follows_nothing_has_no_gear(key: int, step: Step) -> None:
    assert gears_of(fit(TURNS, lived(key, step), key=key)) == ()


@pytest.mark.parametrize("key", [1, 2])
def test_nothing_drives_that_is_driven_itself(key: int) -> None:
    step, chance = 2.0**-16, np.random.default_rng(key)
    names = ("place", "speed", "meter")
    bounds = (64, 2, 64)
    spec = Spec(
        name="chain",
        state=Space(names, tuple(real(-each, each, resolution=step) for each in bounds)),
        action=Space(("push",), (real(-1, 1, resolution=step),)),
        horizon=50,
    )
    place, speed, meter, push = (chance.uniform(-a, a, 2_000) for a in (10, 2, 10, 1))
    after = np.clip(speed + 0.3 * push, -2, 2)
    nexts = np.stack([place + 0.4 * after, after, meter + 0.2 * after], axis=1)
    states = np.stack([place, speed, meter], axis=1)
    rows = [np.rint(each / step).astype(np.int64) for each in (states, push[:, None], nexts)]

    gears = gears_of(fit(spec, episodes_of(*rows, length=10), key=key))

    assert sorted((gear.driven, gear.driver) for gear in gears) == [(0, 1), (2, 1)]


def test_the_noise_of_the_driver_is_not_counted_twice() -> None:
    def noisy(place: Floats, speed: Floats, push: Floats, chance: np.random.Generator) -> tuple[Floats, Floats]:
        after = np.clip(speed + 0.3 * push + 0.05 * chance.normal(size=len(place)), -2, 2)
        return place + 0.1 * after, after

    simulator = fit(TURNS, lived(2, noisy, rows=4_000), key=2)
    nothing, many = np.zeros((20_000, 2), dtype=np.int64), np.arange(20_000)
    after = simulator.advance(nothing, nothing[:, :1], Key.of(3).episodes(many), 0).next_fields * 2.0**-16

    assert gears_of(simulator)
    assert after[:, 0].std() == pytest.approx(0.005, rel=0.1)
    assert after[:, 1].std() == pytest.approx(0.05, rel=0.1)
    assert np.corrcoef(after.T)[0, 1] > 0.99


def test_what_is_driven_is_right_far_beyond_the_record() -> None:
    spec, chance, rows = turns(place=1, speed=(-1, 64), push=70), np.random.default_rng(1), 4_000
    speed, place = chance.uniform(-1, 64, rows), chance.uniform(-1 / 3, 1 / 3, rows)
    push = chance.uniform(-3, 3, rows) - speed
    after = np.clip(speed + push, -1, 64)
    lattice = [
        np.rint(each * 2.0**16).astype(np.int64)
        for each in (
            np.stack([place, speed], axis=1),
            push[:, None],
            np.stack([np.clip(place + 0.2 * after, -1, 1), after], axis=1),
        )
    ]
    simulator = fit(spec, episodes_of(*lattice, length=10), key=1)

    assert gears_of(simulator)
    for fast in (10.0, 40.0, 60.0):
        assert simulator.predict({"place": 0.1, "speed": fast}, -fast).next["place"] == pytest.approx(0.1, abs=1e-3)


def test_what_is_exact_with_its_gear_needs_nothing_else() -> None:
    def meter(place: Floats, speed: Floats, push: Floats, _: np.random.Generator) -> tuple[Floats, Floats]:
        after = np.clip(speed + 2 * push, -2, 2)
        return place + 0.5 * (after - speed), after

    report = fit(TURNS, lived(1, meter, rows=3_000), key=1).report

    assert report is not None
    assert report.fields[0].model.endswith(", driven by speed")
    assert report.fields[0].one_step_error == pytest.approx(0.0, abs=1e-4)
    assert report.fields[0].candidates is UNSET


def test_a_geared_simulator_is_the_same_on_disk(tmp_path: Path) -> None:
    simulator = fit(TURNS, lived(1, stopped), key=1)
    save(simulator, tmp_path / "turns.wts")

    assert load_simulator(tmp_path / "turns.wts").digest == simulator.digest
