"""Whether what a model of all data leaves unexplained differs before and after some time.

A model that mixes two worlds errs one way in the older data and another way in the newer ones. Residuals are compared
within small cells of the inputs, not as a whole: whoever acts differently sees other states, and a model that is a bit
wrong errs differently there, though the world is the same. Sums over time of what is left in each cell (Brown, Durbin
and Evans 1975; Nyblom 1989) are compared with those of the same parts in a random order.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.spatial import KDTree

from worldtwin.exact import Key
from worldtwin.learning.frequency import by_frequency
from worldtwin.learning.holdout import chance
from worldtwin.learning.regimes.order import Order
from worldtwin.world import Lattice

SHUFFLES: Final = 399
MOST_CELLS: Final = 64
CELL_ROWS: Final = 60
LEAST_EFFECT: Final = 0.01
"""A change of less than this share of one step's spread, or of what is unexplained, is none that matters."""

MOST_ASKED: Final = 3000
LOOKED_AT: Final = 40
CLOSEST: Final = 5
LEAST_SURE: Final = 3
SURE: Final = 2.5
_NOTHING: Final = 1e-12
_FURTHEST: Final = 4.0
_MARGIN: Final = 0.1

Floats = NDArray[np.float64]


class Measured(Struct, frozen=True, kw_only=True):
    """From `part` on `target` lands elsewhere, by `effect` times the scale of the residuals."""

    part: int
    target: int
    effect: float


def measured_change(inputs: Floats, residuals: Floats, order: Order, key: Key) -> Measured | None:
    """The time from which the `residuals` (n, targets) differ at equal `inputs` (n, d); None when nothing shows that.

    Residuals are in units of one step's spread. Wrong at most once in a hundred worlds that do not change. What is
    found among cells must be found among nearest neighbours too, which are closer than the width of a cell.
    """
    cells = cells_of(inputs)
    part = changed_part(residuals, cells, order, key)
    if part is None:
        return None
    newer = order.parts >= part
    if min(newer.sum(), (~newer).sum()) < LOOKED_AT or not (inputs.std(axis=0) > 0).any():
        return None
    near = neighbours_of(inputs, order.parts, part)
    return _mattering(near.apart(residuals), newer, _centered(residuals, cells), part)


def changed_shares(columns: Floats, cells: Lattice, order: Order, key: Key) -> Measured | None:
    """The time from which some of the `columns` (n, targets) differ within the `cells` (n,), whose rows are all alike.

    Finds what many cells show a little, and none of them alone.
    """
    part = changed_part(columns, cells, order, key)
    if part is None:
        return None
    newer = order.parts >= part
    left = _centered(columns, cells)
    return largest(_squares(left, cells, newer), newer, left, part)


def changed_part(residuals: Floats, cells: Lattice, order: Order, key: Key) -> int | None:
    """The part of the `order` from which the `residuals` (n, targets) differ within the `cells` (n,); None for none.

    Three things are looked at: each frequent cell, all of these together, and all cells as one.
    """
    left = _centered(residuals, cells)
    spread = left.std(axis=0)
    told = spread > _NOTHING
    if not told.any():
        return None
    scaled = _centered(np.clip(left[:, told] / spread[told], -_FURTHEST, _FURTHEST), cells)
    apart, whole = _by_part(scaled, cells, order)
    seen = _heights(apart, whole)
    random = chance(key)
    mixed = (random.permutation(len(order)) for _ in range(SHUFFLES))
    usual = np.stack([_heights(apart[parts], whole[parts]) for parts in mixed]).max(axis=2)
    above = seen.max(axis=1) > usual.max(axis=0)
    if not above.any():
        return None
    beyond = (seen.max(axis=1) - usual.mean(axis=0)) / usual.std(axis=0)
    kind = int(np.argmax(np.where(above, beyond, -np.inf)))
    return int(_times(len(order))[np.argmax(seen[kind])])


def cells_of(inputs: Floats) -> Lattice:
    """The cell (n,) of each of the `inputs` (n, d): halves of halves, always across the widest column.

    At most 64 cells, of about 60 rows at least.
    """
    spread = inputs.std(axis=0)
    scaled = inputs[:, spread > 0] / spread[spread > 0]
    cells = np.zeros(len(inputs), dtype=np.int64)
    groups = [np.arange(len(inputs))]
    while scaled.shape[1] and len(groups) < MOST_CELLS:
        groups.sort(key=len)
        halves = _halves(scaled, groups[-1])
        if len(groups[-1]) < 2 * CELL_ROWS or halves is None:
            break
        groups[-1:] = halves
    for number, group in enumerate(groups):
        cells[group] = number
    return cells


def _halves(scaled: Floats, group: NDArray[np.int64]) -> list[NDArray[np.int64]] | None:
    """The `group` of rows in two, at the middle of the column that varies most; None when nothing varies."""
    inside = scaled[group]
    column = inside[:, int(np.argmax(inside.std(axis=0)))]
    middle = np.median(column)
    upper = column > middle if (column > middle).any() else column >= middle
    return None if upper.all() or not upper.any() else [group[~upper], group[upper]]


def _centered(values: Floats, cells: Lattice) -> Floats:
    """`values` (n, targets) without their mean in each cell."""
    counts = np.bincount(cells)
    means = np.stack([np.bincount(cells, weights=column) / counts for column in values.T], axis=1)
    return values - means[cells]


def _by_part(values: Floats, cells: Lattice, order: Order) -> tuple[Floats, Floats]:
    """The sums (parts, columns) of `values` (n, targets), in each of the 64 most frequent cells and in all."""
    cell = by_frequency(cells, MOST_CELLS)
    wide = MOST_CELLS + 1
    place = order.parts * wide + cell
    sums = [np.bincount(place, weights=column, minlength=len(order) * wide) for column in values.T]
    grid = np.stack([column.reshape(len(order), wide) for column in sums])
    frequent = np.concatenate(list(grid[:, :, :MOST_CELLS]), axis=1)
    return frequent[:, np.square(frequent).sum(axis=0) > _NOTHING], grid.sum(axis=2).T


def _times(parts: int) -> NDArray[np.int64]:
    """The parts that a change may begin with: neither the first nor the last tenth."""
    margin = max(1, int(_MARGIN * parts))
    return np.arange(margin, parts - margin + 1)


def _heights(apart: Floats, whole: Floats) -> Floats:
    """How far (3, times) sums by cell and of all (parts, columns) have gone: the furthest, all together, all as one."""
    one, other = _gone(apart), _gone(whole)
    return np.stack([one.max(axis=1, initial=0.0), one.sum(axis=1), other.sum(axis=1)])


def _gone(sums: Floats) -> Floats:
    """How far (times, columns) `sums` (parts, columns) have gone up to each time, squared, in units of their spread."""
    times = _times(len(sums))
    share = (times / len(sums))[:, None]
    gone = np.cumsum(sums, axis=0)[times - 1] - share * sums.sum(axis=0)
    return np.square(gone) / np.maximum(np.square(sums).sum(axis=0), _NOTHING) / (share * (1 - share))


class Neighbours(Struct, frozen=True, eq=False):
    """Newer `rows` (k,), and for each the nearest older rows and the nearest newer ones of other parts (k, few)."""

    rows: NDArray[np.int64]
    parts: Lattice
    older: NDArray[np.int64]
    newer: NDArray[np.int64]

    def apart(self, residuals: Floats) -> Floats | None:
        """How much further (parts, targets) rows are from older neighbours than from newer ones, in mean squares.

        None when no part has comparable neighbours.
        """
        if len(self.rows) < CELL_ROWS:
            return None
        here = residuals[self.rows]
        missed = [np.square(here - residuals[others].mean(axis=1)) for others in (self.older, self.newer)]
        _, part = np.unique(self.parts, return_inverse=True)
        counts = np.bincount(part)
        return np.stack([np.bincount(part, weights=each) / counts for each in (missed[0] - missed[1]).T], axis=1)


def neighbours_of(inputs: Floats, parts: Lattice, since: int) -> Neighbours:
    """The neighbours of rows with `inputs` (n, d) of the `parts` (n,) from `since` on, where the older are not further.

    There are at least 40 rows on each side.

    So a world that is only looked at elsewhere does not seem to have changed.
    """
    spread = inputs.std(axis=0)
    scaled = inputs[:, spread > 0] / spread[spread > 0]
    old, new = np.flatnonzero(parts < since), np.flatnonzero(parts >= since)
    asked = new[:: max(1, len(new) // MOST_ASKED)]
    far, near = (np.asarray(each) for each in KDTree(scaled[new]).query(scaled[asked], k=LOOKED_AT))
    foreign = np.where(parts[new[near]] == parts[asked][:, None], np.inf, far)
    place = np.argsort(foreign, axis=1, kind="stable")[:, :CLOSEST]
    distance, others = (np.asarray(each) for each in KDTree(scaled[old]).query(scaled[asked], k=CLOSEST))
    fair = distance[:, -1] <= np.take_along_axis(foreign, place, 1)[:, -1]
    fair &= np.isfinite(np.take_along_axis(foreign, place, 1)[:, -1])
    newer = new[np.take_along_axis(near, place, 1)]
    return Neighbours(rows=asked[fair], parts=parts[asked[fair]], older=old[others[fair]], newer=newer[fair])


def _mattering(apart: Floats | None, newer: NDArray[np.bool_], left: Floats, part: int) -> Measured | None:
    """The change, when it is surely there and large enough; older neighbours are so much further (parts, targets).

    `left` (n, targets) is what is unexplained of all rows, of which some are `newer` (n,).
    """
    if apart is None or len(apart) < LEAST_SURE:
        return None
    squares = apart.mean(axis=0)
    noise = np.std(apart, axis=0, ddof=1) / math.sqrt(len(apart))
    sure = squares > SURE * noise
    return largest(np.where(sure, np.maximum(squares, 0.0), 0.0), newer, left, part)


def largest(squares: Floats, newer: NDArray[np.bool_], left: Floats, part: int) -> Measured | None:
    """The change of the target that changed most, of mean squares (targets,), when it is large enough to matter."""
    share = newer.mean() * (1 - newer.mean()) * squares / np.maximum(left.var(axis=0), _NOTHING)
    effects = np.where(share >= LEAST_EFFECT, np.sqrt(squares), 0.0)
    best = int(np.argmax(effects))
    return Measured(part=part, target=best, effect=float(effects[best])) if effects[best] >= LEAST_EFFECT else None


def _squares(left: Floats, cells: Lattice, newer: NDArray[np.bool_]) -> Floats:
    """The mean square difference (targets,) between the two sides' means in each cell, beyond that of noise alone."""
    sides = [(left[side], cells[side]) for side in (~newer, newer)]
    wide = int(cells.max()) + 1
    counts = [np.bincount(cell, minlength=wide) for _, cell in sides]
    both = (counts[0] > 1) & (counts[1] > 1)
    if not both.any():
        return np.zeros(left.shape[1])
    weights = (counts[0] + counts[1])[both]
    found = np.zeros(left.shape[1])
    for target in range(left.shape[1]):
        means = [_mean(values[:, target], cell, count) for (values, cell), count in zip(sides, counts, strict=True)]
        noise = [
            (_mean(np.square(values[:, target]), cell, count) - np.square(mean)) / np.maximum(1, count - 1)
            for (values, cell), count, mean in zip(sides, counts, means, strict=True)
        ]
        excess = np.square(means[1] - means[0]) - noise[0] - noise[1]
        found[target] = max(0.0, float(np.average(excess[both], weights=weights)))
    return found


def _mean(values: Floats, cells: Lattice, counts: Lattice) -> Floats:
    return np.bincount(cells, weights=values, minlength=len(counts)) / np.maximum(1, counts)
