"""Small worlds to judge in: a corridor without chance, and a bandit that is nothing but chance."""

from __future__ import annotations

import numpy as np
import pytest
from measured_rows import episodes_of

from worldtwin.simulation import Simulator, count
from worldtwin.world import Category, Integer, Space, Spec, StartRange, StartValues, Transitions

CELLS = 8


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
    cells, moves = (grid.ravel() for grid in np.meshgrid(np.arange(CELLS - 1), [0, 1], indexing="ij"))
    nexts = np.clip(cells + 2 * moves - 1, 0, CELLS - 1)
    return Simulator(spec, observed=count(spec, transitions(cells[:, None], moves[:, None], nexts[:, None])))


@pytest.fixture(scope="session")
def bandit() -> Simulator:
    """Three arms for one coin each: `safe` pays 5 of 10, `good` 6 on average, `trap` 5.1 mostly and rarely nothing."""
    spec = Spec(
        name="bandit",
        state=Space(("room",), (Category(("only",)),)),
        action=Space(("arm",), (Category(("safe", "good", "trap")),)),
        outputs=Space(("coins",), (Integer(low=0, high=1000),)),
        start={"room": StartValues((0,))},
        reward="outputs.coins / 100",
        horizon=1,
        returns=(0.0, 10.0),
    )
    paid = [(0, 500)] * 100 + [(1, 200)] * 30 + [(1, 800)] * 70 + [(2, 510)] * 97 + [(2, 0)] * 3
    arms, coins = (np.array(column)[:, None] for column in zip(*paid, strict=True))
    rooms = np.zeros_like(arms)
    return Simulator(spec, observed=count(spec, transitions(rooms, arms, rooms, coins)))


def transitions(
    states: np.ndarray, actions: np.ndarray, nexts: np.ndarray, outputs: np.ndarray | None = None
) -> Transitions:
    """Transitions of one episode each."""
    size = len(states)
    return episodes_of(
        states.astype(np.int64),
        actions.astype(np.int64),
        nexts.astype(np.int64),
        np.zeros((size, 0), dtype=np.int64) if outputs is None else outputs.astype(np.int64),
        length=1,
    )
