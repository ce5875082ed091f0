"""Made-up data, by the same door as measured data and always marked: from rules (a generator) or from a file.

Rules yield (state, action, next) or (state, action, next, outputs), each a mapping by field name, or a bare value where
the space has one field. What is out of range is kept, marked, and not learned from, like any reading.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa

from worldtwin.errors import InvalidFile, InvalidValue, TracesError
from worldtwin.recording.tables.importing import add_tables, content_of
from worldtwin.recording.tables.reading import read_table
from worldtwin.traces import SYNTHETIC, Traces, column_of, require_no_pictures
from worldtwin.world import Space, Spec, Synthetic, digest_of, hint

Row: TypeAlias = tuple[Any, ...]
Rules: TypeAlias = Iterable[Row] | Callable[[], Iterable[Row]]

MOST_ROWS: Final = 10_000_000
"""Rules that yield more are taken to never end."""


def add_synthetic(source: Synthetic, traces: Traces, spec: Spec | None = None, *, folder: str | Path = ".") -> int:
    """Add what one entry of a plan's `synthetic` says, relative to `folder`; the rows added: none when nothing changed.

    When the file's content has changed, its new rows replace its older ones.
    """
    path = Path(folder) / source.path
    if source.kind == "rules":
        return synthetic_rules(path, traces, spec, share=source.share)
    return synthetic_file(path, traces, spec, share=source.share)


def synthetic_file(
    path: str | os.PathLike[str], traces: Traces, spec: Spec | None = None, *, share: float | None = None
) -> int:
    """Add the rows of the file at `path`, marked as made up; how many. Raises `TracesError` with line and column.

    In a file with `next.` columns but no `episode` each row stands alone: one that was not filled in leads nowhere.
    """
    file = Path(path)
    table = read_table(file, spec or traces.spec)
    if "episode" not in table.column_names and _has_nexts(table):
        table = table.append_column("episode", pa.array(np.arange(table.num_rows)))
    return _add(table, traces, file.name, content_of(file), share)


def synthetic_rules(
    rules: str | os.PathLike[str] | Rules,
    traces: Traces,
    spec: Spec | None = None,
    *,
    name: str = "",
    share: float | None = None,
) -> int:
    """Add what `rules` yield: transitions, or a function of none that yields them, or a .py file with `transitions()`.

    How many were added. Raises `InvalidValue` naming row and field that do not fit, `InvalidFile` for a broken file.
    """
    known = spec or traces.spec
    if known is None:
        raise InvalidValue("rules need a spec: they yield its fields; give one, or bind the traces to one")
    require_no_pictures(known, name or "rules")
    if isinstance(rules, str | os.PathLike):
        name = name or Path(rules).name
        rules = _function_in(Path(rules))
    rows = rules() if callable(rules) else rules
    table = _table(rows, known, name or "rules")
    content = digest_of("rules", repr(table.to_pydict()).encode())[:16]
    return _add(table, traces, name or "rules", content, share)


def _add(table: pa.Table, traces: Traces, name: str, content: str, share: float | None) -> int:
    """Add `table`, thinned where it would be more than `share` of all rows.

    Evenly where rows say themselves what they led to; else the first ones, as a row leads to the one that follows it.
    """
    if not table.num_rows:
        raise TracesError(f"{name} has no rows: give it some, or remove it from `synthetic`")
    measured = traces.measured_rows
    if share is not None and share < 1 and measured:
        most = max(1, int(measured * share / (1 - share)))
        if table.num_rows > most:
            last = table.num_rows - 1 if _has_nexts(table) else most - 1
            if _has_nexts(table) and "step" not in table.column_names:  # or rows would seem to follow what is left out
                table = table.append_column("step", pa.array(np.arange(table.num_rows)))
            table = table.take(pa.array(np.linspace(0, last, most).astype(np.int64)))
            content = f"{content}-{most}"
    if "synthetic" in table.column_names:
        table = table.drop_columns(["synthetic"])
    return add_tables([table], traces, f"{SYNTHETIC}{name} {content}")


def _has_nexts(table: pa.Table) -> bool:
    return any(name.startswith("next.") for name in table.column_names)


def _table(rows: Iterable[Row], spec: Spec, name: str) -> pa.Table:
    spaces = (("state", spec.state), ("action", spec.action), ("next", spec.state), ("outputs", spec.outputs))
    columns: dict[str, list[Any]] = {f"{part}.{field}": [] for part, space in spaces for field in space.names}
    count = 0
    for count, row in enumerate(rows, 1):
        _require_row(row, count, spec, name)
        for (part, space), values in zip(spaces, row, strict=False):
            for field, value in _named(values, space, f"{name}: row {count}: {part}").items():
                columns[f"{part}.{field}"].append(value)
    numbers = {"episode": list(range(count)), "step": [0] * count}
    return pa.table({**numbers, **{key: column_of(values) for key, values in columns.items()}})


def _require_row(row: object, count: int, spec: Spec, name: str) -> None:
    wanted = 4 if len(spec.outputs) else 3
    if count > MOST_ROWS:
        raise InvalidValue(f"{name}: more than {MOST_ROWS:,} rows: rules must end")
    if not isinstance(row, tuple | list) or len(row) != wanted:
        parts = "(state, action, next, outputs)" if wanted == 4 else "(state, action, next)"
        raise InvalidValue(f"{name}: row {count}: {row!r:.60} is not {parts}")


def _named(values: Any, space: Space, where: str) -> Mapping[str, Any]:  # noqa: ANN401 - whatever the rules yield
    if not isinstance(values, Mapping):
        if len(space) != 1:
            raise InvalidValue(f"{where}: {values!r:.60} has no names: yield a mapping of {', '.join(space.names)}")
        return {space.names[0]: values}
    for name in values:
        if name not in space.names:
            raise InvalidValue(f"{where}: unknown field `{name}`{hint(name, space.names)}")
    missing = [name for name in space.names if name not in values]
    if missing:
        raise InvalidValue(f"{where}: missing field `{missing[0]}`")
    return values


def _function_in(path: Path) -> Callable[[], Iterable[Row]]:
    """The function `transitions` of the user's own Python file, which is run."""
    spec = importlib.util.spec_from_file_location(f"worldtwin_rules_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise InvalidFile(f"{path}: no such Python file")
    module = importlib.util.module_from_spec(spec)
    before = sys.path[:]
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InvalidFile(f"{path}: {type(error).__name__}: {error}") from error
    finally:
        sys.path[:] = before
    function = getattr(module, "transitions", None)
    if not callable(function):
        raise InvalidFile(f"{path}: defines no function `transitions()` that yields (state, action, next)")
    return function  # pyright: ignore[reportReturnType] - what it returns is checked row by row
