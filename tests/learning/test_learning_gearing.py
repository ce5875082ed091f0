"""Numbers that go where others take them are found, and only those."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from measured_rows import episodes_of

from worldtwin.files import load_simulator, save
from worldtwin.learning import fit
from worldtwin.simulation import RATIO_BITS, Gear, Regressor, Simulator
from worldtwin.world import Lattice, Space, Spec, Transitions, real

ONE = 2**16
TURNS = Spec(
    name="turns",
    state=Space(("place", "speed"), (real(-64, 64, resolution=1 / ONE), real(-2, 2, resolution=1 / ONE))),
    action=Space(("push",), (real(-1, 1, resolution=1 / ONE),)),
    horizon=50,
)


def lattice(*columns: np.ndarray) -> Lattice:
    return np.rint(np.stack(columns, axis=1) * ONE).astype(np.int64)


def pushed(key: int, *, early: bool = False, mist: float = 0.0, rows: int = 2_000) -> Transitions:
    """Places that move by the speed that a step led to, or, `early`, by the one it began with; speeds stop at 2."""
    chance = np.random.default_rng(key)
    place, speed, push = (chance.uniform(-a, a, rows) for a in (10, 2, 1))
    after = np.clip(speed + 0.3 * push + mist * chance.normal(size=rows), -2, 2)
    further = place + 0.1 * (speed if early else after) + mist * chance.normal(size=rows)
    return episodes_of(lattice(place, speed), lattice(push), lattice(further, after), length=10)


def gears_of(simulator: Simulator) -> tuple[Gear, ...]:
    return tuple(gear for model in simulator.predictors if isinstance(model, Regressor) for gear in model.gears or ())


@pytest.mark.parametrize("key", [1, 5, 9])
def test_a_place_is_driven_by_the_speed_that_was_stopped(key: int) -> None:
    simulator = fit(TURNS, pushed(key), key=key)

    (gear,) = gears_of(simulator)
    answer = simulator.predict({"place": 1.0, "speed": 1.9}, 1.0)

    assert (gear.driven, gear.driver) == (0, 1)
    assert gear.ratio / (1 << RATIO_BITS) == pytest.approx(0.1, abs=1e-4)
    assert answer.next["speed"] == 2.0
    assert answer.next["place"] == pytest.approx(1.2, abs=1e-3)


@pytest.mark.parametrize("key", [1, 5, 9])
@pytest.mark.parametrize("world", [{"early": True}, {"mist": 0.05}])
def test_what_follows_nothing_has_no_gear(key: int, world: dict[str, bool | float]) -> None:
    assert gears_of(fit(TURNS, pushed(key, **world), key=key)) == ()  # pyright: ignore[reportArgumentType] - by name


def test_a_geared_simulator_is_the_same_on_disk(tmp_path: Path) -> None:
    simulator = fit(TURNS, pushed(1), key=1)
    save(simulator, tmp_path / "turns.wts")

    assert load_simulator(tmp_path / "turns.wts").digest == simulator.digest
