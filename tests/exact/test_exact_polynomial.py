"""The polynomial engine against its definition in Python's integers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from worldtwin.exact.features import FURTHEST, ONE, Feature, beyond, features
from worldtwin.exact.polynomial import Basis, terms_of
from worldtwin.exact.polynomial import evaluate as evaluate_parts
from worldtwin.exact.rounding import round_shift, rounding, shifted

FEATURES = (
    Feature(column=0, kind="real", center=-77, shift=3, low=-(5 << 20), high=7 << 20),
    Feature(column=1, kind="real", center=12, shift=-9),
    Feature(column=2, kind="angle"),
    Feature(column=3, kind="category", count=3),
    Feature(column=4, kind="set", count=2),
)
PARTS = sum(feature.parts for feature in FEATURES)
TERMS = np.array(
    [
        list(term) + [-1] * (3 - degree)
        for degree in range(4)
        for term in itertools.combinations_with_replacement(range(PARTS), degree)
    ]
)
BASIS = Basis(FEATURES, TERMS)
ROWS = some.tuples(
    some.integers(-(1 << 51), 1 << 51),
    some.integers(-(1 << 51), 1 << 51),
    some.integers(-(1 << 23), (1 << 23) - 1),
    some.integers(0, 2),
    some.integers(0, 3),
)


def evaluate(basis: Basis, weights: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    return evaluate_parts(basis.plan, weights, features(basis.features, inputs))


def scaled(value: int, feature: Feature) -> int:
    return min(max(round_shift(value - feature.center, feature.shift), feature.low), feature.high)


def product(parts: list[int], term: list[int]) -> int:
    factors = [parts[part] for part in term if part >= 0]
    if not factors:
        return ONE
    total = factors[0]
    for factor in factors[1:]:
        total = (total * factor + (ONE >> 1)) >> 20
    return total


@given(ROWS)
def test_features_are_those_of_the_definition(row: tuple[int, ...]) -> None:
    parts = features(FEATURES, np.array([row]))[:, 0]

    assert parts[0] == scaled(row[0], FEATURES[0])
    assert parts[1] == scaled(row[1], FEATURES[1])
    assert parts[2] ** 2 + parts[3] ** 2 == pytest.approx(ONE**2, rel=1e-5)
    assert parts[4:6].tolist() == {0: [ONE, 0], 1: [0, ONE], 2: [-ONE, -ONE]}[row[3]]
    assert parts[6:].tolist() == [ONE if row[4] >> bit & 1 else -ONE for bit in range(2)]


@given(some.lists(ROWS, min_size=1, max_size=4))
def test_monomials_are_rounded_after_each_product(rows: list[tuple[int, ...]]) -> None:
    inputs = np.array(rows)
    parts = features(FEATURES, inputs).astype(np.int64)
    found = terms_of(BASIS, inputs)

    for row in range(len(rows)):
        expected = [product(parts[:, row].tolist(), term) for term in TERMS.tolist()]
        assert found[:, row].tolist() == expected


def test_no_monomial_exceeds_its_bound() -> None:
    chance = np.random.default_rng(1)
    inputs = np.stack([chance.integers(-(1 << 30), 1 << 30, 200)] * 2 + [chance.integers(0, 2, 200)] * 3, axis=1)

    assert (np.abs(terms_of(BASIS, inputs)).max(axis=1) <= np.array(BASIS.largest)).all()
    assert max(BASIS.largest) == FURTHEST * 8 * 8


def test_float64_gives_the_sums_of_64_bit_integers() -> None:
    chance = np.random.default_rng(2)
    inputs = np.stack([chance.integers(-(1 << 25), 1 << 25, 3000)] * 2 + [chance.integers(0, 2, 3000)] * 3, axis=1)
    weights = chance.integers(-(1 << 17), 1 << 17, size=(6, len(TERMS)))
    terms = terms_of(BASIS, inputs).astype(np.int64)
    sums = evaluate(BASIS, weights.astype(np.float64), inputs)

    assert (sums.astype(np.int64) == weights @ terms).all()


def test_one_row_at_a_time_gives_the_same_sums() -> None:
    chance = np.random.default_rng(3)
    inputs = np.stack([chance.integers(-(1 << 25), 1 << 25, 40)] * 2 + [chance.integers(0, 2, 40)] * 3, axis=1)
    weights = chance.integers(-(1 << 17), 1 << 17, size=(2, len(TERMS))).astype(np.float64)
    alone = [evaluate(BASIS, weights, inputs[i : i + 1]) for i in range(40)]

    assert (np.concatenate(alone, axis=1) == evaluate(BASIS, weights, inputs)).all()


@given(some.integers(1 - (1 << 52), (1 << 52) - 1), some.integers(-10, 52))
def test_a_shifted_sum_is_rounded_half_upwards(value: int, shift: int) -> None:
    halves, scales = rounding(np.array([shift]))

    assert shifted(np.array([float(value)]), halves, scales)[0] == round_shift(value, shift)


@given(some.integers(-(1 << 40), 1 << 40))
def test_what_a_feature_cannot_tell_apart_is_beyond_it(value: int) -> None:
    feature = FEATURES[0]
    outside = bool(beyond((feature,), np.array([[value]]))[0])
    exact = (value - feature.center) / 2**feature.shift

    assert outside == (not feature.low <= exact <= feature.high)
