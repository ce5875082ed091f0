"""The episode and the step of each row of a file, in numbers that no other writer has."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from worldtwin.errors import TracesError
from worldtwin.recording.tables.naming import ENDINGS, TIME
from worldtwin.traces import coded

Rows = NDArray[np.int64]


class Numbering:
    """Numbers the rows of a file, piece after piece. `begin` reserves the numbers of new episodes.

    Where the file does not name its episodes, one ends with `terminated`, `truncated` or `done`, and where `step` does
    not go on or `time` goes back. Rows without `step` are counted, for each episode from 0.
    """

    def __init__(self, begin: Callable[[int], int], name: str) -> None:
        self._begin, self._name = begin, name
        self._numbers: dict[object, int] = {}
        self._counts: dict[int, int] = {}
        self._current = -1
        self._over = True
        self._last: dict[str, Any] = {}
        self._rows = 0

    def numbered(self, table: pa.Table) -> pa.Table:
        """The next rows of the file, `table`, with both numbers and without their time."""
        episodes = self._named(table) if "episode" in table.column_names else self._found(table)
        steps = table.column("step") if "step" in table.column_names else pa.array(self._counted(episodes))
        self._rows += table.num_rows
        rest = [name for name in table.column_names if name not in ("episode", "step", TIME)]
        return pa.table({"episode": pa.array(episodes), "step": steps, **{name: table.column(name) for name in rest}})

    def _named(self, table: pa.Table) -> Rows:
        names, places = coded(table.column("episode"))
        if (places < 0).any():
            row = self._rows + int(np.argmax(places < 0)) + 1
            raise TracesError(f"{self._name}: row {row} has no episode: give each row its number, or leave it out")
        new = [name for name in names if name not in self._numbers]
        if new:
            self._numbers.update(zip(new, range(first := self._begin(len(new)), first + len(new)), strict=True))
        return np.array([self._numbers[name] for name in names], dtype=np.int64)[places]

    def _found(self, table: pa.Table) -> Rows:
        count = table.num_rows
        starts = np.zeros(count, dtype=np.bool_)
        over = np.zeros(count, dtype=np.bool_)
        for name in ENDINGS:
            if f"outputs.{name}" in table.column_names:
                over |= _is_set(table.column(f"outputs.{name}"))
        starts[:1], starts[1:] = self._over, over[:-1]
        for name, pause in (("step", 1), (TIME, 0)):
            if name in table.column_names:
                starts |= self._goes_back(name, self._ordered(name, table.column(name)), pause)
        new = int(starts.sum())
        first = self._begin(new) if new else 0
        places = np.cumsum(starts)
        episodes = np.where(places > 0, first + places - 1, self._current)
        self._over = bool(over[-1]) if count else self._over
        self._current = int(episodes[-1]) if count else self._current
        return episodes

    def _ordered(self, name: str, column: Any) -> Any:  # noqa: ANN401 - pyarrow's columns have no types
        """Numbers (n,) that compare as the steps or times do; one that is missing is the one before."""
        try:
            values = pc.fill_null_forward(_as_numbers(column)).to_numpy()  # pyright: ignore[reportAttributeAccessIssue] - made at run time
        except pa.ArrowException as error:
            example = "numbers, or dates such as 2026-01-31 12:00:00"
            raise TracesError(
                f"{self._name}: column `{name}` holds {column.type} values, no times: give {example}"
            ) from error
        return values

    def _goes_back(self, name: str, values: Any, pause: int) -> NDArray[np.bool_]:  # noqa: ANN401 - an array (n,)
        if not len(values):
            return np.zeros(0, dtype=np.bool_)
        before = np.concatenate([[self._last.get(name, values[0] - pause)], values[:-1]])
        self._last[name] = values[-1]
        return values < before + pause

    def _counted(self, episodes: Rows) -> Rows:
        """For each row (n,) how many rows of its episode came before."""
        order = np.argsort(episodes, kind="stable")
        ordered = episodes[order]
        firsts = np.r_[True, ordered[1:] != ordered[:-1]][: len(ordered)]
        rows = np.arange(len(ordered))
        within = rows - np.maximum.accumulate(np.where(firsts, rows, 0))
        counts = np.zeros(len(ordered), dtype=np.int64)
        names, sizes = np.unique(ordered, return_counts=True)
        earlier = np.array([self._counts.get(name, 0) for name in names.tolist()], dtype=np.int64)
        counts[order] = within + np.repeat(earlier, sizes)
        self._counts.update(zip(names.tolist(), (earlier + sizes).tolist(), strict=True))
        return counts


def _as_numbers(column: Any) -> Any:  # noqa: ANN401 - pyarrow's columns have no types
    kind = column.type
    if pa.types.is_string(kind):
        column = column.cast(pa.timestamp("us", "UTC")) if _has_zone(column) else column.cast(pa.timestamp("us"))
    elif pa.types.is_date(kind):
        column = column.cast(pa.timestamp("ms"))
    elif pa.types.is_time32(kind):
        column = column.cast(pa.int32())
    return column if _is_plain(column.type) else column.cast(pa.int64())


def _is_plain(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind)


def _has_zone(column: Any) -> bool:  # noqa: ANN401 - pyarrow's columns have no types
    first = next((text for text in column.to_pylist() if text), "")
    return re.search(r"(Z|[+-]\d\d:?\d\d)$", first) is not None


def _is_set(column: Any) -> NDArray[np.bool_]:  # noqa: ANN401 - pyarrow's columns have no types
    """Which rows (n,) say yes; a text says nothing."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int64())
    if not _is_plain(column.type):
        return np.zeros(len(column), dtype=np.bool_)
    values = column.to_numpy().astype(np.float64)
    return np.isfinite(values) & (values != 0)
