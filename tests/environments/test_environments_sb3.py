"""A simulator as the vector environment of Stable-Baselines3: the same as its own one around single environments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3 import A2C, DQN, PPO, SAC
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv, VecMonitor, VecNormalize

from worldtwin.environments import Guest, make_env, make_sb3
from worldtwin.simulation import Simulator
from worldtwin.world import Lattice, Space, Spec, StartRange, real

THROTTLE = Spec(
    name="throttle",
    state=Space(("speed", "load"), (real(-0.1, 0.3), real(0, 1))),
    action=Space(("power", "gear"), (real(-0.1, 0.3), real(0, 1))),
    start={"speed": StartRange(0, 1000), "load": StartRange(0, 1000)},
    reward="-abs(action.power - 0.2)",
    horizon=8,
    returns=(-8, 0),
    unknown="error",
)


def plain(shown: Any, low: int) -> Any:
    """What a single environment shows, with choices that begin at 0."""
    return (np.asarray(shown) - low).astype(np.float32)


@pytest.mark.parametrize(("world", "low"), [("walk", -3), ("hall", 0)])
def test_rows_live_through_what_single_environments_do(world: str, low: int, request: pytest.FixtureRequest) -> None:
    simulator: Simulator = request.getfixturevalue(world)
    ours, theirs = make_sb3(simulator, 5), DummyVecEnv([lambda: make_env(simulator) for _ in range(5)])
    ours.seed(40)
    theirs.seed(40)
    chance = np.random.default_rng(0)
    cut: set[bool] = set()

    np.testing.assert_array_equal(ours.reset(), plain(theirs.reset(), low))
    for _ in range(80):
        actions = chance.integers(0, 2, size=5)
        shown, rewards, over, infos = ours.step(actions)
        shown_there, rewards_there, over_there, infos_there = theirs.step(actions)
        np.testing.assert_array_equal(shown, plain(shown_there, low))
        np.testing.assert_array_equal(rewards, rewards_there)
        np.testing.assert_array_equal(over, over_there)
        for mine, other, ended in zip(infos, infos_there, over, strict=True):
            assert mine["source"] == other["source"]
            assert mine["TimeLimit.truncated"] == other["TimeLimit.truncated"]
            assert ("terminal_observation" in mine) == ended
            if ended:
                cut.add(mine["TimeLimit.truncated"])
                np.testing.assert_array_equal(mine["terminal_observation"], plain(other["terminal_observation"], low))
    assert cut == ({True, False} if world == "walk" else {False})


def test_a_seed_repeats_all_episodes_and_none_goes_on(walk: Simulator) -> None:
    env = make_sb3(walk, 16)

    env.seed(7)
    first, second = env.reset(), env.reset()
    env.seed(7)
    again = env.reset()

    assert first.tolist() == again.tolist()
    assert first.tolist() != second.tolist()


def test_choices_are_numbered_from_0_and_numbers_are_floats_of_32_bits(walk: Simulator, hall: Simulator) -> None:
    choices, numbers = make_sb3(walk, 3), make_sb3(hall, 3)

    assert choices.observation_space == spaces.Discrete(7)
    assert choices.action_space == spaces.Discrete(2)
    assert numbers.observation_space.dtype == np.float32
    for env in (choices, numbers):
        assert isinstance(env, VecEnv)
        shown = env.reset()
        assert shown.shape[0] == 3
        assert all(env.observation_space.contains(one) for one in shown)


def test_rows_have_attributes_by_name(walk: Simulator) -> None:
    env = make_sb3(walk, 4)

    env.set_attr("level", 3, indices=[1, 2])

    assert env.get_attr("level", indices=1) == [3]
    assert env.get_attr("render_mode") == [None] * 4
    assert env.get_attr("simulator", 0) == [walk]
    assert not env.has_attr("level")
    assert not env.has_attr("action_masks")
    assert env.env_is_wrapped(Monitor) == [False] * 4
    assert env.env_is_wrapped(Monitor, indices=[0]) == [False]


def test_the_possible_actions_of_each_row_are_its_action_masks(hall: Simulator) -> None:
    env = make_sb3(hall, 3)
    env.reset()

    first = env.env_method("action_masks")
    env.step(np.ones(3, dtype=np.int64))
    second = env.env_method("action_masks", indices=2)

    assert env.has_attr("action_masks")
    assert np.array(first).tolist() == [[False, True]] * 3
    assert np.array(second).tolist() == [[True, True]]


@pytest.mark.parametrize("algorithm", [A2C, DQN, PPO])
def test_its_algorithms_run(algorithm: type, walk: Simulator) -> None:
    model = algorithm("MlpPolicy", VecMonitor(make_sb3(walk, 4)), seed=1, device="cpu").learn(256)

    assert model.num_timesteps >= 256
    assert model.ep_info_buffer


def test_numbers_as_actions_stay_within_their_ranges() -> None:
    model = SAC("MlpPolicy", make_sb3(Simulator(THROTTLE), 2), learning_starts=20, seed=1, device="cpu").learn(60)

    assert model.num_timesteps >= 60


def test_a_model_acts_as_in_its_own_environment(hall: Simulator) -> None:
    """Its observations are normalised as they were while it learned."""
    env = VecNormalize(make_sb3(hall, 8))
    model = PPO("MlpPolicy", env, n_steps=64, batch_size=64, seed=1, device="cpu").learn(512)
    env.training = False
    states: Lattice = np.array([[0, 2], [1, 3]], dtype=np.int64)
    shown = np.array([[0, 0, 1], [1, 1, 1]], dtype=np.float32)
    wanted, _ = model.predict(env.normalize_obs(shown), deterministic=True)

    actions, _ = Guest(model, hall.spec).act_rows(states, np.zeros((2, 0)), None)

    assert env.obs_rms.mean.any()
    assert actions[:, 0].tolist() == wanted.tolist()
