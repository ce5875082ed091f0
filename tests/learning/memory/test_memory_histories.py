"""The last few steps as hidden states, and the choice among them, merged states and a plain table."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

import worldtwin as wt
from worldtwin.learning.memory.hidden import FORGETFUL, Tails, learn_machine
from worldtwin.learning.memory.histories import contexts, remembered
from worldtwin.learning.memory.machine import Machine, Sightings, likelihood

TOLERANCE = 0.005
"""Nats: less than a tenth of what a choice by chance loses."""


def sightings(looks: np.ndarray, actions: np.ndarray, starts: np.ndarray | None = None) -> Sightings:
    """What was seen while going through `looks` (n + 1,)."""
    follows = np.arange(len(actions)) > 0
    if starts is not None:
        follows[starts] = False
    return Sightings(looks=looks[:-1], actions=actions, results=looks[1:], next_looks=looks[1:], follows=follows)


def usual(seen: Sightings) -> np.ndarray:
    """How likely each result is for a plain table of `seen`."""
    count = int(max(seen.looks.max(), seen.results.max())) + 1
    counts = np.zeros((count, int(seen.actions.max()) + 1, count))
    np.add.at(counts, (seen.looks, seen.actions, seen.results), 1)
    return likelihood(counts, counts.sum(axis=-1, keepdims=True), count)


def losses(seen: Sightings, fresh: Sightings) -> tuple[float, float]:
    """The mean surprise at `fresh` steps of what is learned from `seen`, as it is published, and of a plain table."""
    machine = learn_machine(seen).machine.counted(seen)
    plain = -np.log(usual(seen)[fresh.looks, fresh.actions, fresh.results]).mean()
    return float(machine.surprise(fresh, machine.follow(fresh).states).mean()), float(plain)


def of(seen: Sightings, depth: int, prior: float = 1.0) -> Machine:
    chances = usual(seen)[seen.looks, seen.actions, seen.results]
    actions, results = int(seen.actions.max()) + 1, int(seen.results.max()) + 1
    return remembered(seen, chances, depth=depth, prior=prior, actions=actions, results=results)


def echo(count: int, seed: int, lag: int) -> Sightings:
    """What shows is the action `lag` steps before, mostly."""
    chance = np.random.default_rng(seed)
    actions = chance.integers(2, size=count)
    shown = np.where(chance.random(count + 1) < 0.95, np.r_[np.zeros(lag + 1, dtype=np.int64), actions[:-lag]], 0)
    return sightings(shown, actions)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("states", "shown"), [(8, 8), (12, 4), (30, 10)])
@pytest.mark.parametrize("count", [300, 1_000])
def test_from_few_steps_it_is_never_worse_than_a_plain_table(
    chances: Callable, states: int, shown: int, count: int, seed: int
) -> None:
    spec, rows, _ = chances(states, shown, count + 8_000, seed)
    every = Sightings.of(spec, rows)

    chosen, plain = losses(every.at(np.arange(0, count)), every.at(np.arange(count, count + 8_000)))

    assert chosen <= plain + TOLERANCE


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fit_of_a_world_that_hides_nothing_predicts_as_well_as_with_fields_alone(
    chances: Callable, seed: int
) -> None:
    spec, rows, _ = chances(8, 8, 1_000, seed)

    auto, plain = (wt.fit(structs.replace(spec, latent=latent), rows, key=1) for latent in ("auto", "none"))

    assert auto.spec.hidden == 0
    assert np.array_equal(auto.observed.counts, plain.observed.counts)


@pytest.mark.parametrize("lag", [1, 2])
def test_a_short_memory_is_found_from_few_steps(lag: int) -> None:
    chosen, plain = losses(echo(400, 1, lag), echo(5_000, 2, lag))

    assert chosen < plain - 0.2


def test_history_wins_where_little_was_recorded(maze: Callable) -> None:
    spec, rows, _ = maze(6, 500, 1)

    learned = learn_machine(Sightings.of(spec, rows))

    assert learned.way.tails is Tails.HISTORY
    assert learned.loss < learned.memoryless - 0.3


def test_without_memory_it_is_a_table() -> None:
    seen = echo(500, 1, 1)

    machine = of(seen, FORGETFUL.depth, FORGETFUL.prior)

    assert machine.looks.tolist() == [0, 1]
    told = machine.surprise(seen, machine.follow(seen).states)
    assert np.allclose(told, -np.log(usual(seen)[seen.looks, seen.actions, seen.results]))


@given(
    st.integers(1, 200), st.integers(2, 4), st.integers(0, 4), st.integers(0, 2**32 - 1), st.sampled_from([0.3, 4.0])
)
def test_a_state_and_a_step_lead_to_one_state(count: int, kinds: int, depth: int, seed: int, prior: float) -> None:
    """Also where what is remembered of one look is more than of another, and episodes begin anywhere."""
    chance = np.random.default_rng(seed)
    starts = np.flatnonzero(chance.random(count) < 0.1)
    looks = np.cumsum(chance.choice([0, 0, 1], size=count + 1)) % kinds
    seen = sightings(looks, chance.integers(2, size=count), starts)

    states = contexts(seen, usual(seen)[seen.looks, seen.actions, seen.results], depth=depth, prior=prior)

    leads: dict[tuple[int, ...], int] = {}
    for place in np.flatnonzero(seen.follows):
        step = int(states[place - 1]), int(seen.actions[place - 1]), int(seen.results[place - 1])
        assert leads.setdefault(step, int(states[place])) == states[place]
    looks = of(seen, depth, prior).looks
    assert (looks[states] == seen.looks).all()
