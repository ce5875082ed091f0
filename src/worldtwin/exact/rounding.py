"""Rounding on integers: the same on every machine, half upwards."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Integers = TypeVar("Integers", int, NDArray[np.int64])


def round_shift(value: Integers, shift: int) -> Integers:
    """`floor(value / 2^shift + 1/2)`; a negative `shift` multiplies instead."""
    if shift > 0:
        return (value + (1 << (shift - 1))) >> shift
    return value << -shift
