"""Fitting on top of networks: a quarter of the steps of training, and no worse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from measured_rows import episodes_of
from msgspec.structs import replace

import worldtwin as wt
from worldtwin.exact import Key
from worldtwin.learning import fit
from worldtwin.learning.networks.publishing import published as published_networks
from worldtwin.learning.networks.starting import start_in
from worldtwin.learning.portfolio.numbers import Learned, all_of
from worldtwin.learning.portfolio.residual import Networks, continued, tried
from worldtwin.learning.reading import ANY_EPISODE, learned_by
from worldtwin.learning.regression.fitting import MEMBERS, Lesson, Recorded, Trust, choices_of, published, solved
from worldtwin.learning.regression.ridge import Choice, Floats
from worldtwin.learning.regression.target import numeric_targets
from worldtwin.simulation import Model, Simulator
from worldtwin.traces import Traces
from worldtwin.world import Space, Spec, Transitions, real

ONE = 2**20
PUSH = 2**23
LENGTH = 30
COLUMN = 0
ALIKE = 1.5
"""Squared errors of networks that began with other weights differ by so much by chance."""
WAVE = Spec(
    name="wave",
    state=Space(names=("x",), fields=(real(-8, 8),)),
    action=Space(names=("push",), fields=(real(-1, 1),)),
)
pytestmark = pytest.mark.slow


def waves(episodes: int, seed: int) -> Transitions:
    """Episodes in which x swings with the push, from anywhere."""
    chance = np.random.default_rng(seed)
    here, rows = chance.integers(-2 * ONE, 2 * ONE, size=episodes), []
    for _ in range(LENGTH):
        push = chance.integers(-PUSH, PUSH, size=episodes)
        x = here / ONE
        there = np.rint((0.6 * x + 0.4 * np.sin(2.0 * (x + push / PUSH))) * ONE).astype(np.int64)
        rows.append(np.stack([here, push, there], axis=1))
        here = there
    all_rows = np.stack(rows, axis=1).reshape(-1, 3)
    return episodes_of(all_rows[:, :1], all_rows[:, 1:2], all_rows[:, 2:], length=LENGTH)


def recorded(rows: Transitions) -> Recorded:
    return Recorded(inputs=np.concatenate([rows.states, rows.actions], axis=1), results=rows.nexts)


class Course:
    """What is learned of some rows, step by step as `fit` does."""

    def __init__(self, episodes: int, seed: int) -> None:
        self.aside = recorded(waves(10, seed + 100))
        self.lesson = Lesson.of(WAVE, numeric_targets(WAVE), recorded(waves(episodes, seed)))
        equations = self.lesson.equations(Key.of(seed))
        self.choices: tuple[Choice, ...] = choices_of(self.lesson, equations, self.aside)
        self.weights: Floats = solved(self.lesson, equations, self.choices)

    def tried(self, *base: Model) -> Networks:
        found = tried(self.lesson, self.weights, self.choices, [COLUMN], self.aside, base=base, key=Key.of(2))
        assert found is not None
        return found

    def continued(self, networks: Networks) -> Networks:
        return continued(networks, self.lesson, self.weights, self.choices, {COLUMN}, Key.of(3))

    def model(self, networks: Networks) -> Model:
        kinds = all_of(self.lesson, "networks")
        functions = Learned(weights=self.weights, networks=networks).functions(self.lesson, kinds)
        return published(self.lesson, functions, Trust.none(1))

    def loss(self, networks: Networks) -> float:
        missed = self.model(networks).changes(self.aside.inputs).values[:, 0] / 256
        truth = (self.aside.results - self.aside.inputs[:, :1])[:, 0]
        return float(np.square(missed - truth).mean())


def ahead(simulator: Simulator, rows: Transitions) -> float:
    answers = simulator.advance(rows.states, rows.actions, Key.of(3).episodes(np.arange(len(rows))), 0)
    return float(np.square((answers.next_fields - rows.nexts) / ONE).mean())


def add(traces: Traces, episodes: int, seed: int) -> None:
    rows = waves(episodes, seed)
    traces.append(
        {
            "episode": traces.begin(episodes) + rows.episodes,
            "step": rows.steps,
            "state.x": rows.states[:, 0] / ONE,
            "action.push": rows.actions[:, 0] / PUSH,
            "next.x": rows.nexts[:, 0] / ONE,
        }
    )


def notes(simulator: Simulator) -> str:
    assert simulator.report is not None
    return "\n".join(simulator.report.notes)


def test_on_top_of_networks_a_quarter_of_the_steps_is_enough() -> None:
    first = Course(80, 1)
    base = first.model(first.continued(first.tried()))
    new = Course(60, 2)
    cold, warm = new.tried(), new.tried(base)
    cold_end, warm_end = new.continued(cold), new.continued(warm)
    assert cold.training.steps == cold.training.anew == warm.training.anew
    assert cold_end.training.steps == cold_end.training.anew == warm_end.training.anew
    for one, other in ((cold, warm), (cold_end, warm_end)):
        assert 0 < other.training.steps <= 0.26 * one.training.steps
        assert new.loss(other) <= 1.1 * new.loss(one)


def test_on_the_same_rows_training_begins_where_it_ended() -> None:
    course = Course(60, 1)
    ended = course.tried()
    model = course.model(ended)
    start = start_in((model,), course.lesson.design.basis.features, [COLUMN], ended.scales, MEMBERS)
    assert start.weights is not None
    begun = published_networks(start.weights, ended.scales, noise=False)
    assert course.loss(replace(ended, ensemble=begun, shares=np.ones(1))) == pytest.approx(course.loss(ended), rel=0.01)
    again = course.tried(model)
    assert again.training.warm
    assert course.loss(again) <= 1.1 * course.loss(ended)


def test_a_fit_goes_on_from_the_networks_of_its_base() -> None:
    base = fit(WAVE, waves(80, 1), key=1)
    new, fresh = waves(60, 2), waves(30, 3)
    cold, warm = fit(WAVE, new, key=2), fit(WAVE, new, base=base, key=2)
    assert "networks" not in notes(cold)
    assert "networks went on from those of `base`: " in notes(warm)
    assert "`base` may have learned" not in notes(warm)
    assert ahead(warm, fresh) <= ALIKE * ahead(cold, fresh)
    assert wt.digest(warm) == wt.digest(fit(WAVE, new, base=base, key=2))


def test_a_base_without_networks_changes_nothing() -> None:
    base, new = fit(WAVE, waves(5, 1), key=1), waves(60, 2)
    cold, warm = fit(WAVE, new, key=2), fit(WAVE, new, base=base, key=2)
    assert "networks began anew: `base` has none" in notes(warm)
    assert wt.digest(warm) == wt.digest(cold)


def test_of_a_store_that_grew_networks_are_judged_by_what_the_base_has_not_seen(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "wave.traces", WAVE)
    add(traces, 60, 1)
    base = fit(WAVE, traces, key=1)
    assert learned_by(base, traces) == 59
    assert learned_by(None, traces) == learned_by(base, waves(5, 1)) == -1
    assert learned_by(fit(WAVE, waves(60, 1), key=1), traces) == ANY_EPISODE
    add(traces, 5, 2)
    few = notes(fit(WAVE, traces, base=base, key=1))
    add(traces, 15, 3)
    many = notes(fit(WAVE, traces, base=base, key=1))
    assert "`base` may have learned from held-out rows: errors may be too small" in few
    assert "networks went on from those of `base`" in many
    assert "`base` may have learned" not in many
