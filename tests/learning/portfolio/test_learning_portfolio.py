"""Who predicts what: worlds of which it is known what they need."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from measured_rows import episodes_of
from msgspec import UNSET

import worldtwin as wt
from worldtwin.exact import Key
from worldtwin.learning import fit
from worldtwin.simulation import Classifier, FieldReport, Regressor, Simulator, Source, Table
from worldtwin.world import Angle, Category, Integer, Space, Spec, Transitions, real, wrap_column

ONE = 2**20
PUSH = 2**23
LENGTH = 30
Move = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]

TWO = Spec(
    name="two",
    state=Space(names=("x", "y"), fields=(real(-8, 8), real(-8, 8))),
    action=Space(names=("push",), fields=(real(-1, 1),)),
)
NAMED = Spec(
    name="named",
    state=Space(names=("x", "mode"), fields=(real(-8, 8), Category(("a", "b", "c")))),
    action=Space(names=("push",), fields=(real(-1, 1),)),
)
GRID = Spec(
    name="grid",
    state=Space(
        names=("row", "column", "lamp"),
        fields=(Integer(low=0, high=39), Integer(low=0, high=39), Category(("off", "on"))),
    ),
    action=Space(names=("move",), fields=(Category(("stay", "down", "right")),)),
)


def walked(spec: Spec, move: Move, episodes: int, seed: int) -> Transitions:
    """Episodes from anywhere, in which `move` says what follows states (n, fields) and actions (n, 1)."""
    chance = np.random.default_rng(seed)
    low, high = (np.array(each, dtype=np.int64) for each in (spec.state.low, spec.state.high))
    here = np.stack(
        [
            chance.integers(a // 4 if a < 0 else a, b // 4 + 1 if a < 0 else b + 1, size=episodes)
            for a, b in zip(low, high, strict=True)
        ],
        axis=1,
    )
    states, actions, nexts = [], [], []
    for _ in range(LENGTH):
        act = chance.integers(spec.action.low[0], spec.action.high[0] + 1, size=(episodes, 1))
        there = np.clip(move(here, act, chance), low, high)
        states.append(here)
        actions.append(act)
        nexts.append(there)
        here = there
    order = np.arange(episodes * LENGTH).reshape(LENGTH, episodes).T.ravel()
    return episodes_of(
        np.concatenate(states)[order], np.concatenate(actions)[order], np.concatenate(nexts)[order], length=LENGTH
    )


def cubic(here: np.ndarray, act: np.ndarray, _: np.random.Generator) -> np.ndarray:
    x, y, push = here[:, 0] / ONE, here[:, 1] / ONE, act[:, 0] / PUSH
    return np.rint(np.stack([0.9 * x + 0.2 * push, 0.9 * y + 0.1 * x * push], axis=1) * ONE).astype(np.int64)


def waved(here: np.ndarray, act: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """The first axis is pushed; the second one swings with all."""
    x, y, push = here[:, 0] / ONE, here[:, 1] / ONE, act[:, 0] / PUSH
    return np.rint(np.stack([0.9 * x + 0.3 * push, 0.8 * y + 0.5 * np.sin(2.0 * (x + y + push))], axis=1) * ONE).astype(
        np.int64
    )


def stepped(here: np.ndarray, act: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """The second axis jumps where the first one passes a step, and where it is pushed."""
    x, push = here[:, 0] / ONE, act[:, 0] / PUSH
    jump = (np.floor(4.0 * x) % 3.0 - 1.0) * np.where(push > 0.3, 1.0, 0.25)
    return np.rint(np.stack([0.8 * x + 0.9 * push, jump], axis=1) * ONE).astype(np.int64)


def noisy(spread: float) -> Move:
    def move(here: np.ndarray, act: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        there = cubic(here, act, chance).astype(np.float64)
        there[:, 0] += chance.normal(0.0, spread * ONE, size=len(here))
        return np.rint(there).astype(np.int64)

    return move


def switched(here: np.ndarray, act: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """The mode follows where x is, and what is pushed there."""
    x = here[:, 0] / ONE
    there = np.rint((0.8 * x + 0.9 * act[:, 0] / PUSH) * ONE).astype(np.int64)
    mode = np.where(x > 0.2, 1 + (act[:, 0] > 0), 0)
    return np.stack([there, np.where(chance.random(len(x)) < 0.02, 0, mode)], axis=1)


def gridded(here: np.ndarray, act: np.ndarray, _: np.random.Generator) -> np.ndarray:
    """A lamp is on in one corner; the walk goes on."""
    row, column = here[:, 0] + (act[:, 0] == 1), here[:, 1] + (act[:, 0] == 2)
    return np.stack([row % 40, column % 40, ((row > 20) ^ (column > 20)).astype(np.int64)], axis=1)


def fields(simulator: Simulator) -> dict[str, FieldReport]:
    assert simulator.report is not None
    return {field.name: field for field in simulator.report.fields}


def regressor(simulator: Simulator) -> Regressor:
    return next(model for model in simulator.predictors if isinstance(model, Regressor))


def ahead(simulator: Simulator, rows: Transitions) -> np.ndarray:
    return simulator.advance(rows.states, rows.actions, Key.of(3).episodes(np.arange(len(rows))), 0).next_fields


def test_where_polynomials_are_exact_nothing_else_is_tried() -> None:
    simulator = fit(TWO, walked(TWO, cubic, 30, 1), key=1)
    assert all(field.model.startswith("polynomial") for field in fields(simulator).values())
    assert all(field.candidates is UNSET for field in fields(simulator).values())
    assert not regressor(simulator).noisy


@pytest.mark.slow
def test_networks_learn_what_polynomials_leave() -> None:
    simulator = fit(TWO, walked(TWO, waved, 80, 1), key=1)
    assert fields(simulator)["x"].model == "polynomial of degree 1"
    assert fields(simulator)["y"].model.endswith("+ residual networks")
    tried = fields(simulator)["y"].candidates
    assert tried is not UNSET
    assert min(tried.values()) == tried[fields(simulator)["y"].model] < 0.5 * max(tried.values())
    fresh = walked(TWO, waved, 20, 2)
    missed = ahead(simulator, fresh) - fresh.nexts
    assert np.abs(missed[:, 0]).max() <= 4
    assert missed[:, 1].std() < 0.3 * (fresh.nexts - fresh.states)[:, 1].std()
    assert not regressor(simulator).noisy


@pytest.mark.slow
def test_the_same_key_gives_the_same_portfolio() -> None:
    rows = walked(TWO, waved, 12, 1)
    assert wt.digest(fit(TWO, rows, key=5)) == wt.digest(fit(TWO, rows, key=5))


@pytest.mark.slow
def test_trees_learn_jumps() -> None:
    simulator = fit(TWO, walked(TWO, stepped, 80, 1), key=1)
    assert fields(simulator)["x"].model == "polynomial of degree 1"
    assert fields(simulator)["y"].model.startswith("trees (")
    fresh = walked(TWO, stepped, 20, 2)
    missed = ahead(simulator, fresh) - fresh.nexts
    assert np.abs(missed[:, 0]).max() <= 4
    assert missed[:, 1].std() < 0.4 * fresh.nexts[:, 1].std()


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.02, 0.3])
def test_noise_is_published_where_the_world_is_noisy(spread: float) -> None:
    simulator = fit(TWO, walked(TWO, noisy(spread), 120, 1), key=1)
    found = regressor(simulator)
    assert fields(simulator)["x"].model.endswith(", with noise")
    assert not fields(simulator)["y"].model.endswith(", with noise")
    fresh = walked(TWO, noisy(spread), 60, 2)
    drawn, exact = ahead(simulator, fresh), cubic(fresh.states, fresh.actions, np.random.default_rng(0))
    assert (drawn - exact)[:, 0].std() == pytest.approx(spread * ONE, rel=0.1)
    assert np.median(np.abs(drawn - exact)[:, 1]) <= 2
    assert (found.quiet == found.loud).all()


@pytest.mark.slow
def test_what_was_measured_inexactly_is_no_noise_of_the_world() -> None:
    rows = walked(TWO, cubic, 120, 1)
    shown = rows.states // 2 + np.rint(np.random.default_rng(1).normal(0.0, 0.05 * ONE, size=rows.states.shape)).astype(
        np.int64
    )
    follows = (rows.steps[1:] > 0)[:, None]
    last = rows.nexts // 2 + np.rint(np.random.default_rng(2).normal(0.0, 0.05 * ONE, size=rows.nexts.shape)).astype(
        np.int64
    )
    nexts = last.copy()
    nexts[:-1] = np.where(follows, shown[1:], last[:-1])
    seen = Transitions(
        states=shown,
        actions=rows.actions,
        nexts=nexts,
        outputs=rows.outputs,
        episodes=rows.episodes,
        steps=rows.steps,
        synthetic=rows.synthetic,
    )
    assert not regressor(fit(TWO, seen, key=1)).noisy


@pytest.mark.slow
def test_trees_name_what_counts_cannot() -> None:
    simulator = fit(NAMED, walked(NAMED, switched, 80, 1), key=1)
    assert fields(simulator)["mode"].model.startswith("trees (")
    (classifier,) = (model for model in simulator.predictors if isinstance(model, Classifier))
    fresh = walked(NAMED, switched, 30, 2)
    assert (ahead(simulator, fresh)[:, 1] == fresh.nexts[:, 1]).mean() > 0.9
    tried = fields(simulator)["mode"].candidates
    assert tried is not UNSET
    assert tried["coarser counts"] > 2.0 * tried[fields(simulator)["mode"].model]
    truth, inputs = fresh.nexts[:, 1], np.concatenate([fresh.states, fresh.actions], axis=1)
    sure = classifier.confidences(inputs, classifier.shares(inputs)).mean() / 2**16
    right = (classifier.values[classifier.shares(inputs)[0].argmax(axis=1)] == truth).mean()
    assert sure == pytest.approx(right, abs=0.05)


def test_counts_stay_where_trees_know_no_more() -> None:
    def tossed(here: np.ndarray, _: np.ndarray, chance: np.random.Generator) -> np.ndarray:
        return np.stack([here[:, 0], chance.integers(0, 3, size=len(here))], axis=1)

    simulator = fit(NAMED, walked(NAMED, tossed, 40, 1), key=1)
    assert fields(simulator)["mode"].model == "coarser counts"
    assert any(isinstance(model, Table) for model in simulator.predictors)


@pytest.mark.slow
def test_trees_answer_where_a_grid_was_not_seen() -> None:
    simulator = fit(GRID, walked(GRID, gridded, 60, 1), key=1)
    assert "trees" in fields(simulator)["lamp"].model
    fresh = walked(GRID, gridded, 40, 2)
    answers = simulator.advance(fresh.states, fresh.actions, Key.of(3).episodes(np.arange(len(fresh))), 0)
    unseen = answers.source == Source.PREDICTED
    assert unseen.sum() > 100
    assert (answers.next_fields[unseen, 2] == fresh.nexts[unseen, 2]).mean() > 0.9
    assert (answers.next_fields[unseen, 0] == fresh.nexts[unseen, 0]).mean() > 0.9


def test_directions_wrap_in_every_kind() -> None:
    turning = Spec(
        name="turning",
        state=Space(names=("way",), fields=(Angle(),)),
        action=Space(names=("turn",), fields=(real(-1, 1),)),
    )

    def turn(here: np.ndarray, act: np.ndarray, _: np.random.Generator) -> np.ndarray:
        jump = np.where(act[:, 0] > PUSH // 4, 2**21, -(2**20))
        return wrap_column(here[:, 0] + jump)[:, None]

    simulator = fit(turning, walked(turning, turn, 30, 1), key=1)
    fresh = walked(turning, turn, 30, 2)
    missed = wrap_column(ahead(simulator, fresh)[:, 0] - fresh.nexts[:, 0])
    tried = fields(simulator)["way"].candidates
    assert tried is not UNSET
    assert len(tried) == 3
    assert np.abs(missed).mean() < 2**17
