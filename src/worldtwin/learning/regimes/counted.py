"""E-values: how sure it is that the counts of a discrete world differ before and after some time.

After the same state and action the results are drawn alike, whenever it was, if the world stayed as it is. So a bet
that learns the results before and after a change apart cannot be expected to win against the best single distribution.
The bet on a row is the estimator of Krichevsky and Trofimov (1981); it is laid on a share of the rows only, because a
change may touch few of them, and on all times of the change alike, so that looking at many needs no correction.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import gammaln

from worldtwin.exact.table import tally
from worldtwin.learning.regimes.order import Order
from worldtwin.world import Lattice

ALPHA: Final = 0.01
SHARES: Final = (1.0, 0.3, 0.1, 0.01)
_MARGIN: Final = 0.05

Floats = NDArray[np.float64]


class Counted(Struct, frozen=True, kw_only=True):
    """From `part` on the results differ, with an e-value of 2^`bits`; the clearest row is `pair`.

    After it the `result` followed `followed` times of `seen`, before the change and since.
    """

    part: int
    bits: float
    pair: int
    result: int
    followed: tuple[int, int]
    seen: tuple[int, int]


def counted_change(pairs: Lattice, results: Lattice, order: Order) -> Counted | None:
    """The time from which the `results` (n,) of `pairs` (n,) of state and action differ; None when nothing shows that.

    Wrong at most once in a hundred worlds that do not change, were their results known beforehand.
    """
    cells, counts = _telling_cells(pairs, results, order)
    if not len(cells):
        return None
    before = np.cumsum(counts, axis=1)
    shares = before.sum(axis=0) / counts.sum()
    times = np.flatnonzero((shares > _MARGIN) & (shares < 1 - _MARGIN)) + 1
    if not len(times):
        return None
    rows = _Rows.of(cells[:, 0], before[:, -1])
    logs = np.stack([rows.evidence(before[:, time - 1]) for time in times])
    bets = np.stack([_laid_on(share, logs) for share in SHARES])
    total = float(np.logaddexp.reduce(bets, axis=None)) - math.log(bets.size)
    if total < -math.log(ALPHA):
        return None
    best = int(np.argmax(bets.max(axis=0)))
    return _found(cells, before, rows, logs[best], int(times[best]), total)


def _telling_cells(pairs: Lattice, results: Lattice, order: Order) -> tuple[Lattice, Lattice]:
    """The different (pair, result), of pairs with several results, and how often each was seen in each part."""
    cells, _ = tally([pairs, results])
    several = np.bincount(cells[:, 0])[cells[:, 0]] > 1
    if not several.any():
        return cells[:0], np.zeros((0, len(order)), dtype=np.int64)
    whole, seen = tally([pairs, results, order.parts])
    new = np.r_[True, (whole[1:, :2] != whole[:-1, :2]).any(axis=1)]
    counts = np.zeros((len(cells), len(order)), dtype=np.int64)
    counts[np.cumsum(new) - 1, whole[:, 2]] = seen
    return cells[several], counts[several]


class _Rows(Struct, frozen=True, eq=False):
    """Cells (m,) in rows: where each row (r,) begins, its number of cells and rows, what its best single way pays."""

    begins: NDArray[np.int64]
    half: Floats
    totals: Lattice
    cells: Lattice
    best: Floats
    paid: Floats

    @staticmethod
    def of(rows: Lattice, totals: Lattice) -> _Rows:
        """The rows of cells that were seen `totals` (m,) times and belong to `rows` (m,), in order."""
        begins = np.flatnonzero(np.r_[True, rows[1:] != rows[:-1]])
        sizes = np.diff(np.r_[begins, len(rows)])
        sums = np.add.reduceat(totals, begins)
        best = np.add.reduceat(totals * np.log(totals / np.repeat(sums, sizes)), begins)
        paid = gammaln(np.arange(int(totals.max()) + 1) + 0.5) - math.lgamma(0.5)
        return _Rows(begins=begins, half=sizes / 2, totals=sums, cells=totals, best=best, paid=paid)

    def evidence(self, before: Lattice) -> Floats:
        """The logarithm of the e-value of each row (r,) for cells that were seen `before` (m,) the change."""
        parts = np.add.reduceat(before, self.begins)
        paid = np.add.reduceat(self.paid[before] + self.paid[self.cells - before], self.begins)
        cost = gammaln(self.half + parts) + gammaln(self.half + self.totals - parts) - 2 * gammaln(self.half)
        return paid - cost - self.best


def _laid_on(share: float, logs: Floats) -> Floats:
    """What a bet on a `share` of the rows pays at each time: (times,) logarithms, of `logs` (times, rows)."""
    if share == 1.0:
        return logs.sum(axis=1)
    return np.logaddexp(math.log1p(-share), math.log(share) + logs).sum(axis=1)


def _found(cells: Lattice, before: Lattice, rows: _Rows, logs: Floats, time: int, total: float) -> Counted:
    row = int(np.argmax(logs))
    first = int(rows.begins[row])
    inside = slice(first, first + round(2 * rows.half[row]))
    old, new = before[inside, time - 1], before[inside, -1] - before[inside, time - 1]
    seen = int(old.sum()), int(new.sum())
    result = int(np.argmax(np.abs(new / max(1, seen[1]) - old / max(1, seen[0]))))
    return Counted(
        part=time,
        bits=total / math.log(2),
        pair=int(cells[first, 0]),
        result=int(cells[first + result, 1]),
        followed=(int(old[result]), int(new[result])),
        seen=seen,
    )
