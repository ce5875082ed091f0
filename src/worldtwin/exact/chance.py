"""Normal noise and choices among weighted values, drawn from uniform words in whole numbers."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from worldtwin.exact.curves import NORMAL_BITS, POWER_BITS, normal_table, power_table
from worldtwin.exact.key import Words

LOG_BITS: Final = 8
"""Logarithms of base 2 are whole numbers of 2^-8."""
LOGS: Final = (-16 << LOG_BITS, 44 << LOG_BITS)
"""The least and the largest logarithm of a standard deviation."""
WEIGHT_BITS: Final = 20
MAX_CHOICES: Final = 2047

Lattice = NDArray[np.int64]


def normal(words: Words, logs: Lattice) -> Lattice:
    """Normal noise (n,), rounded, with the standard deviations 2^(`logs` / 256); by uniform `words` (n,)."""
    product = normal_table()[words >> np.uint32(32 - 16)] * power_table()[logs & ((1 << LOG_BITS) - 1)]
    shift = NORMAL_BITS + POWER_BITS - (logs >> LOG_BITS)
    return (product + (np.int64(1) << (shift - 1))) >> shift


def deviations(logs: Lattice) -> Lattice:
    """2^(`logs` / 256), rounded down; any shape."""
    exponent = logs >> LOG_BITS
    powers = power_table()[logs & ((1 << LOG_BITS) - 1)]
    return (powers << np.maximum(exponent - POWER_BITS, 0)) >> np.clip(POWER_BITS - exponent, 0, 62)


def weights(scores: Lattice) -> Lattice:
    """The weights (n, choices) in 2^-20 of `scores` (n, choices), logarithms: those of the highest score are 1."""
    below = np.maximum(scores - scores.max(axis=1, keepdims=True), -(WEIGHT_BITS + 1) << LOG_BITS)
    shift = POWER_BITS - WEIGHT_BITS - (below >> LOG_BITS)
    return power_table()[below & ((1 << LOG_BITS) - 1)] >> shift


def choose(words: Words, scores: Lattice) -> Lattice:
    """One of the choices (n,) for each row of `scores` (n, choices), at most 2,047, by uniform `words` (n,)."""
    sums = np.cumsum(weights(scores), axis=1)
    drawn = (words.astype(np.int64) * sums[:, -1]) >> 32
    return (sums <= drawn[:, None]).sum(axis=1)
