"""A simulator as a Gymnasium environment and vector environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from worldtwin.environments import make_env, make_vec
from worldtwin.errors import InvalidValue
from worldtwin.simulation import Simulator


@pytest.mark.parametrize("world", ["walk", "hall"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_gymnasium_s_own_checker_passes(world: str, request: pytest.FixtureRequest) -> None:
    check_env(make_env(request.getfixturevalue(world)), skip_render_check=True)


def played(env: gymnasium.Env[Any, Any], actions: Sequence[int], seed: int | None) -> list[Any]:
    """What an environment shows and pays."""
    seen: list[Any] = [env.reset(seed=seed)[0]]
    for action in actions:
        shown, reward, terminated, truncated, info = env.step(action)
        seen += [(shown, reward, terminated, truncated, info["source"])]
        if terminated or truncated:
            break
    return seen


def test_the_same_seed_gives_the_same_episodes(walk: Simulator) -> None:
    env = make_env(walk)
    up = [1, 1, 0, 1, 1, 0, 1]

    first = [played(env, up, 5), played(env, up, None), played(env, up, None)]
    again = [played(env, up, 5), played(env, up, None), played(env, up, None)]

    assert first == again
    assert first[0] != first[1] or first[1] != first[2]


def test_an_episode_ends_where_the_spec_says_and_is_truncated_at_its_horizon(walk: Simulator) -> None:
    env = make_env(walk)

    ended, cut = played(env, [1] * 12, 1)[-1], played(env, [0] * 12, 1)

    assert ended[2:4] == (True, False)
    assert ended[0] == ended[1] == 3
    assert cut[-1][2:4] == (False, True)
    assert len(cut) == 13
    with pytest.raises(ResetNeeded):
        env.step(0)


def test_the_possible_actions_are_in_the_info(hall: Simulator) -> None:
    env = make_env(hall)

    _, first = env.reset(seed=1)
    *_, second = env.step(1)

    assert first["action_mask"].tolist() == [0, 1]
    assert second["action_mask"].tolist() == [1, 1]
    assert second["source"] == "observed"
    assert env.action_space.sample(first["action_mask"]) == 1


def test_an_unknown_transition_ends_the_episode_and_charges_the_rest(
    make_hall: Callable[[Sequence[Any]], Simulator],
) -> None:
    env = make_env(make_hall([((0, 2), (1,), (1, 3))]))
    env.reset(seed=1)

    env.step(1)
    _, reward, terminated, truncated, info = env.step(1)

    assert (reward, terminated, truncated, info["source"]) == (-19.0, True, False, "unknown")


@pytest.mark.parametrize("action", [2, -1, 0.5])
def test_an_action_outside_of_the_space_is_refused(walk: Simulator, action: float) -> None:
    env = make_env(walk)
    env.reset(seed=1)

    with pytest.raises(InvalidValue, match="not in the action space"):
        env.step(action)


def test_rows_of_a_vector_environment_live_through_what_single_ones_do(walk: Simulator) -> None:
    vector, singles = make_vec(walk, 5), [make_env(walk) for _ in range(5)]
    chance = np.random.default_rng(0)
    over = np.zeros(5, dtype=np.bool_)

    shown, _ = vector.reset(seed=40)
    assert shown.tolist() == [env.reset(seed=40 + i)[0] for i, env in enumerate(singles)]
    for _ in range(60):
        actions = chance.integers(0, 2, size=5)
        shown, rewards, terminated, truncated, infos = vector.step(actions)
        for i, env in enumerate(singles):
            if over[i]:
                alone = (env.reset()[0], 0.0, False, False)
            else:
                *alone, info = env.step(actions[i])
                assert infos["source"][i] == info["source"]
            assert (shown[i], rewards[i], terminated[i], truncated[i]) == tuple(alone)
        assert infos["_source"].tolist() == (~over).tolist()
        over = terminated | truncated


def test_the_vector_environment_declares_its_spaces_and_autoreset(hall: Simulator) -> None:
    vector = make_vec(hall, 3)

    shown, infos = vector.reset(seed=[7, 8, 9])

    assert vector.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    assert vector.observation_space.contains(shown)
    assert vector.action_space.shape == (3,)
    assert infos["action_mask"].tolist() == [[0, 1]] * 3
    assert infos["_action_mask"].all()


def test_only_masked_rows_are_reset(walk: Simulator) -> None:
    vector = make_vec(walk, 3)
    vector.reset(seed=1)
    for _ in range(2):
        before, *_ = vector.step(np.zeros(3, dtype=np.int64))

    after, _ = vector.reset(options={"reset_mask": np.array([False, True, False])})

    assert after[[0, 2]].tolist() == before[[0, 2]].tolist()
    assert after[1] in {-1, 0, 1}


def test_gymnasium_s_wrappers_run_on_the_vector_environment(walk: Simulator) -> None:
    env = gymnasium.wrappers.vector.RecordEpisodeStatistics(make_vec(walk, 4))
    env.reset(seed=3)
    lengths: list[int] = []

    for _ in range(40):
        *_, infos = env.step(env.action_space.sample())
        if "episode" in infos:
            lengths += infos["episode"]["l"][infos["_episode"]].tolist()

    assert lengths
    assert max(lengths) <= 12


@pytest.mark.parametrize(("actions", "reason"), [([0, 1], "2 actions are given for 3 rows"), ([0, 1, 9], "not in the")])
def test_wrong_batches_are_refused(walk: Simulator, actions: list[int], reason: str) -> None:
    vector = make_vec(walk, 3)
    vector.reset(seed=1)

    with pytest.raises(InvalidValue, match=reason):
        vector.step(np.array(actions))
