"""Tasks in real environments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


class Blinking(gymnasium.Wrapper):
    """Its first number is NaN after the third step of an episode."""

    taken = 0

    def reset(self, **options: Any) -> Any:
        self.taken = 0
        return self.env.reset(**options)

    def step(self, action: Any) -> Any:
        self.taken += 1
        observation, *rest = self.env.step(action)
        return np.where((np.arange(4) == 0) & (self.taken == 3), np.nan, observation), *rest


def test_a_reading_that_is_no_number_is_kept_and_counted_and_ends_nothing(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "a.traces", CART)

    with opened("gym:CartPole-v1") as env:
        found = evaluate(LEANING, Blinking(env), episodes=2, key=1, spec=CART, traces=traces)

    assert found.outside == 2
    assert found.steps.min() > 4
    recorded = traces.transitions()
    assert len(recorded.transitions) == found.steps.sum() - 4
    assert sum(recorded.excluded.values()) == 4


class Telling(gymnasium.Wrapper):
    """From the second step of an episode on it says how warm it is."""

    warm: tuple[dict[str, float], ...] = ()

    def reset(self, **options: Any) -> Any:
        self.warm = ({},)
        return self.env.reset(**options)

    def step(self, action: Any) -> Any:
        *rest, _ = self.env.step(action)
        info, self.warm = self.warm[-1], ({"warmth": 20.0},)
        return *rest, info


def test_an_output_that_one_step_lacks_costs_that_step_only(tmp_path: Path) -> None:
    world = Spec(
        name="cart", state=CART.state, action=CART.action, outputs=Space(("warmth",), (real(0.0, 100.0),)), horizon=5
    )
    traces = Traces(tmp_path / "a.traces", world)

    with opened("gym:CartPole-v1") as env:
        evaluate(LEANING, Telling(env), episodes=1, key=1, spec=world, traces=traces)

    found = traces.transitions()
    assert len(found.transitions) == 4
    assert found.excluded == {"outputs.warmth is missing": 1}


def test_an_environment_of_the_working_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_reality.py").write_text(
        'import gymnasium\ndef make(): return gymnasium.make("CartPole-v1")\ndef fail(): raise OSError("no robot")\n'
    )
    (tmp_path / "torn_reality.py").write_text("def make(:")
    monkeypatch.chdir(tmp_path)
    with opened("own_reality:make") as env:
        assert env.observation_space.shape == (4,)
    with pytest.raises(InvalidValue, match="own_reality:fail` failed: OSError: no robot"), opened("own_reality:fail"):
        pass
    with pytest.raises(InvalidValue, match="torn_reality:make` cannot be found"), opened("torn_reality:make"):
        pass


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
