"""Tasks in real environments."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import numpy as np
import pytest

from worldtwin.environments import evaluate, make_env, opened
from worldtwin.errors import InvalidTask, InvalidValue
from worldtwin.simulation import Simulator
from worldtwin.tasks import LocalTask, Task
from worldtwin.traces import Traces
from worldtwin.world import Angle, Category, Space, Spec, real

CART = Spec(
    name="cart",
    state=Space(
        ("position", "velocity", "angle", "spin"), (real(-4.8, 4.8), real(-10, 10), real(-0.5, 0.5), real(-10, 10))
    ),
    action=Space(("push",), (Category(("left", "right")),)),
    horizon=500,
)
PENDULUM = Spec(
    name="pendulum",
    state=Space(("theta", "spin"), (Angle(sources=("cos", "sin")), real(-8, 8))),
    action=Space(("torque",), (real(-2, 2),)),
)
LEANING = Task.network(CART, hidden=(), key=1).with_parameters([0, 0, 1, 0, 0])


def test_the_same_key_gives_the_same_real_episodes() -> None:
    with opened("gym:CartPole-v1") as env:
        first, again, other = (evaluate(LEANING, env, episodes=3, key=key, noise=0.3) for key in (1, 1, 2))

    assert first.returns.tolist() == again.returns.tolist() != other.returns.tolist()
    assert first.steps.tolist() == first.returns.tolist()
    assert first.outside == 0


def test_a_task_acts_in_a_continuous_environment_with_an_angle_of_two_numbers() -> None:
    with opened("gym:Pendulum-v1") as env:
        lived = evaluate(Task.network(PENDULUM, hidden=(4,), key=1), env, episodes=1, key=1)

    assert lived.steps.tolist() == [200]
    assert -2000 < lived.returns[0] < 0


def test_real_episodes_are_recorded_when_there_are_traces(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "cart.traces", CART)

    with opened("gym:CartPole-v1") as env:
        lived = evaluate(LEANING, env, episodes=2, key=1, traces=traces, spec=CART)

    recorded = traces.transitions().transitions
    assert len(recorded) == lived.steps.sum()
    assert (recorded.nexts[:-1] == recorded.states[1:])[recorded.steps[1:] > 0].all()


def test_the_spec_s_horizon_ends_real_episodes_too() -> None:
    short = Spec(name="cart", state=CART.state, action=CART.action, horizon=5)

    with opened("gym:CartPole-v1") as env:
        assert evaluate(LEANING, env, episodes=2, key=1, spec=short).steps.tolist() == [5, 5]


def test_readings_out_of_range_are_counted() -> None:
    narrow = Spec(
        name="cart", state=Space(CART.state.names, (real(-0.001, 0.001), *CART.state.fields[1:])), action=CART.action
    )

    with opened("gym:CartPole-v1") as env:
        assert evaluate(Task.network(narrow, hidden=(), key=1), env, episodes=1, key=1).outside > 0


def test_only_possible_actions_are_taken_in_reality_too(hall: Simulator) -> None:
    task = Task.network(hall.spec, hidden=(), key=1)

    lived = evaluate(task, make_env(hall), episodes=4, key=1, spec=hall.spec, noise=1.0)

    assert (lived.steps <= 20).all()
    assert (lived.returns == -lived.steps).all()  # never an unknown step, which would be charged


THREE = Space(("push",), (Category(("a", "b", "c")),))
WIDE = Space(("torque",), (real(-9, 9),))
TWO = Space(("torque", "lift"), (real(-2, 2), real(-2, 2)))
MISFITS = {
    "has 4 numbers, but theta, spin take 3": ("gym:CartPole-v1", PENDULUM.state, CART.action),
    "does not take the task's action": ("gym:CartPole-v1", CART.state, THREE),
    "it takes Box": ("gym:Pendulum-v1", PENDULUM.state, WIDE),
    "torque, lift are 2 numbers": ("gym:Pendulum-v1", PENDULUM.state, TWO),
}


@pytest.mark.parametrize("reason", MISFITS)
def test_a_task_of_another_world_is_refused(reason: str) -> None:
    name, state, action = MISFITS[reason]
    task = Task.table(Spec(name="other", state=state, action=action))
    with opened(name) as env, pytest.raises(InvalidTask, match=reason):
        evaluate(task, env, episodes=1, key=1)


def test_a_spec_of_another_world_is_refused_by_the_name_of_the_field() -> None:
    with opened("gym:CartPole-v1") as env, pytest.raises(InvalidTask, match="`position`"):
        evaluate(LEANING, env, episodes=1, key=1, spec=PENDULUM)


def test_a_local_task_acts_in_reality() -> None:
    task = LocalTask(lambda position, velocity, angle, spin: "right" if angle + spin > 0 else "left", CART)  # noqa: ARG005

    with opened("gym:CartPole-v1") as env:
        assert np.mean(evaluate(task, env, episodes=3, key=1).returns) > 100


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("CartPole-v1", "is no environment"),
        ("gym:CartPool-v1", "no environment `CartPool"),
        ("os:nothing", "cannot be found"),
        ("builtins:dict", "returned a dict"),
    ],
)
def test_unknown_environments_are_refused(name: str, reason: str) -> None:
    with pytest.raises(InvalidValue, match=reason), opened(name):
        pass


def test_an_environment_is_closed_in_the_end() -> None:
    with opened("gymnasium.envs.classic_control:CartPoleEnv") as env:
        assert isinstance(env, gymnasium.Env)
