"""Where episodes begin: drawn from the spec's start, or from what was recorded."""

from __future__ import annotations

from typing import Final

import numpy as np

from worldtwin.errors import InvalidValue
from worldtwin.exact import STREAM_START, Words, below, draw
from worldtwin.simulation.models.checks import require
from worldtwin.simulation.models.table import Table
from worldtwin.world import Lattice, Spec, Start, StartRange, bounds

COLUMNS_APART: Final = 16
"""The streams of two fields' starts are this far apart."""
_FINEST: Final = 1 << 30


def drawn_starts(spec: Spec, recorded: Lattice, keys: Words) -> Lattice:
    """State rows (n, width) where the episodes with `keys` (n, 2) begin; `recorded` (k, width) starts to choose from.

    Raises `InvalidValue` when the spec leaves starts to what was recorded and nothing was.
    """
    if spec.start is None:
        if not len(recorded):
            raise InvalidValue(f"{spec.name} has no recorded start: record some runs or give `start:` in the YAML")
        return recorded[below(draw(keys, 0, STREAM_START), len(recorded))]
    columns = [_column(spec.start[name], keys, column) for column, name in enumerate(spec.state.names)]
    return spec.start_rows(np.stack(columns, axis=1))


def with_hidden(spec: Spec, begins: Table, rows: Lattice, keys: Words) -> Lattice:
    """State `rows` (n, width) whose unknown hidden states are drawn by `keys` (n, 2) from where episodes begin.

    What begins nowhere stays unknown.
    """
    column = len(spec.state)
    found = np.where(rows[:, column] == spec.hidden, begins.lookup(rows[:, :column]), -1)
    unknown = np.flatnonzero(found >= 0)
    if not len(unknown):
        return rows
    edges = begins.edges.draw(found[unknown], draw(keys[unknown], 0, STREAM_START + COLUMNS_APART * column))
    rows = rows.copy()
    rows[unknown, column] = begins.values[edges, 0]
    return rows


def with_sure_hidden(spec: Spec, begins: Table, rows: Lattice) -> Lattice:
    """State `rows` (n, width) whose unknown hidden states are filled in where episodes begin in one only."""
    column = len(spec.state)
    found = np.where(rows[:, column] == spec.hidden, begins.lookup(rows[:, :column]), -1)
    sure = (found >= 0) & begins.edges.single[found]
    rows = rows.copy()
    rows[sure, column] = begins.values[begins.edges.first[found[sure]], 0]
    return rows


def require_begins(spec: Spec, begins: Table | None) -> None:
    """Refuse a table that does not say which hidden states fields begin in. Raises `InvalidFile`."""
    if begins is None:
        return
    require(spec.hidden > 0, "begins: there are no hidden states to begin in")
    begins.require_fits(spec)
    count = len(spec.state)
    named = begins.inputs == tuple(range(count)) and begins.targets == (count,)
    fits = named and len(begins) > 0 and begins.values.max() < spec.hidden
    require(fits, "begins: it must say for all fields which hidden state it is")


def require_starts(spec: Spec, rows: Lattice, episodes: int) -> None:
    """Refuse state rows that are not (`episodes`, width) int64, or outside of a field. Raises `InvalidValue`."""
    wanted = (episodes, spec.width)
    if rows.shape != wanted or rows.dtype != np.int64:
        raise InvalidValue(f"starts are {rows.dtype} of shape {rows.shape}: give int64 of shape {wanted}")
    fields = [*zip(spec.inner.names, spec.inner.fields, strict=True)]
    past = [*fields, *zip(spec.action.names, spec.action.fields, strict=True)]
    for column, (name, field) in enumerate([*fields, *past * spec.history]):
        low, high = bounds(field)
        outside = (rows[:, column] < low) | (rows[:, column] > high)
        if outside.any():
            row = int(outside.argmax())
            where = f"starts: row {row}, column {column} (`{name}`)"
            raise InvalidValue(f"{where} is {rows[row, column]}: its lattice values are from {low} to {high}")


def _column(start: Start, keys: Words, column: int) -> Lattice:
    """The starts (n,) of one field; a range of more than 2^30 steps is drawn in coarser ones."""
    words = draw(keys, 0, STREAM_START + COLUMNS_APART * column)
    if isinstance(start, StartRange):
        return start.low + drawn_up_to(start.high - start.low, words)
    return np.array(start.values, dtype=np.int64)[below(words, len(start.values))]


def drawn_up_to(span: int, words: Words) -> Lattice:
    """Numbers (n,) from 0 to `span`, drawn evenly by `words` (n,); more than 2^30 of them in coarser steps."""
    coarse = max(1, -(-(span + 1) // _FINEST))
    return np.minimum(below(words, -(-(span + 1) // coarse)) * coarse, span)
