"""E-values: how sure it is, for each row, that something else still predicts what follows.

Within one row (all transitions with the same state and action) the results are drawn alike, whatever happened before,
if the state says all. So a bet that learns the results of each history apart cannot be expected to win against the best
single distribution. The bet is the estimator of Krichevsky and Trofimov (1981) on the results seen in the row; that
the results are known beforehand is the one approximation (`research/discrete.md`).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import gammaln

from worldtwin.exact.table import tally
from worldtwin.world import Lattice

ALPHA: Final = 0.01
_HALF: Final = math.lgamma(0.5)

Floats = NDArray[np.float64]


class Evidence(Struct, frozen=True, eq=False):
    """The natural logarithm of the e-value of each row (rows,), and how often each occurred."""

    logs: Floats
    counts: Lattice


def evidence(rows: Lattice, histories: Lattice, results: Lattice, size: int) -> Evidence:
    """How much better the `results` (n,) in each of the `rows` (n,) below `size` are told with `histories` (n,)."""
    if not len(rows):
        return Evidence(np.zeros(size), np.zeros(size, dtype=np.int64))
    whole, totals = tally([rows, results])
    different = np.bincount(whole[:, 0], minlength=size)
    counts = np.bincount(whole[:, 0], weights=totals, minlength=size)
    best = np.bincount(whole[:, 0], weights=totals * np.log(totals / counts[whole[:, 0]]), minlength=size)
    cells, seen = tally([rows, histories, results])
    first = np.r_[True, (cells[1:, :2] != cells[:-1, :2]).any(axis=1)]
    parts = np.add.reduceat(seen, np.flatnonzero(first))
    of = cells[first, 0]
    half = different[of] / 2
    split = np.bincount(cells[:, 0], weights=gammaln(seen + 0.5) - _HALF, minlength=size).astype(np.float64)
    split += np.bincount(of, weights=gammaln(half) - gammaln(parts + half), minlength=size)
    return Evidence(split - best, counts.astype(np.int64))


def told_apart(counts: Lattice) -> Floats:
    """How much better two histories are told apart than together: (h, h) logarithms, of `counts` (h, results)."""
    alone = _bet(counts)
    return alone[:, None] + alone[None, :] - _bet(counts[:, None, :] + counts[None, :, :])


def rejected(logs: Floats, alpha: float = ALPHA) -> Lattice:
    """Which of the hypotheses (m,) to reject, most evidence first; at most a share `alpha` of them wrongly, on average.

    The e-BH procedure (Wang and Ramdas 2022): the k largest e-values, for the largest k with e_k >= m / (alpha k).
    """
    order = np.argsort(-logs, kind="stable")
    needed = np.log(len(logs) / (alpha * np.arange(1, len(logs) + 1)))
    enough = np.flatnonzero(logs[order] >= needed)
    return order[: enough[-1] + 1] if len(enough) else order[:0]


def _bet(counts: Lattice) -> Floats:
    """The logarithm of what the bet pays on `counts` (..., results)."""
    half = counts.shape[-1] / 2
    return (gammaln(counts + 0.5) - _HALF).sum(axis=-1) + gammaln(half) - gammaln(counts.sum(axis=-1) + half)
