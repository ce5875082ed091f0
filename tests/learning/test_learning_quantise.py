"""Integer weights."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from worldtwin.learning.regression.quantise import SHIFTS, quantised

LIMITS = st.lists(st.integers(1, 2**29), min_size=6, max_size=6)
WEIGHTS = arrays(np.float64, 6, elements=st.floats(-(2.0**20), 2.0**20, allow_subnormal=False))


def fits(weights: list[int], largest: list[int]) -> bool:
    return max(map(abs, weights)) < 2**31 and sum(abs(w) * f for w, f in zip(weights, largest, strict=True)) < 2**52


@given(WEIGHTS, LIMITS)
def test_no_sum_can_reach_what_a_float_cannot_carry(weights: np.ndarray, largest: list[int]) -> None:
    whole, shift = quantised(weights, largest)
    assert fits(whole.tolist(), largest)
    assert np.abs(np.ldexp(whole.astype(float), -shift) - weights).max() <= 0.5 * 2.0**-shift


@given(WEIGHTS, LIMITS)
def test_the_shift_is_the_largest_that_fits(weights: np.ndarray, largest: list[int]) -> None:
    _, shift = quantised(weights, largest)
    finer = np.rint(np.ldexp(weights, shift + 1)).astype(np.int64)
    assert shift == SHIFTS[1] or not weights.any() or not fits(finer.tolist(), largest)


def test_weights_beyond_every_shift_are_shrunk_to_fit() -> None:
    whole, shift = quantised(np.array([2.0**60, -(2.0**59)]), [2**20, 2**20])
    assert shift == SHIFTS[0]
    assert fits(whole.tolist(), [2**20, 2**20])
    assert whole[0] == -2 * whole[1]
