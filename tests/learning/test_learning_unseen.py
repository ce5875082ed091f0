"""How much is unseen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worldtwin.learning.unseen import Unseen, blocks, coverage, unseen_mass


def test_fewer_than_ten_episodes_say_nothing() -> None:
    assert unseen_mass(np.zeros(90, dtype=np.int64), np.repeat(np.arange(9), 10)) is None


def test_episodes_that_are_all_new_leave_everything_unseen() -> None:
    assert unseen_mass(np.arange(200), np.repeat(np.arange(20), 10)) == Unseen(estimate=1.0, bound=1.0)


def test_episodes_that_are_all_the_same_leave_only_what_so_few_cannot_show() -> None:
    unseen = unseen_mass(np.tile(np.arange(10), 50), np.repeat(np.arange(50), 10))
    assert unseen is not None
    assert unseen.estimate == 0.0
    assert unseen.bound == pytest.approx(np.log(20) / 150)


@given(st.integers(0, 10_000))
def test_names_of_events_and_episodes_do_not_matter(seed: int) -> None:
    chance = np.random.default_rng(seed)
    events, episodes = chance.integers(0, 40, size=200), np.repeat(np.arange(20), 10)
    assert unseen_mass(events, episodes) == unseen_mass(999 - 3 * events, 5 * episodes[::-1][::-1] + 2)


@pytest.mark.slow
def test_the_bound_holds_on_dependent_steps() -> None:
    chance, holds = np.random.default_rng(1), 0
    likely = chance.dirichlet(np.full(60, 0.3))
    for _ in range(100):
        events = np.concatenate([np.repeat(chance.choice(60, p=likely), 20) for _ in range(40)])
        unseen = 1 - likely[np.unique(events)].sum()
        found = unseen_mass(events, np.repeat(np.arange(40), 20))
        holds += found is not None and unseen <= found.bound
    assert holds >= 93


def test_one_long_stream_is_cut_into_blocks() -> None:
    assert len(np.unique(blocks(np.zeros(1000, dtype=np.int64)))) == 20
    assert len(np.unique(blocks(np.zeros(999, dtype=np.int64)))) == 1


def test_a_state_is_covered_when_each_possible_action_was_tried_five_times() -> None:
    states = np.repeat([0, 0, 1], 5)
    actions = np.repeat([0, 1, 0], 5)
    everything = np.ones((15, 2), dtype=np.bool_)
    assert coverage(states, actions, everything, np.ones(len(states), dtype=np.int64)) == pytest.approx(2 / 3)
    only_first = everything.copy()
    only_first[states == 1, 1] = False
    assert coverage(states, actions, only_first, np.ones(len(states), dtype=np.int64)) == 1.0


def test_a_share_of_0_998_takes_500_episodes_even_where_nothing_is_new() -> None:
    def bound(episodes: int) -> float:
        unseen = unseen_mass(np.zeros(episodes, dtype=np.int64), np.arange(episodes))
        assert unseen is not None
        return unseen.bound

    assert bound(499) > 0.002 >= bound(500)
