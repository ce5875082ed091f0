"""Products of matrices, in pieces that a BLAS computes at once instead of waking its threads for them.

On machines with few cores, waking them takes up to a hundred times as long as the product. The numbers are whole and
small enough to be exact, so that pieces change no bit.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

SINGLE_THREADED: Final = 1 << 18
"""Multiply-adds up to which OpenBLAS stays in one thread (65,536 times its GEMM_MULTITHREAD_THRESHOLD of 4)."""
_LEAST: Final = 16

Floats = NDArray[np.float64]


def multiply(left: Floats, right: Floats) -> Floats:
    """`left @ right` of (..., m, k) and (..., k, n); leading axes broadcast."""
    m, k = left.shape[-2:]
    n = right.shape[-1]
    if m * k * n <= SINGLE_THREADED:
        return left @ right
    product = np.empty((*np.broadcast_shapes(left.shape[:-2], right.shape[:-2]), m, n))
    piece = max(_LEAST, SINGLE_THREADED // (k * min(m, n)))
    for start in range(0, max(m, n), piece):
        part = slice(start, start + piece)
        if m > n:
            np.matmul(left[..., part, :], right, out=product[..., part, :])
        else:
            np.matmul(left, right[..., part], out=product[..., part])
    return product
