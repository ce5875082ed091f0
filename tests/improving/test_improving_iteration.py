"""The loop with reality: better there, or plainly not."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from worldtwin.environments import evaluate
from worldtwin.errors import InvalidValue
from worldtwin.improving import Progress, iterate, search
from worldtwin.improving.iteration import WORTH
from worldtwin.learning import fit
from worldtwin.simulation import Simulator
from worldtwin.tasks import Task
from worldtwin.traces import Traces
from worldtwin.world import Angle, Category, Space, Spec, digest, real

CART_POLE = Spec(
    name="cart-pole",
    state=Space(("position", "velocity", "angle", "spin"), (real(-4.8, 4.8), real(-8, 8), Angle(), real(-8, 8))),
    action=Space(("push",), (Category(("left", "right")),)),
    reward="1",
    ends="abs(next.position) > 2.4 or abs(next.angle) > 0.2095",
    horizon=500,
    returns=(0.0, 500.0),
)


class Corridor(gymnasium.Env[int, int]):
    """The corridor in reality: eight cells, the exit at the right end, each step costs 1."""

    observation_space = gymnasium.spaces.Discrete(8)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self) -> None:
        self._cell = self._time = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self._cell, self._time = int(self.np_random.integers(7)), 0
        return self._cell, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self._cell, self._time = max(0, self._cell + 2 * int(action) - 1), self._time + 1
        return self._cell, -1.0, self._cell == 7, self._time >= 20, {}


def test_a_task_gets_better_in_reality(corridor: Simulator) -> None:
    told: list[Progress] = []

    found = iterate(
        Task.table(corridor.spec), corridor.spec, reality=Corridor(), real_steps=1_000, key=1, progress=told.append
    )

    assert found.better
    assert found.before < -15
    assert found.after > -8
    assert 1 <= len(found.rounds) <= 3
    assert found.real_steps <= 1_000 + 20
    assert "better in reality" in found.text


def test_nothing_better_is_plainly_said(corridor: Simulator) -> None:
    cells = np.arange(7)[:, None]
    best = Task.table(corridor.spec, cells, np.ones_like(cells))

    found = iterate(best, corridor.spec, reality=Corridor(), real_steps=300, key=1)

    assert not found.better
    assert found.task is best
    assert "not better in reality" in found.text


def test_reality_is_recorded_where_asked(corridor: Simulator, tmp_path: Any) -> None:
    traces = Traces(tmp_path / "real.traces", corridor.spec)

    found = iterate(
        Task.table(corridor.spec), corridor.spec, reality=Corridor(), real_steps=200, traces=traces, key=1, rounds=1
    )

    assert len(traces) == found.real_steps


def test_an_iteration_without_steps_is_refused(corridor: Simulator) -> None:
    with pytest.raises(InvalidValue, match="leave nothing to learn from"):
        iterate(Task.table(corridor.spec), corridor.spec, reality=Corridor(), real_steps=0, key=1)


@pytest.fixture(scope="module")
def cart_pole(tmp_path_factory: pytest.TempPathFactory) -> Simulator:
    """CartPole learned from 3,000 real steps of a poor controller with random pushes."""
    traces = Traces(tmp_path_factory.mktemp("cart") / "cart.traces", CART_POLE)
    lean = Task.script("def act(state):\n    return 'right' if state.angle > 0 else 'left'\n", CART_POLE)
    env = gymnasium.make("CartPole-v1")
    steps = episode = 0
    while steps < 3_000:
        lived = evaluate(lean, env, episodes=1, key=100 + episode, spec=CART_POLE, traces=traces, noise=0.3)
        steps, episode = steps + int(lived.steps[0]), episode + 1
    return fit(CART_POLE, traces, key=1)


@pytest.mark.slow
@pytest.mark.parametrize("hidden", [(), (8,)])
def test_cart_pole_is_solved_in_the_simulator_alone(cart_pole: Simulator, hidden: tuple[int, ...]) -> None:
    found = search(Task.network(cart_pole, hidden=hidden, key=2), cart_pole, key=3)

    real_returns = evaluate(found.task, gymnasium.make("CartPole-v1"), episodes=20, key=4, spec=CART_POLE).returns

    assert found.decision.bits >= 20
    assert real_returns.mean() >= 475


@pytest.mark.slow
def test_a_search_in_a_learned_world_repeats_exactly(cart_pole: Simulator) -> None:
    task = Task.network(cart_pole, hidden=(8,), key=2)

    first, again = (search(task, cart_pole, evaluations=400, key=9) for _ in range(2))

    assert digest(first.task) == digest(again.task)
    assert first.decision == again.decision


@pytest.mark.slow
def test_cart_pole_is_better_in_reality_after_few_real_steps() -> None:
    task = Task.network(CART_POLE, hidden=(), key=1)

    found = iterate(task, CART_POLE, reality=gymnasium.make("CartPole-v1"), real_steps=3_000, key=2)

    assert found.better
    assert found.after > 200


class Interrupted(Corridor):
    """Someone presses Ctrl-C at a certain step."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.left = step

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt
        return super().step(action)


def test_ctrl_c_in_reality_keeps_the_best_so_far(corridor: Simulator, tmp_path: Any) -> None:
    traces = Traces(tmp_path / "real.traces", corridor.spec)
    task = Task.table(corridor.spec)
    whole = iterate(task, corridor.spec, reality=Corridor(), real_steps=1_000, key=1)
    assert len(whole.rounds) > 1
    used = whole.real_steps - whole.rounds[-1].real_steps

    found = iterate(task, corridor.spec, reality=Interrupted(used + 2), real_steps=1_000, key=1, traces=traces)

    assert len(found.rounds) == len(whole.rounds) - 1
    assert found.better
    assert found.after == pytest.approx(max(one.real for one in found.rounds), abs=WORTH * 21)
