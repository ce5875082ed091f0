"""Exploring where a discrete world is least known: laws of the explorer, and worlds that chance does not solve."""

from __future__ import annotations

from collections import deque
from typing import Any

import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured_rows import episodes_of

from worldtwin.environments import evaluate
from worldtwin.improving import iterate
from worldtwin.improving.iterating.exploring import OFTEN, SURE, Explorer, is_explorable
from worldtwin.improving.iterating.recalling import recalled_plans
from worldtwin.improving.iterating.watching import EXPLORERS, NOISES, Watch
from worldtwin.improving.planning import MAX_PAIRS
from worldtwin.tasks import Task
from worldtwin.traces import Traces
from worldtwin.world import Category, Integer, Space, Spec, Transitions, digest, real

PLACES = 6
ACTIONS = 2
LENGTH = 9
"""Of the lock: by chance it opens once in 3^9 = 19,683 attempts."""
CODE = (2, 0, 1, 1, 0, 2, 1, 0, 2)


def wandering(horizon: int) -> Spec:
    """Places that two actions lead between; nothing is paid."""
    return Spec(
        name="places",
        state=Space(("place",), (Integer(low=0, high=PLACES - 1),)),
        action=Space(("go",), (Integer(low=0, high=ACTIONS - 1),)),
        reward="0",
        horizon=horizon,
        returns=(0.0, 1.0),
    )


LOCK = Spec(
    name="lock",
    state=Space(("opened",), (Integer(low=0, high=LENGTH),)),
    action=Space(("digit",), (Category(("one", "two", "three")),)),
    reward=f"10 if next.opened == {LENGTH} else -1",
    ends=f"next.opened == {LENGTH}",
    horizon=30,
    returns=(-30.0, 10.0),
)

RIVER = Spec(
    name="river",
    state=Space(("place",), (Integer(low=0, high=5),)),
    action=Space(("swim",), (Category(("down", "up")),)),
    reward=(
        "1 if state.place == 5 and action.swim == 'up' else 0.005 if state.place == 0 and action.swim == 'down' else 0"
    ),
    horizon=20,
    returns=(0.0, 20.0),
)


class Lock(gymnasium.Env[int, int]):
    """A combination lock: the right digit goes one on, any other back to the beginning."""

    observation_space = gymnasium.spaces.Discrete(LENGTH + 1)
    action_space = gymnasium.spaces.Discrete(3)

    def __init__(self) -> None:
        self.opened = self.time = self.times = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.opened = self.time = 0
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self.opened = self.opened + 1 if action == CODE[self.opened] else 0
        self.time += 1
        done = self.opened == LENGTH
        self.times += done
        return self.opened, 10.0 if done else -1.0, done, self.time >= LOCK.horizon, {}


class River(gymnasium.Env[int, int]):
    """RiverSwim (Strehl and Littman 2008): up against the current by chance, down for sure, where a little is paid."""

    observation_space = gymnasium.spaces.Discrete(6)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self) -> None:
        self.place = self.time = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.place = self.time = 0
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        paid = 1.0 if self.place == 5 and action == 1 else 0.005 if self.place == 0 and action == 0 else 0.0
        move = -1 if action == 0 else int(self.np_random.choice((-1, 0, 1), p=(0.05, 0.55, 0.4)))
        self.place, self.time = min(max(self.place + move, 0), 5), self.time + 1
        return self.place, paid, False, self.time >= RIVER.horizon, {}


def lived(explorer: Explorer, spec: Spec, ways: list[list[int]], steps: int) -> Transitions:
    """One episode of `explorer` from place 0, where each action leads to the place that `ways` says."""
    memory = explorer.start_memory(1)
    places, actions = [0], list[int]()
    for _ in range(steps):
        action, memory = explorer.act_rows(np.array([[places[-1]]]), memory, None)
        actions.append(int(action[0, 0]))
        places.append(ways[places[-1]][actions[-1]])
    return episodes_of(
        np.array(places[:-1])[:, None],
        np.array(actions)[:, None],
        np.array(places[1:])[:, None],
        np.zeros((steps, len(spec.outputs)), dtype=np.int64),
        length=steps,
    )


def reachable(ways: list[list[int]]) -> set[int]:
    """The places that can be reached from place 0."""
    found, queue = {0}, deque([0])
    while queue:
        for then in ways[queue.popleft()]:
            if then not in found:
                found.add(then)
                queue.append(then)
    return found


WAYS = st.lists(
    st.lists(st.integers(0, PLACES - 1), min_size=ACTIONS, max_size=ACTIONS), min_size=PLACES, max_size=PLACES
)


@given(WAYS)
def test_every_episode_shows_something_less_known_until_all_is_known(ways: list[list[int]]) -> None:
    spec = wandering(2 * PLACES)
    explorer, pairs = Explorer(spec), len(reachable(ways)) * ACTIONS

    for _ in range(pairs * SURE):
        known = np.minimum(explorer.visits, SURE).sum()
        explorer.learn(lived(explorer, spec, ways, 2 * PLACES))
        assert np.minimum(explorer.visits, SURE).sum() > known
        if explorer.done:
            break

    assert explorer.done
    assert explorer.visits.shape == (len(reachable(ways)), ACTIONS)
    assert (explorer.visits >= SURE).all()


@given(WAYS, st.integers(1, 40))
def test_what_an_explorer_saw_itself_counts_once(ways: list[list[int]], steps: int) -> None:
    spec = wandering(40)
    watching, told = Explorer(spec), Explorer(spec)

    rows = lived(watching, spec, ways, steps)
    watching.learn(rows)
    told.learn(rows)

    assert watching.visits.sum() == told.visits.sum() == steps
    assert watching.done == told.done


def test_a_known_world_is_not_explored_further(tmp_path: Any) -> None:
    traces = Traces(tmp_path / "lock.traces", LOCK)
    watch = Watch(LOCK, traces)
    assert watch.next(Task.table(LOCK)) is not None

    every = [(opened, digit) for opened in range(LENGTH) for digit in range(3)] * SURE
    traces.append(
        {
            "episode": list(range(len(every))),
            "state.opened": [opened for opened, _ in every],
            "action.digit": [("one", "two", "three")[digit] for _, digit in every],
            "next.opened": [opened + 1 if digit == CODE[opened] else 0 for opened, digit in every],
        }
    )

    assert watch.next(Task.table(LOCK)) is None


def test_a_lock_that_chance_does_not_open_is_learned(tmp_path: Any) -> None:
    steps, chance = 1_500, Lock()
    traces = Traces(tmp_path / "chance.traces", LOCK)
    evaluate(Task.table(LOCK), chance, episodes=steps // 30, key=1, spec=LOCK, traces=traces, noise=1.0)
    env = Lock()

    found = iterate(Task.table(LOCK), LOCK, reality=env, real_steps=steps, key=1)

    assert chance.times == 0
    assert found.better
    assert found.after == 10 - (LENGTH - 1)
    assert found.real_steps <= steps


def test_an_exploration_repeats_exactly_with_its_key() -> None:
    first, second = (iterate(Task.table(LOCK), LOCK, reality=Lock(), real_steps=900, key=3) for _ in range(2))

    assert digest(first.task) == digest(second.task)
    assert first.rounds == second.rounds


def test_what_chance_decides_is_seen_often(tmp_path: Any) -> None:
    traces = Traces(tmp_path / "river.traces", RIVER)
    watch, env = Watch(RIVER, traces), River()

    for number in range(150):
        seen = watch.next(Task.table(RIVER))
        assert seen is not None, "chance is never known for sure"
        evaluate(seen.actor, env, episodes=1, key=number, spec=RIVER, traces=traces, noise=seen.noise)

    explorer = Explorer(RIVER)
    explorer.learn(traces.transitions().transitions)
    assert (explorer.visits >= OFTEN).all()
    assert explorer.visits[:, 1].max() > 10 * OFTEN, "the rest went where most may be paid"


def test_only_actions_that_the_environment_allows_are_taken() -> None:
    spec = Spec(
        name="gate",
        state=Space(("place",), (Integer(low=0, high=1),)),
        action=Space(("go",), (Category(("left", "right")),)),
        reward="0",
        horizon=10,
        returns=(0.0, 1.0),
    )
    explorer = Explorer(spec)
    memory, only = explorer.start_memory(1), np.array([[False, True]])

    actions = [explorer.act_rows(np.array([[0]]), memory, only)[0][0, 0] for _ in range(10)]

    assert actions == [1] * 10


WIDE = Spec(
    name="wide",
    state=Space(("place",), (Integer(low=0, high=9_999),)),
    action=Space(("go",), (Integer(low=0, high=4_095),)),
    reward="0",
    horizon=2_000,
    returns=(0.0, 1.0),
)


def onward(count: int) -> dict[str, list[int]]:
    """An episode that goes through so many places of the wide world, one after the other."""
    return {
        "episode": [0] * count,
        "state.place": list(range(count)),
        "action.go": [1] * count,
        "next.place": list(range(1, count + 1)),
    }


def test_a_world_too_wide_to_count_is_left_to_chance(tmp_path: Any) -> None:
    traces = Traces(tmp_path / "wide.traces", WIDE)
    watch = Watch(WIDE, traces)
    first = watch.next(Task.table(WIDE))
    assert first is not None
    assert isinstance(first.actor, Explorer)

    traces.append(onward(1_000))
    second, third = watch.next(Task.table(WIDE)), watch.next(Task.table(WIDE))

    assert second is not None
    assert third is not None
    assert {second.noise, third.noise} == set(NOISES)
    assert recalled_plans(WIDE, traces.transitions(WIDE).transitions) == []


def test_an_explorer_counts_no_more_than_a_plan_can_weigh() -> None:
    explorer = Explorer(WIDE)
    memory = explorer.start_memory(1)

    actions = [explorer.act_rows(np.array([[place]]), memory, None)[0][0, 0] for place in range(1_500)]

    assert explorer.full
    assert explorer.visits.size <= MAX_PAIRS + 4_096
    assert len(set(actions[-900:])) == 900


def test_the_next_explorer_goes_where_the_one_whose_turn_it_is_is_done(tmp_path: Any) -> None:
    spec = Spec(
        name="hidden",
        state=Space(("place",), (Integer(low=0, high=1),)),
        action=Space(("go",), (Category(("on",)),)),
        reward="0",
        horizon=30,
        returns=(0.0, 1.0),
        latent="auto",
    )
    traces, lengths = Traces(tmp_path / "hidden.traces", spec), [EXPLORERS[-1] + 1] + [15] * (SURE - 1)
    steps = [(episode, step) for episode, length in enumerate(lengths) for step in range(length)]
    places = {
        "state.place": [int(step > 0) for _, step in steps],
        "action.go": ["on"] * len(steps),
        "next.place": [1] * len(steps),
    }
    traces.append({"episode": [episode for episode, _ in steps], **places})
    watch = Watch(spec, traces)

    seen = [watch.next(Task.table(spec)) for _ in EXPLORERS]

    assert all(each is not None and isinstance(each.actor, Explorer) and not each.actor.done for each in seen)
    assert len({each.actor for each in seen if each is not None}) == len(EXPLORERS) - 1


@pytest.mark.parametrize("field", [Integer(low=0, high=9), Category(("a", "b"))])
def test_a_discrete_world_is_explored(field: Any) -> None:
    assert is_explorable(world_of(field))


def test_a_world_of_real_numbers_is_not_explored() -> None:
    assert not is_explorable(world_of(real(0, 1)))


def world_of(field: Any) -> Spec:
    """A world with this one field."""
    return Spec(name="one", state=Space(("place",), (field,)), action=Space(("go",), (Integer(low=0, high=3),)))
