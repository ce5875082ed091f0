"""What a polynomial is made of: the features of the inputs that vary, and the products of up to three of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable
from typing import Final

import numpy as np
from msgspec import Struct

from worldtwin.exact.features import FURTHEST, ONE_BITS, Feature
from worldtwin.exact.polynomial import Basis
from worldtwin.simulation import input_fields
from worldtwin.world import Angle, Category, Field, Integer, Lattice, Real, Set, Spec

CUBIC_INPUTS: Final = 10
MAX_TERMS: Final = 512
MAX_PARTS: Final = 1024
MAX_VALUES: Final = 64
LEAST_SHIFT: Final = -40
GUARD: Final = 0.1
FAR_GUARD: Final = 0.5
"""The shares of a recorded range that a number is believed to go on at each end: usually, and when that was tested."""


class Design(Struct, frozen=True, eq=False):
    """A basis whose terms are in order of degree: the first `counts[d - 1]` have a degree of at most d."""

    basis: Basis
    counts: tuple[int, ...]


def design_of(spec: Spec, inputs: Lattice, far: Collection[int] = ()) -> Design:
    """The design for the recorded `inputs` (n, columns of [state row | action row]); what never varies is left out.

    The columns that are `far` are kept within twice what was recorded, the others closer to it.
    """
    features = _affordable(
        feature
        for column, field in enumerate(input_fields(spec))
        if column >= spec.width or not spec.stateless
        if (feature := _feature(field, column, inputs[:, column], FAR_GUARD if column in far else GUARD)) is not None
    )
    groups = [group for feature in features for group in _groups(feature)]
    terms = _terms(groups, 3 if len(features) <= CUBIC_INPUTS else 2)
    sizes = [len(term) for term in terms]
    rows = np.array([(*term, *[-1] * (3 - len(term))) for term in terms], dtype=np.int64)
    counts = tuple(sum(size <= degree for size in sizes) for degree in range(1, max(1, *sizes) + 1))
    return Design(basis=Basis(features=features, terms=rows), counts=counts)


def _feature(field: Field, column: int, values: Lattice, guard: float) -> Feature | None:
    """How a polynomial sees one column of recorded `values` (n,), and a `guard`; None when there is nothing to see."""
    low, high = int(values.min()), int(values.max())
    if low == high:
        return None
    match field:
        case Real() | Integer():
            return _scaled(column, values, guard)
        case Angle():
            return Feature(column=column, kind="angle")
        case Category():
            count = len(field.values)
            return Feature(column=column, kind="category", count=count) if count <= MAX_VALUES else None
        case Set():
            return Feature(column=column, kind="set", count=len(field.values))


def _scaled(column: int, values: Lattice, guard: float) -> Feature:
    """A number around its mean in units of its spread rounded up to a power of two, kept near what was recorded."""
    low, high, center = int(values.min()), int(values.max()), round(float(values.mean()))
    spread = math.ceil(math.log2(float(values.std())))
    shift = max(LEAST_SHIFT, spread - ONE_BITS, (high - low).bit_length() - 50)
    slack = guard * (high - low)
    return Feature(
        column=column,
        kind="real",
        center=center,
        shift=shift,
        low=max(-FURTHEST, math.floor(math.ldexp(low - slack - center, -shift))),
        high=min(FURTHEST, math.ceil(math.ldexp(high + slack - center, -shift))),
    )


def _affordable(features: Iterable[Feature]) -> tuple[Feature, ...]:
    """As many of the first `features` as have at most 1,024 parts together."""
    kept: list[Feature] = []
    for feature in features:
        if sum(other.parts for other in kept) + feature.parts <= MAX_PARTS:
            kept.append(feature)
    return tuple(kept)


def _groups(feature: Feature) -> list[str]:
    """The group of each part: no product has two parts of one group, so that none says what is known already.

    Two values of one category never meet, the square of -1 or 1 is 1, and sin^2 is 1 - cos^2. Numbers have no group.
    """
    match feature.kind:
        case "real":
            return [""]
        case "angle":
            return [f"{feature.column} sine", ""]
        case "category":
            return [f"{feature.column}"] * feature.parts
        case "set":
            return [f"{feature.column} {bit}" for bit in range(feature.parts)]


def _terms(groups: list[str], degree: int) -> list[tuple[int, ...]]:
    """The products of at most `degree` parts, by degree; the degree falls until there are few enough."""
    while degree > 1 and math.comb(len(groups) + degree, degree) > MAX_TERMS:
        degree -= 1
    everything = itertools.chain.from_iterable(
        itertools.combinations_with_replacement(range(len(groups)), size) for size in range(degree + 1)
    )
    return [term for term in everything if _says_something([groups[part] for part in term if groups[part]])]


def _says_something(groups: list[str]) -> bool:
    return len(set(groups)) == len(groups)
