"""Confidence is calibrated where the record was made, and falls where it was not."""

from __future__ import annotations

import numpy as np
import pytest
from measured_rows import episodes_of

from worldtwin.learning import fit
from worldtwin.simulation import Regressor, Simulator
from worldtwin.simulation.models.confidence import CONFIDENCE_BITS
from worldtwin.world import Lattice, Space, Spec, Transitions, real

ONE = 1 << 16
SWING = Spec(
    name="swing",
    state=Space(("angle", "speed"), (real(-4, 4, resolution=1 / ONE), real(-8, 8, resolution=1 / ONE))),
    action=Space(("push",), (real(-1, 1, resolution=1 / ONE),)),
    horizon=50,
)


def recorded(key: int, *, strength: float, wobble: float = 0.02, episodes: int = 40) -> Transitions:
    """A pendulum with a little noise, pushed by chance up to `strength`."""
    chance = np.random.default_rng(key)
    angle, speed = chance.uniform(-0.5, 0.5, episodes) * strength, np.zeros(episodes)
    rows: list[tuple[Lattice, Lattice, Lattice]] = []
    for _ in range(50):
        push = chance.uniform(-1, 1, episodes) * strength
        before = lattice(angle, speed)
        speed = np.clip(speed - 0.5 * np.sin(2 * angle) + 0.4 * push + wobble * chance.normal(size=episodes), -8, 8)
        angle = np.clip(angle + 0.1 * speed, -4, 4)
        rows.append((before, lattice(push), lattice(angle, speed)))
    states, actions, nexts = (np.concatenate([row[i] for row in rows]) for i in range(3))
    n = len(states)
    order = np.argsort(np.arange(n) % episodes, kind="stable")
    return episodes_of(states[order], actions[order], nexts[order], length=50)


def lattice(*columns: np.ndarray) -> Lattice:
    return np.rint(np.stack(columns, axis=1) * ONE).astype(np.int64)


def told(simulator: Simulator, rows: Transitions) -> tuple[float, float]:
    """The mean confidence, and the share that was within the tolerances."""
    model = simulator.predictors[0]
    assert isinstance(model, Regressor)
    inputs = np.concatenate([rows.states, rows.actions], axis=1)
    changes = model.changes(inputs)
    missed = np.abs(model.land(SWING, inputs, changes.middle) - rows.nexts[:, model.targets])
    right = (missed <= model.tolerances >> 8).all(axis=1)
    return float((model.confidences(inputs, changes) / (1 << CONFIDENCE_BITS)).mean()), float(right.mean())


@pytest.mark.parametrize("key", [1, 2, 3])
def test_confidence_is_within_five_points_where_the_record_was_made(key: int) -> None:
    simulator = fit(SWING, recorded(key, strength=0.3), key=key)
    confidence, right = told(simulator, recorded(100 + key, strength=0.3))

    assert abs(confidence - right) < 0.05


@pytest.mark.parametrize("key", [1, 2, 3])
def test_confidence_falls_with_the_truth_where_nothing_was_recorded(key: int) -> None:
    simulator = fit(SWING, recorded(key, strength=0.3), key=key)
    inside, _ = told(simulator, recorded(100 + key, strength=0.3))
    confidence, right = told(simulator, recorded(200 + key, strength=3.0))

    assert right < 0.6
    assert confidence < inside - 0.15
    assert confidence < right + 0.15
