"""Policies of other libraries act in a world through the observations and actions of `make_env`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from worldtwin.environments import Guest, make_env
from worldtwin.errors import InvalidTask
from worldtwin.simulation import Simulator, rollout
from worldtwin.world import Lattice, Space, Spec, real

GLIDER = Spec(
    name="glider",
    state=Space(("height",), (real(0, 10, resolution=0.25),)),
    action=Space(("flap", "turn"), (real(0, 1, resolution=0.25), real(-1, 1, resolution=0.25))),
)


class Upwards:
    """A policy as an object."""

    def predict(self, observation: Any) -> int:
        return int(observation < 2)


def acted(policy: Any, spec: Spec, states: Lattice) -> list[list[int]]:
    guest = Guest(policy, spec)
    return guest.act_rows(states, guest.start_memory(len(states)), spec.possible_actions(states))[0].tolist()


def test_it_sees_what_the_environment_shows(walk: Simulator) -> None:
    env, seen = make_env(walk), []
    shown = [env.reset(seed=3)[0], *(env.step(1)[0] for _ in range(2))]

    def policy(observation: Any) -> int:
        seen.append(observation)
        return 1

    acted(policy, walk.spec, np.array(shown, dtype=np.int64)[:, None])

    assert seen == shown
    assert [type(one) for one in seen] == [type(one) for one in shown]


@pytest.mark.parametrize(
    "policy", [lambda shown: int(shown < 2), lambda shown: "up" if shown < 2 else "down", Upwards()]
)
def test_numbers_and_names_and_objects_choose(policy: Any, walk: Simulator) -> None:
    assert acted(policy, walk.spec, np.array([[-3], [1], [2]], dtype=np.int64)) == [[1], [1], [0]]


def test_numbers_out_of_range_are_taken_as_the_nearest() -> None:
    states = np.array([[8], [40]], dtype=np.int64)

    assert acted(lambda shown: np.array([shown[0], -0.5]), GLIDER, states) == [[4, -2], [4, -2]]


def test_the_first_possible_action_replaces_an_impossible_one(hall: Simulator) -> None:
    states = np.array([[0, 2], [1, 3], [2, 1]], dtype=np.int64)

    assert acted(lambda _: "left", hall.spec, states) == [[1], [0], [0]]


def test_it_lives_in_a_simulator_as_a_task_does(walk: Simulator) -> None:
    lived = rollout(Guest(lambda _: "up", walk.spec), walk, episodes=8, key=1)

    assert lived.ended.all()
    assert (lived.actions == 1).all()


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (7, "7 is no policy: give a Stable-Baselines3 model, a function"),
        (lambda _: 2, "the policy does not fit walk: way"),
        (lambda _: "sideways", "the policy does not fit walk: way"),
        (lambda _: [0, 1], "the policy does not fit walk: the environment has 2 numbers"),
    ],
)
def test_what_is_no_policy_of_this_world_is_refused(policy: Any, reason: str, walk: Simulator) -> None:
    with pytest.raises(InvalidTask, match=reason):
        acted(policy, walk.spec, np.zeros((1, 1), dtype=np.int64))
