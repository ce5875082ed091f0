"""What a store adds to rows that are appended: episode and step numbers, and marks of readings that cannot be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from worldtwin.errors import TracesError
from worldtwin.traces.columns import PARTS, READING
from worldtwin.traces.lattice_rows import MISSING, Part, complaint, part_of
from worldtwin.world import Space, Spec

MOST_EPISODES: Final = 1 << 40
_HIGHEST: Final = {"episode": MOST_EPISODES, "step": 1 << 40}


def completed(table: pa.Table, begin: Callable[[int], int], *, synthetic: bool, where: str) -> pa.Table:
    """`table` with a new episode, steps counted on from 0, and nothing marked, where it does not say otherwise."""
    count = table.num_rows
    if "episode" not in table.column_names:
        table = table.append_column("episode", pa.array(np.full(count, begin(1) if count else 0)))
    if "step" not in table.column_names:
        table = table.append_column("step", pa.array(_counted(table.column("episode").to_numpy())))
    if "synthetic" not in table.column_names:
        table = table.append_column("synthetic", pa.array(np.full(count, synthetic)))
    if "marked" not in table.column_names:
        table = table.append_column("marked", pa.array([""] * count, pa.string()))
    for name, highest in _HIGHEST.items():
        numbers = table.column(name).to_numpy()
        if count and not 0 <= int(numbers.min()) <= int(numbers.max()) < highest:
            raise TracesError(f"{where}: column `{name}` must be whole numbers from 0 to 2^40")
    return table


def marked(table: pa.Table, spec: Spec | None) -> pa.Table:
    """`table` with a mark on each row that has a reading which is NaN or, as far as there is a `spec`, out of range."""
    marks = table.column("marked").to_pylist()
    clean = len(marks) - sum(map(bool, marks))
    for rows, sentence in [*_nan_readings(table), *(_wrong_readings(table, spec) if spec else [])]:
        for row in np.flatnonzero(rows).tolist():
            marks[row] = marks[row] or READING + sentence
    if clean == len(marks) - sum(map(bool, marks)):
        return table
    return table.set_column(table.column_names.index("marked"), "marked", pa.array(marks, pa.string()))


def _counted(episodes: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = np.arange(len(episodes))
    starts = np.r_[True, episodes[1:] != episodes[:-1]][: len(episodes)]
    return rows - np.maximum.accumulate(np.where(starts, rows, 0))


def _nan_readings(table: pa.Table) -> list[tuple[NDArray[np.bool_], str]]:
    found: list[tuple[NDArray[np.bool_], str]] = []
    for field in table.schema:
        if pa.types.is_floating(field.type):
            column = table.column(field.name)
            bad = np.isnan(column.to_numpy()) & column.is_valid().to_numpy()
            if bad.any():
                found.append((bad, f"{field.name} is not a number"))
    return found


def _wrong_readings(table: pa.Table, spec: Spec) -> list[tuple[NDArray[np.bool_], str]]:
    found: list[tuple[NDArray[np.bool_], str]] = []
    for part in PARTS:
        space = {"action": spec.action, "outputs": spec.outputs}.get(part, spec.state)
        rows = part_of(space, part, table)
        if not rows.valid.all():
            found += _complaints(space, part, rows)
    return found


def _complaints(space: Space, part: str, rows: Part) -> list[tuple[NDArray[np.bool_], str]]:
    found: list[tuple[NDArray[np.bool_], str]] = []
    for column in range(len(space)):
        for wrong in set(rows.wrong[:, column].tolist()) - {0, MISSING}:
            found += [(rows.wrong[:, column] == wrong, complaint(part, space, column, wrong))]
    return found
