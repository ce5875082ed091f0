"""Rounding on integers: the same on every machine, half upwards."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Integers = TypeVar("Integers", int, NDArray[np.int64])
Floats = NDArray[np.float64]


def round_shift(value: Integers, shift: int) -> Integers:
    """`floor(value / 2^shift + 1/2)`; a negative `shift` multiplies instead."""
    if shift > 0:
        return (value + (1 << (shift - 1))) >> shift
    return value << -shift


def rounding(shifts: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """What `shifted` adds, and what it multiplies by, for `shifts` in [-62, 62]; any shape."""
    return np.where(shifts > 0, np.ldexp(0.5, np.maximum(shifts, 1)), 0.0), np.ldexp(1.0, -shifts)


def shifted(sums: Floats, halves: Floats, scales: Floats) -> NDArray[np.int64]:
    """`round_shift` of whole `sums` below 2^52, with `halves` and `scales` from `rounding`; shapes broadcast."""
    return np.floor((sums + halves) * scales).astype(np.int64)
