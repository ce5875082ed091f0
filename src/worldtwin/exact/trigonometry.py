"""Sine and cosine of lattice angles: a table of 4,097 numbers in 2^-24 and straight lines between them.

The table is computed in whole numbers (Machin's formula for pi, Taylor's series) when it is first used, and checked
against its digest. The error of a line is below 3e-7.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

ONE_BITS: Final = 24
TABLE_DIGEST: Final = "8fa9690542bc2ee1f23c9eb22797e73556abe59c3921595de31ad4c04b91b8cd"

TURN_BITS: Final = 24
_INDEX_BITS: Final = 12
_FRACTION_BITS: Final = TURN_BITS - _INDEX_BITS
_FRACTION: Final = (1 << _FRACTION_BITS) - 1
_ENTRIES: Final = 1 << _INDEX_BITS
_GUARD_BITS: Final = 96


def sine(turns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sine, in 2^-24, of angles in 2^-24 turns; any shape, any number of turns."""
    values, slopes = sine_table()
    index = (turns >> _FRACTION_BITS) & (_ENTRIES - 1)
    return values[index] + ((slopes[index] * (turns & _FRACTION) + (1 << (_FRACTION_BITS - 1))) >> _FRACTION_BITS)


def cosine(turns: NDArray[np.int64]) -> NDArray[np.int64]:
    """The cosine, in 2^-24, of angles in 2^-24 turns."""
    return sine(turns + (1 << (TURN_BITS - 2)))


@cache
def sine_table() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The sines (4096,) of the 4,096ths of a turn in 2^-24, and the differences (4096,) to the next ones."""
    quarter = [_sine_of(step) for step in range(_ENTRIES // 4 + 1)]
    half = quarter + quarter[-2::-1]
    circle = np.array(half + [-value for value in half[1:]], dtype=np.int64)
    found = hashlib.sha256(circle.astype("<i8").tobytes()).hexdigest()
    if found != TABLE_DIGEST:
        raise AssertionError(f"this machine computes another sine table: {found}")
    return circle[:-1], np.diff(circle)


def _sine_of(step: int) -> int:
    """The sine of `step` 4,096ths of a turn, in 2^-24, rounded to the nearest."""
    angle = 2 * _pi() * step // _ENTRIES
    square = angle * angle >> _GUARD_BITS
    term, total, factor = angle, 0, 1
    while term:
        total += term if factor % 4 == 1 else -term
        term = (term * square >> _GUARD_BITS) // ((factor + 1) * (factor + 2))
        factor += 2
    shift = _GUARD_BITS - ONE_BITS
    return (total + (1 << (shift - 1))) >> shift


@cache
def _pi() -> int:
    """Pi in 2^-96: 16 atan(1/5) - 4 atan(1/239), John Machin, 1706."""
    return (16 * _inverse_tangent(5) - 4 * _inverse_tangent(239)) >> 16


def _inverse_tangent(inverse: int) -> int:
    """atan(1 / inverse), in 2^-112."""
    power = (1 << (_GUARD_BITS + 16)) // inverse
    total, factor = 0, 1
    while power:
        total += power // factor if factor % 4 == 1 else -(power // factor)
        power //= inverse * inverse
        factor += 2
    return total
