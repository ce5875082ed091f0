"""Count tables in JAX: finding rows, and drawing their edges (the definition is `worldtwin.exact.table`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.accelerate.chance import words
from worldtwin.exact import STREAM_SUCCESSOR, Edges
from worldtwin.exact.table import DENSE_LIMIT, PACKED_LIMIT
from worldtwin.simulation import Table

Lattice: TypeAlias = NDArray[np.int64]
Arrays: TypeAlias = tuple[Array, ...]


class Finder(Struct, frozen=True):
    """How rows are found: each column has `sizes` values from `low` on; packed into one number where it fits.

    dense   the number is a place in a list of positions
    sorted  the number is searched for
    staged  columns are searched for one after the other, each with the position of the columns before it
    """

    kind: Literal["none", "dense", "sorted", "staged"]
    low: tuple[int, ...] = ()
    sizes: tuple[int, ...] = ()

    @staticmethod
    def of(keys: Lattice) -> tuple[Finder, tuple[Lattice, ...]]:
        """The finder of `keys` (R, k) in strict lexicographic order, and its arrays."""
        if not len(keys):
            return Finder("none"), ()
        low = tuple(int(column.min()) for column in keys.T)
        sizes = tuple(int(column.max()) - least + 1 for column, least in zip(keys.T, low, strict=True))
        volume = math.prod(sizes)
        if volume > PACKED_LIMIT:
            return Finder("staged"), _stages(keys)
        numbers = np.zeros(len(keys), dtype=np.int64)
        for column, least, size in zip(keys.T, low, sizes, strict=True):
            numbers = numbers * size + (column - least)
        if volume > DENSE_LIMIT:
            return Finder("sorted", low, sizes), (numbers,)
        ranks = np.full(volume, -1, dtype=np.int64)
        ranks[numbers] = np.arange(len(keys))
        return Finder("dense", low, sizes), (ranks,)

    def find(self, arrays: Arrays, columns: Sequence[Array]) -> Array:
        """The positions (n,) of the rows of `columns` (n,) each, -1 for those that are not there."""
        match self.kind:
            case "none":
                return jnp.full_like(columns[0], -1)
            case "staged":
                return _find_staged(arrays, columns)
            case "dense" | "sorted":
                inside = jnp.ones(columns[0].shape, dtype=bool)
                numbers = jnp.zeros_like(columns[0])
                for column, least, size in zip(columns, self.low, self.sizes, strict=True):
                    offset = column - least
                    inside &= (offset >= 0) & (offset < size)
                    numbers = numbers * size + jnp.clip(offset, 0, size - 1)
                found = arrays[0][numbers] if self.kind == "dense" else search(arrays[0], numbers)
                return jnp.where(inside, found, -1)


class Drawer(Struct, frozen=True):
    """How edges are drawn.

    single  every row has one edge: nothing is drawn
    direct  each counted occurrence is a place in a list
    sorted  the occurrence is searched for among the sums of the counts
    """

    kind: Literal["single", "direct", "sorted"]

    @staticmethod
    def of(offsets: Lattice, counts: Lattice) -> tuple[Drawer, tuple[Lattice, ...]]:
        """The drawer of rows with the edges from `offsets` (R + 1,) on, which were seen `counts` (E,) times."""
        edges = Edges(offsets, counts)
        if edges.deterministic:
            return Drawer("single"), (edges.first,)
        ends = np.cumsum(counts)
        starts = np.concatenate([np.zeros(1, dtype=np.int64), ends])[offsets[:-1]]
        if ends[-1] > DENSE_LIMIT:
            return Drawer("sorted"), (starts, edges.totals, ends)
        return Drawer("direct"), (starts, edges.totals, np.repeat(np.arange(len(counts)), counts))

    def draw(self, arrays: Arrays, rows: Array, keys: Array, step: Array, stream: int) -> Array:
        """One edge (n,) of each of the `rows` (n,), by the words of `keys` (n, 2) at `step`."""
        if self.kind == "single":
            return arrays[0][rows]
        return self.pick(arrays, rows, words(keys, step, stream))

    def pick(self, arrays: Arrays, rows: Array, uniform: Array) -> Array:
        """One edge (n,) of each of the `rows` (n,), by `uniform` words (n,)."""
        if self.kind == "single":
            return arrays[0][rows]
        starts, totals, last = arrays
        place = starts[rows] + ((uniform.astype(jnp.int64) * totals[rows]) >> 32)
        return last[place] if self.kind == "direct" else jnp.searchsorted(last, place, side="right")


class Counted(Struct, frozen=True):
    """A table: columns `inputs` of [state row | action row], and `targets` of [next fields | outputs]."""

    inputs: tuple[int, ...]
    targets: tuple[int, ...]
    finder: Finder
    drawer: Drawer
    stream: int
    source: int

    @staticmethod
    def of(table: Table, *, source: int, stream: int = STREAM_SUCCESSOR) -> tuple[Counted, tuple[object, ...]]:
        """How `table` answers, and its arrays."""
        finder, keys = Finder.of(table.keys)
        drawer, edges = Drawer.of(table.offsets, table.counts)
        values = table.values
        if not len(table):
            edges, values = (np.zeros(1, dtype=np.int64),), np.zeros((1, len(table.targets)), dtype=np.int64)
        counted = Counted(table.inputs, table.targets, finder, drawer, stream, source)
        return counted, (keys, edges, values)

    def answer(
        self, arrays: tuple[Arrays, Arrays, Array], inputs: Sequence[Array], keys: Array, step: Array
    ) -> tuple[Array, list[Array]]:
        """Whether there is an answer (n,), and the targets' columns (n,)."""
        finder, drawer, values = arrays
        rows = self.finder.find(finder, [inputs[column] for column in self.inputs])
        edges = self.drawer.draw(drawer, jnp.maximum(rows, 0), keys, step, self.stream)
        return rows >= 0, [values[edges, i] for i in range(len(self.targets))]


def search(numbers: Array, wanted: Array) -> Array:
    """The places (n,) of `wanted` (n,) among the sorted `numbers`, -1 for those that are not there."""
    place = jnp.minimum(jnp.searchsorted(numbers, wanted), len(numbers) - 1)
    return jnp.where(numbers[place] == wanted, place, -1)


def _stages(keys: Lattice) -> tuple[Lattice, ...]:
    """For each column its values, and the numbers (position of the columns before, position of the value)."""
    found: list[Lattice] = []
    before = np.zeros(len(keys), dtype=np.int64)
    for column in keys.T:
        values, place = np.unique(column, return_inverse=True)
        numbers, before = np.unique(before * len(values) + place, return_inverse=True)
        found += [values, numbers]
    return tuple(found)


def _find_staged(arrays: Arrays, columns: Sequence[Array]) -> Array:
    known = jnp.ones(columns[0].shape, dtype=bool)
    before = jnp.zeros_like(columns[0])
    for column, values, numbers in zip(columns, arrays[::2], arrays[1::2], strict=True):
        place = search(values, column)
        before = search(numbers, before * len(values) + place)
        known &= (place >= 0) & (before >= 0)
        before = jnp.maximum(before, 0)
    return jnp.where(known, before, -1)
