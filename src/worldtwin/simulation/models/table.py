"""`Table`: what followed what, and how often."""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct

from worldtwin.exact.table import Edges, RowIndex, is_sorted
from worldtwin.simulation.models.checks import require, require_array, seal
from worldtwin.simulation.models.columns import input_fields
from worldtwin.world import Lattice, Spec, bounds

MAX_EDGES: Final = 1 << 27
MAX_COUNT: Final = 1 << 31


class Table(Struct, frozen=True, kw_only=True, eq=False, dict=True, tag="table", forbid_unknown_fields=True):
    """Counts of outcomes.

    Row `r` answers where the columns `inputs` of [state row | action row] are `keys[r]`; rows are in lexicographic
    order. Its outcomes are the edges `offsets[r]` up to `offsets[r + 1]`: columns `targets` of [next fields | outputs]
    were `values[e]`, `counts[e]` times; the edges of a row are in lexicographic order too. So equal counts are equal
    bytes. `keys` (R, inputs), `offsets` (R + 1,), `values` (E, targets), `counts` (E,), all int64.
    """

    inputs: tuple[int, ...]
    targets: tuple[int, ...]
    keys: Lattice
    offsets: Lattice
    values: Lattice
    counts: Lattice

    def __post_init__(self) -> None:
        """Refuse arrays that are not a table in canonical form. Raises `InvalidFile`."""
        _require_columns(self)
        _require_rows(self)
        _require_edges(self)
        seal(self)

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.keys)

    @cached_property
    def index(self) -> RowIndex:
        """Finds rows; for tables that have some."""
        return RowIndex(self.keys)

    @cached_property
    def edges(self) -> Edges:
        """Draws edges."""
        return Edges(self.offsets, self.counts)

    def lookup(self, rows: Lattice) -> Lattice:
        """The row (n,) that answers for each of the keys `rows` (n, inputs), -1 where none does."""
        return self.index.find(rows) if len(self.keys) else np.full(len(rows), -1, dtype=np.int64)

    def total(self, row: int) -> int:
        """How often `row` was seen."""
        return int(self.edges.totals[row])

    def require_fits(self, spec: Spec) -> None:
        """Refuse columns and values that are not those of `spec`. Raises `InvalidFile`."""
        columns, results = input_fields(spec), spec.inner.fields + spec.outputs.fields
        require(max(self.inputs) < len(columns), f"table: input {max(self.inputs)} of {len(columns)} columns")
        require(max(self.targets) < len(results), f"table: target {max(self.targets)} of {len(results)} columns")
        for position, column in enumerate(self.inputs):
            low, high = bounds(columns[column])
            require_array("table keys", self.keys[:, position], (-1,), low=low, high=high)
        for position, column in enumerate(self.targets):
            low, high = bounds(results[column])
            require_array("table values", self.values[:, position], (-1,), low=low, high=high)


def _require_columns(table: Table) -> None:
    for name, columns in (("inputs", table.inputs), ("targets", table.targets)):
        ordered = all(before < after for before, after in itertools.pairwise(columns))
        require(len(columns) > 0 and columns[0] >= 0 and ordered, f"table: {name} {columns} must be rising columns")


def _require_rows(table: Table) -> None:
    require_array("table keys", table.keys, (-1, len(table.inputs)))
    require_array("table offsets", table.offsets, (len(table.keys) + 1,), low=0)
    require(is_sorted(table.keys), "table keys: rows must be different and in order")
    offsets = table.offsets
    whole = offsets[0] == 0 and offsets[-1] == len(table.counts) and (offsets[1:] > offsets[:-1]).all()
    require(whole, "table offsets: they must rise from 0 to the number of edges")


def _require_edges(table: Table) -> None:
    count = len(table.counts)
    require(count <= MAX_EDGES, f"table: {count} edges are more than {MAX_EDGES}")
    require_array("table values", table.values, (count, len(table.targets)))
    require_array("table counts", table.counts, (count,), low=1, high=MAX_COUNT - 1)
    if count:
        require(table.edges.totals.max() < MAX_COUNT, "table counts: a row was seen 2^31 times or more")
        start = np.zeros(count, dtype=np.bool_)
        start[table.offsets[:-1]] = True
        require(is_sorted(table.values, start), "table values: the outcomes of a row must be different and in order")
