"""A sled on ice and a door on a ring: worlds that stay as they are, or change once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from measured_rows import episodes_of

from worldtwin.world import Category, Integer, Space, Spec, Transitions, encode_column, real

SLED = Spec(
    name="sled",
    state=Space(("x", "v"), (real(-20, 20), real(-8, 8))),
    action=Space(("push",), (real(-1, 1),)),
    horizon=60,
)
RING = Spec(
    name="ring",
    state=Space(("place", "door"), (Integer(low=0, high=4), Category(("shut", "open")))),
    action=Space(("move",), (Category(("back", "on")),)),
    horizon=20,
)
World = Callable[..., tuple[Spec, Transitions]]


def lattice(space: Space, rows: np.ndarray) -> np.ndarray:
    return np.stack([encode_column(f, column)[0] for f, column in zip(space.fields, rows.T, strict=True)], axis=1)


@pytest.fixture(scope="session")
def sled() -> World:
    """Friction 0.1, from the share `change` of 40 episodes on 0.25; `drifting`: whoever drives changes over time."""

    def make(seed: int, *, change: float = 2.0, drifting: bool = False, episodes: int = 40) -> tuple[Spec, Transitions]:
        chance, length, rows = np.random.default_rng(seed), 60, []
        for episode in range(episodes):
            (x, v), push = chance.uniform(-2, 2, 2), 0.0
            friction = 0.1 if episode < change * episodes else 0.25
            for step in range(length):
                if drifting:
                    push = float(np.clip(chance.normal(0, 0.3) + 1.2 * (episode / episodes - 0.5), -1, 1))
                elif step % 5 == 0:
                    push = chance.uniform(-1, 1)
                bumps = 0.3 * np.sin(3 * x) if drifting else 0.0
                after = np.clip(v + 0.3 * push - friction * v - bumps + 0.02 * chance.normal(), -7, 7)
                rows.append((x, v, push, np.clip(x + 0.1 * after, -19, 19), after))
                x, v = rows[-1][3:]
        all_rows = np.array(rows)
        return SLED, episodes_of(
            lattice(SLED.state, all_rows[:, :2]),
            lattice(SLED.action, all_rows[:, 2:3]),
            lattice(SLED.state, all_rows[:, 3:]),
            length=length,
        )

    return make


@pytest.fixture(scope="session")
def ring() -> World:
    """A walk around five places whose door is open in 3 of 10 steps, from the share `change` of episodes on in 6."""

    def make(seed: int, *, change: float = 2.0, episodes: int = 60, length: int = 20) -> tuple[Spec, Transitions]:
        chance, count = np.random.default_rng(seed), episodes * length
        moves = chance.integers(2, size=count)
        often = np.where(np.arange(count) >= change * count, 0.6, 0.3)
        doors = (chance.random(count) < often).astype(np.int64)
        places = np.cumsum(2 * moves - 1) % 5
        states = np.stack([np.r_[0, places[:-1]], np.r_[0, doors[:-1]]], axis=1)
        return RING, episodes_of(states, moves[:, None], np.stack([places, doors], axis=1), length=length)

    return make
