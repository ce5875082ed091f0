"""The engine of count tables: counting equal rows, finding a row, and drawing one of its edges by its counts.

A row of whole numbers is packed into one number, most significant column first: numbers are ordered as rows are. Rows
that need more than 62 bits are packed into byte strings instead.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

Lattice: TypeAlias = NDArray[np.int64]
Words: TypeAlias = NDArray[np.uint32]
Packed: TypeAlias = NDArray[Any]  # int64, or byte strings of one length

PACKED_LIMIT: Final = 1 << 62
DENSE_LIMIT: Final = 1 << 22
"""Up to this many numbers, and occurrences, are looked up directly instead of searched."""
_FEW: Final = 1 << 12


def tally(columns: Sequence[Lattice], counts: Lattice | None = None) -> tuple[Lattice, Lattice]:
    """The different rows (m, columns) of some `columns` (n,) each, in lexicographic order, and how often each occurs.

    `counts` (n,) say how often each given row stands for; once when there are none.
    """
    if not len(columns[0]):
        return np.zeros((0, len(columns)), dtype=np.int64), np.zeros(0, dtype=np.int64)
    packing = _Packing.of(columns)
    numbers, totals = _tally(packing.pack(columns), packing.volume, counts)
    return packing.unpack(numbers), totals


class Grouped(NamedTuple):
    """Different rows in lexicographic order, in groups with equal keys.

    Group `g` is `keys[g]` (R, k) and has the `values` (E, t) from `offsets[g]` up to `offsets[g + 1]` (R + 1,), which
    occurred `counts` (E,) times.
    """

    keys: Lattice
    offsets: Lattice
    values: Lattice
    counts: Lattice


def grouped(keys: Sequence[Lattice], values: Sequence[Lattice], counts: Lattice | None = None) -> Grouped:
    """`tally` of the rows of columns `keys` and `values` (n,) each, grouped by key."""
    columns = [*keys, *values]
    if not len(columns[0]):
        empty = [np.zeros((0, len(part)), dtype=np.int64) for part in (keys, values)]
        return Grouped(empty[0], np.zeros(1, dtype=np.int64), empty[1], np.zeros(0, dtype=np.int64))
    packing = _Packing.of(columns)
    numbers, totals = _tally(packing.pack(columns), packing.volume, counts)
    if packing.wide:
        rows = packing.unpack(numbers)
        first = _first_of_runs([rows[:, column] for column in range(len(keys))])
        return _groups(rows[first, : len(keys)], first, rows[:, len(keys) :], totals)
    head, tail = packing.split(len(keys))
    heads = numbers // tail.volume
    first = _first_of_runs([heads])
    return _groups(head.unpack(heads[first]), first, tail.unpack(numbers - heads * tail.volume), totals)


def is_sorted(rows: Lattice, start: NDArray[np.bool_] | None = None) -> bool:
    """Whether `rows` (m, columns) are in strict lexicographic order; a row marked in `start` (m,) begins a new run."""
    undecided = np.ones(len(rows), dtype=np.bool_) if start is None else ~start
    undecided = undecided[1:]
    for column in range(rows.shape[1]):
        before, after = rows[:-1, column], rows[1:, column]
        if (undecided & (before > after)).any():
            return False
        undecided = undecided & (before == after)
    return not undecided.any()


@final
class RowIndex:
    """Finds rows among `keys` (R, k), R > 0, which are in strict lexicographic order."""

    def __init__(self, keys: Lattice) -> None:
        columns = list(keys.T)
        self._packing = _Packing.of(columns)
        self._numbers = self._packing.pack(columns)
        self._ranks = self._direct_ranks()
        self._axes = list(zip(self._packing.low, self._packing.sizes, strict=True))
        self._numbers_of = self._ranks_of = None
        if self._ranks is not None:
            self._ranks_of = self._ranks.data
        elif not self._packing.wide:
            self._numbers_of = self._numbers.data

    def find(self, rows: Lattice) -> Lattice:
        """The positions (n,) of `rows` (n, k) among the keys, -1 for those that are not there."""
        columns = list(rows.T)
        inside = self._packing.inside(columns)
        if not inside.all():
            columns = [np.where(inside, column, low) for column, (low, _) in zip(columns, self._axes, strict=True)]
        numbers = self._packing.pack(columns)
        if self._ranks is not None:
            found = self._ranks[numbers]
        else:
            place = np.minimum(np.searchsorted(self._numbers, numbers), len(self._numbers) - 1)
            found = np.where(self._numbers[place] == numbers, place, -1)
        return np.where(inside, found, -1)

    def find_one(self, row: Sequence[int]) -> int:
        """The position of one row, -1 when it is not there."""
        number = 0
        for value, (low, size) in zip(row, self._axes, strict=True):
            offset = value - low
            if not 0 <= offset < size:
                return -1
            number = number * size + offset
        if self._ranks_of is not None:
            return self._ranks_of[number]
        if self._numbers_of is None:
            return int(self.find(np.array([row], dtype=np.int64))[0])
        place = bisect_left(self._numbers_of, number)
        return place if place < len(self._numbers_of) and self._numbers_of[place] == number else -1

    def _direct_ranks(self) -> Lattice | None:
        """The position of every number that there could be, -1 for those that are not keys; None when too many."""
        if self._packing.volume > DENSE_LIMIT:
            return None
        ranks = np.full(self._packing.volume, -1, dtype=np.int64)
        ranks[self._numbers] = np.arange(len(self._numbers))
        return ranks


@final
class Edges:
    """Row `r` has the edges from `offsets[r]` up to `offsets[r + 1]`; edge `e` was seen `counts[e]` times."""

    def __init__(self, offsets: Lattice, counts: Lattice) -> None:
        self.first = offsets[:-1]
        self.single = np.diff(offsets) == 1
        """Which rows (R,) have one edge only: they draw nothing."""
        self.deterministic = bool(self.single.all())
        self._ends = np.cumsum(counts)
        bounds = np.concatenate([np.zeros(1, dtype=np.int64), self._ends])[offsets]
        self._starts, self.totals = bounds[:-1].copy(), np.diff(bounds)
        """How often each row (R,) was seen."""
        self._offsets_of, self._ends_of = offsets.data, self._ends.data
        self._starts_of, self._totals_of = self._starts.data, self.totals.data

    def draw(self, rows: Lattice, words: Words) -> Lattice:
        """One edge (n,) of each of the `rows` (n,), by uniform `words` (n,)."""
        place = self._starts[rows] + ((words.astype(np.int64) * self.totals[rows]) >> 32)
        if self._direct is not None:
            return self._direct[place].astype(np.int64)
        return np.searchsorted(self._ends, place, side="right")

    def only_one(self, row: int) -> int:
        """The edge of a row that has no other, -1 when it has several."""
        first = self._offsets_of[row]
        return first if self._offsets_of[row + 1] == first + 1 else -1

    def draw_one(self, row: int, word: int) -> int:
        """One edge of `row`, by a uniform `word`."""
        place = self._starts_of[row] + (word * self._totals_of[row] >> 32)
        return bisect_right(self._ends_of, place, self._offsets_of[row], self._offsets_of[row + 1])

    @cached_property
    def _direct(self) -> NDArray[np.int32] | None:
        """The edge of each counted occurrence, when there are not too many."""
        if not len(self._ends) or self._ends[-1] > DENSE_LIMIT:
            return None
        return np.repeat(np.arange(len(self._ends), dtype=np.int32), np.diff(self._ends, prepend=0))


@final
class _Packing:
    """How the columns of rows become one number: each has `sizes` values from `low` on."""

    def __init__(self, low: list[int], sizes: list[int]) -> None:
        self.low, self.sizes = low, sizes
        self.volume = math.prod(sizes)
        self.wide = self.volume > PACKED_LIMIT

    @staticmethod
    def of(columns: Sequence[Lattice]) -> _Packing:
        """The packing that fits `columns` (n,), n > 0."""
        low = [int(column.min()) for column in columns]
        return _Packing(low, [int(column.max()) - least + 1 for column, least in zip(columns, low, strict=True)])

    def inside(self, columns: Sequence[Lattice]) -> NDArray[np.bool_]:
        """Which rows (n,) can be packed at all."""
        inside = np.ones(len(columns[0]) if columns else 0, dtype=np.bool_)
        for column, low, size in zip(columns, self.low, self.sizes, strict=True):
            inside &= (column >= low) & (column < low + size)
        return inside

    def pack(self, columns: Sequence[Lattice]) -> Packed:
        """The numbers (n,) of rows."""
        if self.wide:
            offsets = [column - low for column, low in zip(columns, self.low, strict=True)]
            return np.stack(offsets, axis=1).astype(">u8").view(f"S{8 * len(columns)}")[:, 0]
        numbers = columns[0] - self.low[0]
        for column, low, size in list(zip(columns, self.low, self.sizes, strict=True))[1:]:
            numbers *= size
            numbers += column
            numbers -= low
        return numbers

    def split(self, at: int) -> tuple[_Packing, _Packing]:
        """The packings of the first `at` columns and of the others."""
        return _Packing(self.low[:at], self.sizes[:at]), _Packing(self.low[at:], self.sizes[at:])

    def unpack(self, numbers: Packed) -> Lattice:
        """The rows (n, columns) of numbers."""
        low = np.array(self.low, dtype=np.int64)
        if self.wide:
            return numbers.view(">u8").reshape(len(numbers), -1).astype(np.int64) + low
        rows = np.empty((len(numbers), len(low)), dtype=np.int64)
        for column in range(len(low) - 1, 0, -1):
            before = numbers // self.sizes[column]
            rows[:, column] = numbers - before * self.sizes[column]
            numbers = before
        rows[:, 0] = numbers
        rows += low
        return rows


def _groups(keys: Lattice, first: Lattice, values: Lattice, counts: Lattice) -> Grouped:
    return Grouped(np.ascontiguousarray(keys), np.append(first, len(values)), np.ascontiguousarray(values), counts)


def _tally(numbers: Packed, volume: int, counts: Lattice | None) -> tuple[Packed, Lattice]:
    """The different numbers in order, and how often each occurs."""
    if counts is None and volume <= len(numbers) + _FEW:
        every = np.bincount(numbers, minlength=volume)
        present = np.flatnonzero(every)
        return present, every[present].astype(np.int64)
    if counts is None:
        ordered = np.sort(numbers)
        first = _first_of_runs([ordered])
        return ordered[first], np.diff(first, append=len(ordered))
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    first = _first_of_runs([ordered])
    return ordered[first], np.add.reduceat(counts[order], first)


def _first_of_runs(columns: Sequence[Packed]) -> Lattice:
    """Where rows of `columns` (n,) begin that differ from the row before."""
    new = np.ones(len(columns[0]), dtype=np.bool_)
    new[1:] = False
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)
