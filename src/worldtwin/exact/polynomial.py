"""Polynomials of lattice columns in whole numbers, the same bits everywhere.

Features are in 2^-20, monomials up to degree three are rounded back to 2^-20, weights have 32 bits. All of it is
carried in float64 and stays below 2^53, where float64 is exact: any BLAS, threads and batch give the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Final, Literal, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact.matrix import multiply
from worldtwin.exact.rounding import round_shift
from worldtwin.exact.trigonometry import cosine, sine

ONE_BITS: Final = 20
ONE: Final = 1 << ONE_BITS
FURTHEST: Final = 8 * ONE
"""The largest value of a number's feature."""
WEIGHT_LIMIT: Final = 1 << 31
SUM_LIMIT: Final = 1 << 52
SHIFTS: Final = (-10, 52)
"""The least and the largest shift of a sum of weighted monomials."""

_BLOCK: Final = 1 << 16
_HALF: Final = float(ONE >> 1)
_SCALE: Final = 1.0 / ONE

Lattice: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Kind: TypeAlias = Literal["real", "angle", "category", "set"]


class Feature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a polynomial sees one input column; each kind gives one or more parts, in 2^-20.

    real      `round_shift(u - center, shift)`, kept in [low, high]          one part; also for integers
    angle     sine and cosine of 2^-24 turns                                 two parts
    category  +1 for the part's own value, -1 for the last value, else 0     count - 1 parts
    set       +1 where the bit is set, else -1                               count parts
    """

    column: int
    kind: Kind
    center: int = 0
    shift: int = 0
    low: int = -FURTHEST
    high: int = FURTHEST
    count: int = 0

    @property
    def parts(self) -> int:
        """How many parts the feature has."""
        match self.kind:
            case "real":
                return 1
            case "angle":
                return 2
            case "category":
                return self.count - 1
            case "set":
                return self.count

    @property
    def largest(self) -> int:
        """The largest size of a part, in 2^-20."""
        return max(abs(self.low), abs(self.high)) if self.kind == "real" else ONE


class Basis(Struct, frozen=True, eq=False, dict=True):
    """Monomials: `terms` (terms, 3) are positions of parts of the `features`; -1, no factor, comes last."""

    features: tuple[Feature, ...]
    terms: Lattice

    @cached_property
    def parts(self) -> int:
        """How many parts the features have."""
        return sum(feature.parts for feature in self.features)

    @cached_property
    def largest(self) -> tuple[int, ...]:
        """What each monomial (terms,) can reach at most, in 2^-20."""
        sizes = [feature.largest for feature in self.features for _ in range(feature.parts)]
        return tuple(_reach(sizes, term) for term in self.terms.tolist())

    @cached_property
    def plan(self) -> _Plan:
        """The order of multiplications: every product of two parts once."""
        return _Plan.of(self.terms)


class _Plan(Struct, frozen=True, eq=False):
    """`pairs` (products, 2) of parts; where constants, single parts, products and triples come from and go to."""

    constant: Lattice
    single: Lattice
    single_part: Lattice
    pairs: Lattice
    double: Lattice
    double_pair: Lattice
    triple: Lattice
    triple_pair: Lattice
    triple_part: Lattice

    @staticmethod
    def of(terms: Lattice) -> _Plan:
        """The plan for `terms` (terms, 3)."""
        degree = (terms >= 0).sum(axis=1)
        double, triple = np.flatnonzero(degree == 2), np.flatnonzero(degree == 3)
        wanted = np.concatenate([terms[double, :2], terms[triple, :2]])
        pairs, place = np.unique(wanted, axis=0, return_inverse=True)
        single = np.flatnonzero(degree == 1)
        return _Plan(
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


def features(of: tuple[Feature, ...], inputs: Lattice) -> Floats:
    """The parts (parts, n) of `inputs` (n, columns), whole numbers of 2^-20."""
    values = np.empty((sum(feature.parts for feature in of), len(inputs)))
    row = 0
    for feature in of:
        _write_parts(feature, inputs[:, feature.column], values[row : row + feature.parts])
        row += feature.parts
    return values


def beyond(of: tuple[Feature, ...], inputs: Lattice) -> NDArray[np.bool_]:
    """Which rows (n,) of `inputs` (n, columns) have a number outside of what its feature keeps."""
    outside = np.zeros(len(inputs), dtype=np.bool_)
    for feature in of:
        if feature.kind == "real":
            low, high = reachable(feature)
            column = inputs[:, feature.column]
            outside |= (column < low) | (column > high)
    return outside


def monomials(basis: Basis, parts: Floats) -> Floats:
    """The monomials (terms, n) of `parts` (parts, n), whole numbers of 2^-20; products round half upwards."""
    plan = basis.plan
    values = np.empty((len(basis.terms), parts.shape[1]))
    values[plan.constant] = ONE
    values[plan.single] = parts[plan.single_part]
    products = _product(parts[plan.pairs[:, 0]], parts[plan.pairs[:, 1]])
    values[plan.double] = products[plan.double_pair]
    values[plan.triple] = _product(products[plan.triple_pair], parts[plan.triple_part])
    return values


def terms_of(basis: Basis, inputs: Lattice) -> Floats:
    """The monomials (terms, n) of `inputs` (n, columns)."""
    return monomials(basis, features(basis.features, inputs))


def evaluate(basis: Basis, weights: Floats, inputs: Lattice) -> Floats:
    """The sums (outputs, n) of monomials of `inputs` (n, columns) times `weights` (outputs, terms), exactly.

    Sums must stay below 2^52: see `largest_sum`. Rows are taken in blocks that fit into a processor's cache.
    """
    block = max(64, _BLOCK // max(1, len(basis.terms)))
    if len(inputs) <= block:
        return multiply(weights, terms_of(basis, inputs))
    sums = np.empty((len(weights), len(inputs)))
    for rows in _blocks(len(inputs), block):
        sums[:, rows] = multiply(weights, terms_of(basis, inputs[rows]))
    return sums


def shifted(sums: Floats, halves: Floats, scales: Floats) -> Lattice:
    """`round_shift` of whole `sums` below 2^52, with `halves` and `scales` from `rounding`; shapes broadcast."""
    return np.floor((sums + halves) * scales).astype(np.int64)


def rounding(shifts: Lattice) -> tuple[Floats, Floats]:
    """What `shifted` adds, and what it multiplies by, for `shifts` in `SHIFTS`; any shape."""
    return np.where(shifts > 0, np.ldexp(0.5, np.maximum(shifts, 1)), 0.0), np.ldexp(1.0, -shifts)


def _write_parts(feature: Feature, column: Lattice, into: Floats) -> None:
    """Write the parts of one `column` (n,) into `into` (parts, n)."""
    match feature.kind:
        case "real":
            into[0] = _scaled(feature, column)
        case "angle":
            into[0] = round_shift(sine(column), 4)
            into[1] = round_shift(cosine(column), 4)
        case "category":
            values = np.arange(feature.count - 1)[:, None]
            into[:] = np.where(column == values, float(ONE), np.where(column == feature.count - 1, -float(ONE), 0.0))
        case "set":
            bits = (column >> np.arange(feature.count)[:, None]) & 1
            into[:] = (2 * bits - 1) * float(ONE)


def _scaled(feature: Feature, column: Lattice) -> Lattice:
    low, high = reachable(feature)
    kept = np.minimum(np.maximum(column, low), high) - feature.center
    return np.minimum(np.maximum(round_shift(kept, feature.shift), feature.low), feature.high)


def reachable(feature: Feature) -> tuple[int, int]:
    """The lattice values beyond which the feature no longer changes."""
    if feature.shift >= 0:
        return feature.center + (feature.low << feature.shift), feature.center + (feature.high << feature.shift)
    return feature.center + (feature.low >> -feature.shift), feature.center - (-feature.high >> -feature.shift)


def _product(left: Floats, right: Floats) -> Floats:
    """Products of numbers in 2^-20, rounded half upwards; `left` is overwritten."""
    left *= right
    left += _HALF
    left *= _SCALE
    return np.floor(left, out=left)


def _reach(sizes: list[int], term: list[int]) -> int:
    reach = ONE
    for part in term:
        if part >= 0:
            reach = (reach * sizes[part] + (ONE >> 1)) >> ONE_BITS
    return reach


def _blocks(n: int, block: int) -> Iterator[slice]:
    return (slice(start, min(start + block, n)) for start in range(0, n, block))
