"""Least squares with many penalties."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from worldtwin.learning.regression.ridge import RIDGES, Choice, choose, gram, resampled, spared


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(8, 60))
def test_one_eigendecomposition_solves_every_penalty(seed: int, count: int, rows: int) -> None:
    chance = np.random.default_rng(seed)
    equations = gram(chance.normal(size=(rows, count)), chance.normal(size=(rows, 2)))
    for ridge, weights in zip(RIDGES, equations.solve_all(), strict=True):
        np.testing.assert_allclose(weights, equations.solve(ridge), rtol=1e-5, atol=1e-7)


@given(st.integers(0, 10_000), st.integers(1, 200))
def test_the_first_resampling_is_all_rows_and_the_others_have_as_many(seed: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    terms = np.concatenate([np.ones((count, 1)), chance.normal(size=(count, 2))], axis=1)
    targets = chance.normal(size=(count, 1))
    found = resampled(np.arange(count), lambda rows: (terms[rows], targets[rows]), 3, np.random.default_rng(1))
    whole = gram(terms, targets)
    np.testing.assert_allclose(found.left[0], whole.left, atol=1e-9)
    np.testing.assert_allclose(found.right[0], whole.right, atol=1e-9)
    np.testing.assert_allclose(found.left[1:, 0, 0], count, rtol=0.6, atol=64)


def test_the_simplest_choice_wins_unless_another_is_better_by_two_percent() -> None:
    chance = np.random.default_rng(1)
    x = chance.normal(size=400)
    terms = np.stack([np.ones(400), x, x * x, x * x * x], axis=1)
    targets = np.stack([2 * x + 0.1 * chance.normal(size=400), x**3 - x], axis=1)

    def error_of(weights: np.ndarray) -> np.ndarray:
        return np.square(terms[300:, : len(weights)] @ weights - targets[300:]).mean(axis=0)

    line, cubic = choose({"all": gram(terms[:300], targets[:300])}, (2, 3, 4), error_of, 2)
    assert line.degree == 1
    assert cubic.degree == 3


def cubed(chance: np.random.Generator, rows: int, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """All monomials of three numbers up to degree 3 (rows, 20), and a target that is made of three of them, rounded."""
    x = chance.uniform(-reach, reach, size=(rows, 3))
    powers = [(i, j, k) for i in range(4) for j in range(4) for k in range(4) if i + j + k <= 3]
    terms = np.stack([x[:, 0] ** i * x[:, 1] ** j * x[:, 2] ** k for i, j, k in powers], axis=1)
    return terms, np.rint(500 * (x[:, 0] - 0.5 * x[:, 1] * x[:, 2] + 0.1 * x[:, 2] ** 3))[:, None]


@given(st.integers(0, 10_000))
def test_a_nearly_exact_polynomial_keeps_only_what_belongs_to_it_and_goes_further(seed: int) -> None:
    chance = np.random.default_rng(seed)
    (terms, truth), (aside, told), (far, beyond) = (cubed(chance, 300, reach) for reach in (1, 1, 3))

    def error_of(weights: np.ndarray) -> np.ndarray:
        return np.square(aside @ weights - told).mean(axis=0)

    dense = Choice(degree=3, ridge=1e-6)
    sparse, _ = spared(gram(terms, truth), 0, dense, error_of, 4.0)
    weights = [gram(terms, truth).solution(choice) for choice in (dense, sparse)]
    errors = [float(np.square(far @ each - beyond[:, 0]).mean()) for each in weights]

    assert np.count_nonzero(weights[1]) == 3
    assert errors[1] < errors[0]


@given(st.integers(0, 10_000))
def test_nothing_is_left_out_where_the_polynomial_is_not_nearly_exact(seed: int) -> None:
    chance = np.random.default_rng(seed)
    terms, truth = cubed(chance, 300, 1)
    noisy = truth + 50 * chance.normal(size=truth.shape)
    choice = Choice(degree=3, ridge=1e-6)

    def error_of(weights: np.ndarray) -> np.ndarray:
        return np.square(terms @ weights - noisy).mean(axis=0)

    assert spared(gram(terms, noisy), 0, choice, error_of, 4.0)[0] == choice
