"""From weights in floating point to the integers that are published."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from worldtwin.exact.polynomial import SHIFTS, SUM_LIMIT, WEIGHT_LIMIT


def quantised(weights: NDArray[np.float64], largest: Sequence[int]) -> tuple[NDArray[np.int64], int]:
    """Integer weights (terms,) and the shift that takes their sums back to the units of `weights` (terms,).

    The shift is the largest for which weights are below 2^31 and no sum over terms of at most `largest` (terms,)
    can reach 2^52, so that float64 carries it exactly. `weights` are in target units per unit of the integer terms;
    those too large for any shift are shrunk.
    """
    top = float(np.abs(weights).max(initial=0.0))
    if top == 0.0:
        return np.zeros(len(weights), dtype=np.int64), 0
    total = max(float(np.abs(weights) @ np.array(largest, dtype=np.float64)), top)
    room = min(math.log2(WEIGHT_LIMIT) - math.log2(top), math.log2(SUM_LIMIT) - math.log2(total))
    shift = min(SHIFTS[1], math.floor(room) + 1)
    rounded = np.rint(np.ldexp(weights, shift)).astype(np.int64)
    while not _fits(rounded, largest):
        shift -= 1
        rounded = np.rint(np.ldexp(weights, shift)).astype(np.int64)
    return rounded, max(shift, SHIFTS[0])


def _fits(weights: NDArray[np.int64], largest: Sequence[int]) -> bool:
    most = sum(abs(weight) * limit for weight, limit in zip(weights.tolist(), largest, strict=True))
    return most < SUM_LIMIT and int(np.abs(weights).max()) < WEIGHT_LIMIT
