"""Small worlds to improve in: a corridor, a slippery maze with gaps in what is known, and an unstable cart."""

from __future__ import annotations

import numpy as np
import pytest
from measured_rows import episodes_of
from numpy.typing import NDArray

from worldtwin.simulation import Confidence, Feature, Polynomial, Regressor, Simulator, count
from worldtwin.world import Category, Integer, Space, Spec, StartRange, StartValues, Transitions, real

CELLS = 8
ONE = 1 << 20


def transitions(*columns: list[int]) -> Transitions:
    """Transitions of one step each, of worlds with one state and one action field."""
    states, actions, nexts = (np.array(column, dtype=np.int64)[:, None] for column in columns)
    return episodes_of(states, actions, nexts, length=1)


@pytest.fixture(scope="session")
def corridor() -> Simulator:
    """Cells in a row, the exit at the right end; each step costs 1."""
    spec = Spec(
        name="corridor",
        state=Space(("cell",), (Integer(low=0, high=CELLS - 1),)),
        action=Space(("move",), (Category(("left", "right")),)),
        start={"cell": StartRange(0, CELLS - 2)},
        reward="-1",
        ends=f"next.cell == {CELLS - 1}",
        horizon=20,
        returns=(-20.0, 0.0),
    )
    rows = [(cell, move, min(max(cell + 2 * move - 1, 0), CELLS - 1)) for cell in range(CELLS - 1) for move in (0, 1)]
    return Simulator(spec, observed=count(spec, transitions(*map(list, zip(*rows, strict=True)))))


@pytest.fixture(scope="session")
def bridge() -> Simulator:
    """From `near` to `far`: the `bridge` holds 9 times of 10, the `ford` always but slowly, the `jump` nobody tried."""
    places, ways = ("near", "river", "far", "lost"), ("bridge", "ford", "jump")
    spec = Spec(
        name="bridge",
        state=Space(("place",), (Category(places),)),
        action=Space(("way",), (Category(ways),)),
        start={"place": StartValues((0,))},
        reward="(10 if next.place == 'far' else 0) - (30 if next.place == 'lost' else 0) - 1",
        ends="next.place == 'far' or next.place == 'lost'",
        horizon=10,
        returns=(-40.0, 10.0),
    )
    rows = [(0, 0, 2)] * 9 + [(0, 0, 3)] + [(0, 1, 1), (1, 0, 2), (1, 1, 2)]
    return Simulator(spec, observed=count(spec, transitions(*map(list, zip(*rows, strict=True)))))


@pytest.fixture(scope="session")
def cart() -> Simulator:
    """A cart that runs away from the middle unless it is pushed back; learned by two members that differ a little."""
    spec = Spec(
        name="cart",
        state=Space(("position", "velocity"), (real(-4, 4, resolution=2.0**-20), real(-4, 4, resolution=2.0**-20))),
        action=Space(("push",), (Category(("left", "right")),)),
        start={"position": StartRange(-ONE // 4, ONE // 4), "velocity": StartRange(-ONE // 4, ONE // 4)},
        reward="1",
        ends="abs(next.position) > 1",
        horizon=60,
        returns=(0.0, 60.0),
    )
    features = (
        Feature(column=0, kind="real"),
        Feature(column=1, kind="real"),
        Feature(column=2, kind="category", count=2),
    )
    member = np.array([[0.0, 0.05], [0.1, 0.0], [0.0, -0.1]]) * 2.0**24
    predictor = Regressor(
        features=features,
        functions=(
            Polynomial(
                terms=np.array([[0, -1, -1], [1, -1, -1], [2, -1, -1]]),
                weights=np.rint(np.stack([member, member * 1.05])).astype(np.int64),
                shifts=np.full((2, 2), 16),
            ),
        ),
        targets=(0, 1),
        bases=(0, 1),
        lows=np.full(2, -(1 << 30)),
        highs=np.full(2, 1 << 30),
        tolerances=np.full(2, 1 << 20),
        confidence=Confidence(edges=np.array([0]), levels=np.array([1 << 16])),
    )
    recorded: NDArray[np.int64] = np.random.default_rng(1).integers(-ONE // 2, ONE // 2, size=(256, 2))
    return Simulator(spec, predictors=(predictor,), recorded=recorded)
