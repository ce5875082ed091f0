"""Laws of the evidence: it equals its definition in fractions, it cannot be won by a worse task, it adds up."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from numpy.typing import NDArray

from worldtwin.errors import InvalidValue
from worldtwin.judging.evidence import evidence_bits, looks, product

BOUND = 1 << 20


def oracle(differences: list[int], bound: int) -> int:
    """The definition of the design, in fractions, one factor after the other."""
    total = Fraction(0)
    for halvings in range(11):
        wealth = Fraction(1)
        for difference in differences:
            wealth *= 1 + Fraction(difference, bound * 2**halvings)
        total += wealth
    mean, bits = total / 11, 0
    while mean >= 2:
        mean, bits = mean / 2, bits + 1
    while mean < 1:
        mean, bits = mean * 2, bits - 1
    return bits


@given(
    some.integers(1, 10**6).flatmap(lambda b: some.tuples(some.just(b), some.lists(some.integers(-b, b), max_size=30)))
)
def test_the_bits_are_those_of_the_definition_in_fractions(sample: tuple[int, list[int]]) -> None:
    bound, differences = sample

    assert evidence_bits(np.array(differences, dtype=np.int64), bound) == oracle(differences, bound)


@given(some.lists(some.integers(-50, 50), min_size=1, max_size=30), some.integers(2, 2**40))
def test_the_unit_of_the_differences_does_not_matter(differences: list[int], unit: int) -> None:
    lattice = np.array(differences, dtype=np.int64)

    assert evidence_bits(lattice * unit, 50 * unit) == evidence_bits(lattice, 50)


@given(some.lists(some.integers(-100, 99), min_size=1, max_size=40), some.data())
def test_a_larger_difference_never_lowers_the_bits(differences: list[int], data: some.DataObject) -> None:
    at = data.draw(some.integers(0, len(differences) - 1))
    better = [*differences]
    better[at] += 1

    assert evidence_bits(np.array(better), 100) >= evidence_bits(np.array(differences), 100)


def test_gains_add_up_and_ties_cost_nothing() -> None:
    gains = [evidence_bits(np.full(episodes, BOUND // 10), BOUND) for episodes in (64, 256, 1024)]

    assert gains == sorted(gains)
    assert evidence_bits(np.zeros(4096, dtype=np.int64), BOUND) == 0


def test_equal_returns_prove_twenty_bits_of_non_inferiority_within_2048_episodes() -> None:
    margin = BOUND // 100

    bits = {episodes: evidence_bits(np.full(episodes, margin), BOUND) for episodes in (1_600, 1_640)}

    assert bits[1_600] < 20 <= bits[1_640]


@pytest.mark.parametrize("gain", [40, 100])
def test_a_steamroller_that_collects_pennies_is_never_accepted(gain: int) -> None:
    """Usually a little better, rarely a catastrophe, on average not better: what a t-test falls for."""
    rng = np.random.default_rng(gain)
    bound, catastrophe = 10_000, 10_000 * 9 // 10
    rate = gain / (gain + catastrophe)
    accepted = 0
    for _ in range(400):
        differences = np.where(rng.random(256) < rate, -catastrophe, gain)
        accepted += evidence_bits(differences, bound) >= 20
    assert accepted == 0


@pytest.mark.slow
def test_of_many_tasks_that_are_no_better_too_few_reach_a_few_bits() -> None:
    """Ville's inequality at every look together: at most 2^-bits of the null runs ever reach `bits`."""
    rng = np.random.default_rng(5)
    runs, reached = 3_000, np.zeros(8)
    for _ in range(runs):
        differences = rng.choice([-70, 70, 0], size=1024)
        best = max(evidence_bits(differences[:episodes], 100) for episodes in (256, 512, 1024))
        reached += best >= np.arange(8)
    tolerance = 3 * np.sqrt(runs / 2.0 ** np.arange(8)) / runs
    assert (reached / runs <= 2.0 ** -np.arange(8) + tolerance).all()


@given(some.lists(some.integers(-100, 100), max_size=40))
def test_a_product_tree_multiplies(factors: list[int]) -> None:
    assert product(factors) == math.prod(factors)


def test_the_looks_double_from_256() -> None:
    assert list(islice(looks(), 4)) == [256, 512, 1024, 2048]


@pytest.mark.parametrize(("differences", "bound"), [(np.array([-11]), 10), (np.array([1]), 0)])
def test_differences_beyond_the_bound_are_refused(differences: NDArray[np.int64], bound: int) -> None:
    with pytest.raises(InvalidValue, match="at least"):
        evidence_bits(differences, bound)
