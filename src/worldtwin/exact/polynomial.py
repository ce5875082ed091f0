"""Polynomials of lattice columns in whole numbers, the same bits everywhere.

Features are in 2^-20, monomials up to degree three are rounded back to 2^-20, weights have 32 bits. All of it is
carried in float64 and stays below 2^53, where float64 is exact: any BLAS, threads and batch give the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact.features import ONE, ONE_BITS, Feature, features, sizes
from worldtwin.exact.matrix import multiply

WEIGHT_LIMIT: Final = 1 << 31
SUM_LIMIT: Final = 1 << 52
SHIFTS: Final = (-10, 52)
"""The least and the largest shift of a sum of weighted monomials."""

_BLOCK: Final = 1 << 16
_HALF: Final = float(ONE >> 1)
_SCALE: Final = 1.0 / ONE

Lattice: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


class Basis(Struct, frozen=True, eq=False, dict=True):
    """Monomials: `terms` (terms, 3) are positions of parts of the `features`; -1, no factor, comes last."""

    features: tuple[Feature, ...]
    terms: Lattice

    @cached_property
    def largest(self) -> tuple[int, ...]:
        """What each monomial (terms,) can reach at most, in 2^-20."""
        return reaches(self.terms, sizes(self.features))

    @cached_property
    def plan(self) -> Plan:
        """The order of multiplications: every product of two parts once."""
        return Plan.of(self.terms)


class Plan(Struct, frozen=True, eq=False):
    """The order of multiplications: every product of two parts once.

    `pairs` (products, 2) of parts; where constants, single parts, products and triples come from and go to.
    """

    constant: Lattice
    single: Lattice
    single_part: Lattice
    pairs: Lattice
    double: Lattice
    double_pair: Lattice
    triple: Lattice
    triple_pair: Lattice
    triple_part: Lattice

    @property
    def size(self) -> int:
        """How many monomials there are."""
        return len(self.constant) + len(self.single) + len(self.double) + len(self.triple)

    @staticmethod
    def of(terms: Lattice) -> Plan:
        """The plan for `terms` (terms, 3)."""
        degree = (terms >= 0).sum(axis=1)
        double, triple = np.flatnonzero(degree == 2), np.flatnonzero(degree == 3)
        wanted = np.concatenate([terms[double, :2], terms[triple, :2]])
        pairs, place = np.unique(wanted, axis=0, return_inverse=True)
        single = np.flatnonzero(degree == 1)
        return Plan(
            constant=np.flatnonzero(degree == 0),
            single=single,
            single_part=terms[single, 0],
            pairs=pairs,
            double=double,
            double_pair=place[: len(double)],
            triple=triple,
            triple_pair=place[len(double) :],
            triple_part=terms[triple, 2],
        )


def reaches(terms: Lattice, largest: Sequence[int]) -> tuple[int, ...]:
    """What each monomial of `terms` (terms, 3) can reach when parts reach `largest`, in 2^-20."""
    return tuple(_reach(largest, term) for term in terms.tolist())


def monomials(plan: Plan, parts: Floats) -> Floats:
    """The monomials (terms, n) of `parts` (parts, n), whole numbers of 2^-20; products round half upwards."""
    values = np.empty((plan.size, parts.shape[1]))
    values[plan.constant] = ONE
    values[plan.single] = parts[plan.single_part]
    products = _product(parts[plan.pairs[:, 0]], parts[plan.pairs[:, 1]])
    values[plan.double] = products[plan.double_pair]
    values[plan.triple] = _product(products[plan.triple_pair], parts[plan.triple_part])
    return values


def terms_of(basis: Basis, inputs: Lattice) -> Floats:
    """The monomials (terms, n) of `inputs` (n, columns)."""
    return monomials(basis.plan, features(basis.features, inputs))


def evaluate(plan: Plan, weights: Floats, parts: Floats) -> Floats:
    """The sums (outputs, n) of monomials of `parts` (parts, n) times `weights` (outputs, terms), exactly.

    Sums must stay below 2^52. Rows are taken in blocks that fit into a processor's cache.
    """
    block, n = max(64, _BLOCK // max(1, plan.size)), parts.shape[1]
    if n <= block:
        return multiply(weights, monomials(plan, parts))
    sums = np.empty((len(weights), n))
    for start in range(0, n, block):
        rows = slice(start, start + block)
        sums[:, rows] = multiply(weights, monomials(plan, parts[:, rows]))
    return sums


def _product(left: Floats, right: Floats) -> Floats:
    """Products of numbers in 2^-20, rounded half upwards; `left` is overwritten."""
    left *= right
    left += _HALF
    left *= _SCALE
    return np.floor(left, out=left)


def _reach(largest: Sequence[int], term: list[int]) -> int:
    reach = ONE
    for part in term:
        if part >= 0:
            reach = (reach * largest[part] + (ONE >> 1)) >> ONE_BITS
    return reach
