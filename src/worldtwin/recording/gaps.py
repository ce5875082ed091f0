"""The least-known pairs of state and action: what is worth recording, or making up, next."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

import numpy as np
import pyarrow as pa

from worldtwin.errors import TracesError
from worldtwin.traces import Traces, require_no_pictures
from worldtwin.world import Category, Field, Integer, Lattice, Set, Space, Spec, Transitions, decode, size

CELLS: Final = 8
"""Into how many cells the recorded range of a number is divided."""

MOST_PAIRS: Final = 200_000


def gaps(traces: Traces, spec: Spec | None = None, *, rows: int = 100) -> pa.Table:
    """At most `rows` pairs of a state (from where something was recorded) and an action, the least-known first.

    Columns `state.` and `action.` hold the pair, `known` counts the transitions recorded nearby; `next.` and `outputs.`
    are to be filled in: `worldtwin.recording.synthetic_file` reads the result. Raises `TracesError` for an empty store.
    """
    known = spec or traces.spec
    if known is not None:
        require_no_pictures(known, "gaps to fill in by hand")
    recorded = traces.transitions(known).transitions
    if known is None or not len(recorded):
        raise TracesError(f"{traces.path.name} has no usable transitions yet: record some runs first")
    states, actions, counts = _least_known(known, recorded, rows)
    columns: dict[str, Any] = {
        **_physical("state", known.state, states),
        **_physical("action", known.action, actions),
        "known": pa.array(counts),
    }
    for part, space in (("next", known.state), ("outputs", known.outputs)):
        columns.update({f"{part}.{name}": pa.nulls(len(counts), pa.string()) for name in space.names})
    return pa.table(columns)


def gaps_csv(traces: Traces, spec: Spec | None = None, *, rows: int = 100) -> str:
    """`gaps` as the text of a CSV file, to be filled in."""
    table = gaps(traces, spec, rows=rows).drop_columns(["known"])
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(zip(*[column.to_pylist() for column in table.columns], strict=True))
    return target.getvalue()


def _least_known(spec: Spec, recorded: Transitions, rows: int) -> tuple[Lattice, Lattice, Lattice]:
    """States (n, fields), actions (n, action fields) and counts (n,), one pair for each cell of pairs, rarest first."""
    state_cells, action_cells = _cells(spec.state, recorded.states), _cells(spec.action, recorded.actions)
    visited, first, place = np.unique(state_cells, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(np.bincount(place.ravel()))
    choices = _choices(spec.action, recorded.actions)
    most = max(1, MOST_PAIRS // len(choices))
    keep = order[:most]
    choice_cells = _cells(spec.action, choices, recorded.actions)
    pairs, counts = np.unique(np.concatenate([state_cells, action_cells], axis=1), axis=0, return_counts=True)
    known = {tuple(pair): count for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True)}
    found = [
        (known.get((*visited[cell].tolist(), *choice.tolist()), 0), position, int(first[cell]), number)
        for position, cell in enumerate(keep.tolist())
        for number, choice in enumerate(choice_cells)
    ]
    found.sort()
    chosen = found[:rows]
    return (
        recorded.states[[row for _, _, row, _ in chosen]],
        choices[[number for _, _, _, number in chosen]],
        np.array([count for count, _, _, _ in chosen], dtype=np.int64),
    )


def _cells(space: Space, values: Lattice, seen: Lattice | None = None) -> Lattice:
    """The cell of each value (n, fields): itself where there are few, else one of 8 over the range that was seen."""
    low = (values if seen is None else seen).min(axis=0)
    high = (values if seen is None else seen).max(axis=0)
    wide = np.maximum(high - low + 1, 1)
    cells = np.clip((values - low) * CELLS // wide, -1, CELLS)
    exact = np.array([_is_exact(field) for field in space.fields])
    return np.where(exact, values, cells)


def _is_exact(field: Field) -> bool:
    return isinstance(field, Category | Set) or (isinstance(field, Integer) and size(field) <= 4 * CELLS)


def _choices(space: Space, seen: Lattice) -> Lattice:
    """Actions to ask about (n, action fields): every value of categories, ends and middle of what else was seen."""
    columns = [_asked(field, seen[:, index]) for index, field in enumerate(space.fields)]
    grid = np.meshgrid(*columns, indexing="ij")
    return np.stack([axis.ravel() for axis in grid], axis=1)[:4096]


def _asked(field: Field, seen: Lattice) -> Lattice:
    if isinstance(field, Category):
        return np.arange(size(field))
    if isinstance(field, Set):
        return np.unique(seen)
    return np.unique(np.linspace(seen.min(), seen.max(), 5).astype(np.int64))


def _physical(part: str, space: Space, rows: Lattice) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for index, (name, field) in enumerate(zip(space.names, space.fields, strict=True)):
        values = [decode(field, value) for value in rows[:, index].tolist()]
        columns[f"{part}.{name}"] = pa.array(["|".join(sorted(v)) if isinstance(v, frozenset) else v for v in values])
    return columns
