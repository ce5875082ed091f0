"""What a learned function sees of lattice columns: one or more parts of each, whole numbers of 2^-20.

Carried in float64, where such numbers are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact.rounding import round_shift
from worldtwin.exact.trigonometry import cosine, sine

ONE_BITS: Final = 20
ONE: Final = 1 << ONE_BITS
FURTHEST: Final = 8 * ONE
"""The largest value of a number's feature."""
COARSE_DROP: Final = 8
"""Bits of 2^-20 that are dropped to come to 2^-12."""

Lattice: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Kind: TypeAlias = Literal["real", "angle", "category", "set"]


class Feature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a function sees one input column; each kind gives one or more parts, in 2^-20.

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


def features(of: Sequence[Feature], inputs: Lattice) -> Floats:
    """The parts (parts, n) of `inputs` (n, columns), whole numbers of 2^-20."""
    values = np.empty((sum(feature.parts for feature in of), len(inputs)))
    row = 0
    for feature in of:
        _write_parts(feature, inputs[:, feature.column], values[row : row + feature.parts])
        row += feature.parts
    return values


def beyond(of: Sequence[Feature], inputs: Lattice) -> NDArray[np.bool_]:
    """Which rows (n,) of `inputs` (n, columns) have a number outside of what its feature keeps."""
    outside = np.zeros(len(inputs), dtype=np.bool_)
    for feature in of:
        if feature.kind == "real":
            low, high = reachable(feature)
            column = inputs[:, feature.column]
            outside |= (column < low) | (column > high)
    return outside


def coarse(parts: Floats) -> Floats:
    """The `parts` (parts, n) as rows (n, parts) in 2^-12, rounded half upwards: what networks see, and distances."""
    return np.floor(parts.T * (1.0 / (1 << COARSE_DROP)) + 0.5)


def sizes(of: Sequence[Feature]) -> list[int]:
    """The largest size of each part of the features, in 2^-20."""
    return [feature.largest for feature in of for _ in range(feature.parts)]


def reachable(feature: Feature) -> tuple[int, int]:
    """The lattice values beyond which the feature no longer changes."""
    if feature.shift >= 0:
        return feature.center + (feature.low << feature.shift), feature.center + (feature.high << feature.shift)
    return feature.center + (feature.low >> -feature.shift), feature.center - (-feature.high >> -feature.shift)


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
