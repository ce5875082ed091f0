"""What to say of a name where nothing was seen: what usually followed its own value and the action.

A coarse table answers for every value that its columns can have: where they were never seen together it repeats what
the action alone was followed by, and what followed anything where even the action is new.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np
from msgspec import Struct

from worldtwin.exact.table import RowIndex, tally
from worldtwin.learning.regression.fitting import Recorded
from worldtwin.simulation import Table, input_fields
from worldtwin.world import Category, Field, Integer, Lattice, Set, Spec, bounds, is_discrete, size

MOST_ROWS: Final = 1 << 16
MOST_EDGES: Final = 1 << 20
MOST_ACTIONS: Final = 1 << 12


class Counts(Struct, frozen=True, eq=False):
    """How often values followed keys: `keys` (R, k), `offsets` (R + 1,), `values` (E, targets), `counts` (E,)."""

    keys: Lattice
    offsets: Lattice
    values: Lattice
    counts: Lattice


def guesses(spec: Spec, column: int, recorded: Recorded) -> Table | None:
    """The coarse table for one column of [next fields | outputs]; None when nothing discrete can be asked."""
    fields = input_fields(spec)
    for columns in _wanted(spec, column):
        table = _complete([fields[asked] for asked in columns], columns, (column,), recorded)
        if table is not None:
            return table
    return None


def memoryless(spec: Spec, recorded: Recorded) -> Table:
    """What all next fields and outputs together usually are after the fields and the action, without hidden states.

    It answers for all fields and actions where these are not too many, else for those that were seen.
    """
    columns = (*range(len(spec.state)), *range(spec.width, spec.width + len(spec.action)))
    targets = tuple(range(len(spec.inner) + len(spec.outputs)))
    table = _complete(_fields_at(spec, columns), columns, targets, recorded)
    if table is not None:
        return table
    seen = _counted(columns, targets, recorded)
    return Table(
        inputs=columns, targets=targets, keys=seen.keys, offsets=seen.offsets, values=seen.values, counts=seen.counts
    )


def discrete_columns(spec: Spec) -> tuple[int, ...]:
    """The columns of [next fields | outputs] that are discrete."""
    fields = (*spec.state.fields, *spec.outputs.fields)
    return tuple(column for column, field in enumerate(fields) if isinstance(field, Category | Integer | Set))


def likeliest(table: Table, inputs: Lattice) -> Lattice:
    """The most frequent value (n,) of a coarse table for `inputs` (n, [state row | action row])."""
    return table.values[modes(table)[table.lookup(inputs[:, table.inputs])], 0]


def modes(table: Table) -> Lattice:
    """The most frequent edge of each row (rows,), the first of several."""
    row = np.repeat(np.arange(len(table.keys)), np.diff(table.offsets))
    return np.lexsort((-table.counts, row))[table.offsets[:-1]]


def _wanted(spec: Spec, column: int) -> Iterator[tuple[int, ...]]:
    """Which input columns to ask, the most telling first."""
    actions: tuple[int, ...] = ()
    for position, field in enumerate(spec.action.fields):
        if is_discrete(field) and _volume([*_fields_at(spec, actions), field]) <= MOST_ACTIONS:
            actions = (*actions, spec.width + position)
    own = (column,) if column < len(spec.state) and not spec.stateless else ()
    yield from dict.fromkeys(columns for columns in (own + actions, actions, own) if columns)


def _fields_at(spec: Spec, columns: tuple[int, ...]) -> list[Field]:
    return [input_fields(spec)[column] for column in columns]


def _volume(fields: list[Field]) -> int:
    return math.prod(size(field) for field in fields)


def _complete(
    fields: list[Field], columns: tuple[int, ...], targets: tuple[int, ...], recorded: Recorded
) -> Table | None:
    """The table that answers for all values of `columns`; None when that would be too many."""
    if _volume(fields) > MOST_ROWS:
        return None
    grid = _grid(fields)
    levels = [_counted(columns[skip:], targets, recorded) for skip in range(len(columns) + 1)]
    starts, lengths = _sources(levels, grid)
    if int(lengths.sum()) > MOST_EDGES:
        return None
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    edges = np.repeat(starts - offsets[:-1], lengths) + np.arange(offsets[-1])
    return Table(
        inputs=columns,
        targets=targets,
        keys=grid,
        offsets=offsets,
        values=np.concatenate([level.values for level in levels])[edges],
        counts=np.concatenate([level.counts for level in levels])[edges],
    )


def _grid(fields: list[Field]) -> Lattice:
    """All values (rows, fields), in lexicographic order."""
    axes = [np.arange(low, high + 1) for low, high in map(bounds, fields)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(fields))


def _counted(columns: tuple[int, ...], targets: tuple[int, ...], recorded: Recorded) -> Counts:
    rows, counts = tally([*recorded.inputs[:, columns].T, *recorded.results[:, targets].T])
    keys, values = rows[:, : len(columns)], rows[:, len(columns) :]
    first = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]).any(axis=1)])
    return Counts(keys=keys[first], offsets=np.append(first, len(rows)), values=values, counts=counts)


def _sources(levels: list[Counts], grid: Lattice) -> tuple[Lattice, Lattice]:
    """Where in the edges of all `levels` the answer for each row of the `grid` begins, and how many edges it has.

    The first level asks all columns, each further one a column less; the last asks none.
    """
    starts, lengths = np.zeros(len(grid), dtype=np.int64), np.zeros(len(grid), dtype=np.int64)
    before = 0
    for skip, level in enumerate(levels):
        row = _find(level.keys, grid[:, skip:])
        new = (lengths == 0) & (row >= 0)
        starts[new] = before + level.offsets[row[new]]
        lengths[new] = np.diff(level.offsets)[row[new]]
        before += len(level.counts)
    return starts, lengths


def _find(keys: Lattice, rows: Lattice) -> Lattice:
    return RowIndex(keys).find(rows) if keys.shape[1] else np.zeros(len(rows), dtype=np.int64)
