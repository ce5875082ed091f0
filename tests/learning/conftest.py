"""Worlds to learn: real ones from Gymnasium, and small ones that are known exactly."""

from __future__ import annotations

from collections.abc import Callable

import gymnasium
import numpy as np
import pytest

from worldtwin.world import Angle, Category, Space, Spec, Transitions, encode_column, real

CART_POLE = Spec(
    name="cart-pole",
    state=Space(
        names=("position", "velocity", "angle", "spin"),
        fields=(real(-4.8, 4.8), real(-10, 10), real(-0.5, 0.5), real(-10, 10)),
    ),
    action=Space(names=("push",), fields=(Category(("left", "right")),)),
    reward="1",
    ends="abs(next.position) > 2.4 or abs(next.angle) > 0.2095",
    horizon=500,
    returns=(0.0, 500.0),
)
PENDULUM = Spec(
    name="pendulum",
    state=Space(names=("angle", "spin"), fields=(Angle(sources=("cos", "sin")), real(-8, 8))),
    action=Space(names=("torque",), fields=(real(-2, 2),)),
    horizon=200,
)
ACROBOT = Spec(
    name="acrobot",
    state=Space(
        names=("first", "second", "spin", "swing"),
        fields=(Angle(), Angle(), real(-13, 13), real(-29, 29)),
    ),
    action=Space(names=("torque",), fields=(Category(("left", "none", "right")),)),
    horizon=500,
)
Collect = Callable[[int, int], tuple[Spec, Transitions]]


def encoded(space: Space, columns: list[np.ndarray]) -> np.ndarray:
    pairs = [encode_column(field, column) for field, column in zip(space.fields, columns, strict=True)]
    assert all(valid.all() for _, valid in pairs)
    return np.stack([lattice for lattice, _ in pairs], axis=1)


def transitions(spec: Spec, rows: list[tuple], to_state: Callable, to_action: Callable) -> Transitions:
    before, moves, after, episodes, steps = (np.array(column) for column in zip(*rows, strict=True))
    return Transitions(
        states=encoded(spec.state, to_state(before.astype(float))),
        actions=encoded(spec.action, to_action(moves)),
        nexts=encoded(spec.state, to_state(after.astype(float))),
        outputs=np.zeros((len(rows), 0), dtype=np.int64),
        episodes=episodes,
        steps=steps,
        synthetic=np.zeros(len(rows), dtype=np.bool_),
    )


def play(name: str, count: int, seed: int, policy: Callable) -> list[tuple]:
    env, chance, rows, episode = gymnasium.make(name), np.random.default_rng(seed), [], 0
    while len(rows) < count:
        before, _ = env.reset(seed=seed * 1000 + episode)
        step, over = 0, False
        while not over and len(rows) < count:
            move = policy(before, chance, step)
            after, _, ended, cut, _ = env.step(move)
            rows.append((before, move, after, episode, step))
            before, step, over = after, step + 1, ended or cut
        episode += 1
    env.close()
    return rows


class Held:
    """A random action, held for ten steps on average."""

    def __init__(self, fresh: Callable) -> None:
        self.fresh, self.move = fresh, None

    def __call__(self, _: np.ndarray, chance: np.random.Generator, step: int) -> object:
        if step == 0 or chance.random() < 0.1:
            self.move = self.fresh(chance)
        return self.move


@pytest.fixture(scope="session")
def cart_pole() -> Collect:
    def collect(count: int, seed: int) -> tuple[Spec, Transitions]:
        def policy(before: np.ndarray, chance: np.random.Generator, _: int) -> int:
            return int(chance.integers(2)) if chance.random() < 0.3 else int(before[2] > 0)

        rows = play("CartPole-v1", count, seed, policy)
        names = np.array(["left", "right"], dtype=object)
        return CART_POLE, transitions(CART_POLE, rows, lambda s: list(s.T), lambda a: [names[a]])

    return collect


@pytest.fixture(scope="session")
def pendulum() -> Collect:
    def collect(count: int, seed: int) -> tuple[Spec, Transitions]:
        policy = Held(lambda chance: chance.uniform(-2, 2, size=1).astype(np.float32))
        rows = play("Pendulum-v1", count, seed, policy)
        return PENDULUM, transitions(
            PENDULUM, rows, lambda s: [np.arctan2(s[:, 1], s[:, 0]), s[:, 2]], lambda a: [a[:, 0]]
        )

    return collect


@pytest.fixture(scope="session")
def acrobot() -> Collect:
    def collect(count: int, seed: int) -> tuple[Spec, Transitions]:
        rows = play("Acrobot-v1", count, seed, Held(lambda chance: int(chance.integers(3))))
        names = np.array(["left", "none", "right"], dtype=object)

        def to_state(s: np.ndarray) -> list[np.ndarray]:
            return [np.arctan2(s[:, 1], s[:, 0]), np.arctan2(s[:, 3], s[:, 2]), s[:, 4], s[:, 5]]

        return ACROBOT, transitions(ACROBOT, rows, to_state, lambda a: [names[a]])

    return collect
