"""LightGBM's trees, and the same trees in whole numbers."""

from __future__ import annotations

import math

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worldtwin.exact import Key
from worldtwin.exact.features import ONE
from worldtwin.learning.boosting.growing import Examples, most_rounds, names_grown, numbers_grown
from worldtwin.learning.boosting.publishing import names_published, numbers_published, trees_of
from worldtwin.simulation import Forest


def parts(n: int, seed: int, *, coarse: bool = False) -> np.ndarray:
    """Three parts (3, n): two numbers and a name's -1, 0 or 1; `coarse` numbers often coincide."""
    chance = np.random.default_rng(seed)
    numbers = np.rint(chance.normal(size=(2, n)) * (4 if coarse else ONE)) * (ONE // 4 if coarse else 1)
    return np.concatenate([numbers, chance.integers(-1, 2, size=(1, n)) * float(ONE)])


def number(x: np.ndarray) -> np.ndarray:
    """A number with edges, which no polynomial has."""
    return (x[0] > 0) * 3.0 + np.where(x[2] > 0, x[1] / ONE, -1.0)


def name(x: np.ndarray) -> np.ndarray:
    """One of four names."""
    return ((x[0] > 0).astype(np.int64) + 2 * (x[2] > x[1])).astype(np.int64)


def aside(n: int) -> np.ndarray:
    return np.arange(n) % 7 == 0


def grown(n: int, seed: int, *, coarse: bool = False) -> tuple[np.ndarray, lightgbm.Booster]:
    x = parts(n, seed, coarse=coarse)
    return x, numbers_grown(Examples(parts=x, wanted=number(x), aside=aside(n)), key=Key.of(seed))


def most_trees(forest: Forest) -> int:
    return int(np.diff(forest.offsets).max(initial=0))


@given(st.integers(20, 300), st.integers(0, 1000), st.booleans())
@settings(max_examples=15, deadline=None)
def test_the_exact_forest_says_what_lightgbm_says(n: int, seed: int, coarse: bool) -> None:  # noqa: FBT001 - Hypothesis passes it
    x, booster = grown(n, seed, coarse=coarse)
    forest = numbers_published([[booster]], [10.0])
    fresh = np.concatenate([x, parts(200, seed + 1, coarse=coarse)], axis=1)
    said = np.asarray(booster.predict(fresh.T, num_threads=1)) * 10.0 * 256
    assert np.abs(forest.every(fresh)[0, 0] - said).max() <= 0.5 * (most_trees(forest) + 1) + 1e-6


@pytest.mark.parametrize("choices", [2, 3, 4])
def test_the_exact_weights_are_lightgbms_probabilities(choices: int) -> None:
    x = parts(600, choices)
    examples = Examples(parts=x, wanted=name(x) % choices, aside=aside(600))
    booster = names_grown(examples, choices, key=Key.of(1))
    forest = names_published([booster])
    raw = np.asarray(booster.predict(x.T, raw_score=True, num_threads=1)).reshape(600, -1) / math.log(2) * 256
    scores = forest.every(x)[0].T
    expected = np.concatenate([np.zeros((600, 1)), raw], axis=1) if choices == 2 else raw
    assert scores.shape == (600, choices)
    assert np.abs(scores - expected).max() <= 0.5 * (most_trees(forest) + 1) + 1e-6
    assert (scores.argmax(axis=1) == name(x) % choices).mean() > 0.95


def test_what_is_the_same_everywhere_needs_no_tree() -> None:
    examples = Examples(parts=parts(50, 1), wanted=np.full(50, 2.5), aside=aside(50))
    forest = numbers_published([[numbers_grown(examples, key=Key.of(1)), None]], [1.0, 1.0])
    assert forest.every(parts(3, 2))[0].tolist() == [[640, 640, 640], [0, 0, 0]]
    assert not len(forest.roots)


def test_members_answer_with_trees_of_their_own() -> None:
    x, one = grown(200, 1)
    _, other = grown(200, 2)
    forest = numbers_published([[one, None], [other, one]], [1.0, 2.0])
    alone = numbers_published([[one]], [2.0]).every(x)[0, 0]
    assert forest.members == 2
    assert (forest.every(x)[1, 1] == alone).all()
    assert (forest.every(x)[0, 1] == 0).all()


def test_trees_grow_on_top_of_others() -> None:
    x = parts(400, 1)
    examples = Examples(parts=x, wanted=number(x), aside=np.zeros(400, dtype=np.bool_))
    first = numbers_grown(examples, key=Key.of(1), rounds=5)
    more = numbers_grown(examples, key=Key.of(1), rounds=20, base=first)

    def error(booster: lightgbm.Booster) -> float:
        said = numbers_published([[booster]], [1.0]).every(x)[0, 0] / 256
        return float(np.square(said - number(x)).mean())

    assert trees_of(more) == 25
    assert error(more) < 0.2 * error(first)


def test_the_same_key_grows_the_same_trees() -> None:
    assert grown(300, 1)[1].model_to_string() == grown(300, 1)[1].model_to_string()


def test_rows_kept_aside_say_when_to_stop() -> None:
    x = parts(3000, 1)
    noise = np.random.default_rng(7).normal(size=3000)
    stopped = numbers_grown(Examples(parts=x, wanted=noise, aside=aside(3000)), key=Key.of(1))
    useful = numbers_grown(Examples(parts=x, wanted=number(x), aside=aside(3000)), key=Key.of(1))
    assert trees_of(stopped) < 20 < trees_of(useful)


def test_many_choices_have_fewer_trees_each() -> None:
    assert most_rounds(2) > most_rounds(10) > most_rounds(100) == 10
