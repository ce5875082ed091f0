"""CSV files as traces: one row a step, columns by name.

A header is a raw column (`state.angle`, `next.angle`, `episode`) or a plain name: a field of the spec, or, without one,
a guess: `action...` is the action; `reward`, `terminated`, `done` are outputs; what is left is the state. The action of
a row was taken in its state; where no `next.` columns say otherwise, the next row of the episode is what it led to.
Names of a set are separated by `|`; an empty cell is a missing value, but of a set the empty one.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import csv

from worldtwin.errors import InvalidValue, TracesError
from worldtwin.traces import PARTS, Traces, coded, sources
from worldtwin.world import Angle, Category, Field, Set, Space, Spec, hint

OUTPUTS: Final = frozenset({"reward", "terminated", "truncated", "done", "cost"})
_NUMBERS: Final = frozenset({"episode", "step"})
_ALSO: Final = frozenset({"synthetic", "marked"})
_MISSING: Final = ["", "NA", "null", "None"]
_PLACE: Final = re.compile(
    r"(?:In CSV column #(?P<column>\d+): )?(?:CSV parse error: )?Row #(?P<row>\d+): (?P<what>.*)", re.DOTALL
)


def import_csv(path: str | os.PathLike[str], traces: Traces, spec: Spec | None = None) -> int:
    """Store the rows of the CSV at `path`, all or none; how many were added: none when exactly this file was before.

    With `spec` (default: the store's) columns are its fields. The action of a row leads to the next row of its episode,
    unless `next.` columns say otherwise; without `episode` the file is one. Raises `TracesError` with line and column.
    """
    file = Path(path)
    content = digest_of_file(file)
    if content in traces.sources.values():
        return 0
    return add_table(read_table(file, spec or traces.spec), traces, f"file/{content} {content}")


def open_traces(path: str | os.PathLike[str], spec: Spec | None = None) -> Traces:
    """The trace store at `path`; when that is a CSV, the store beside it, holding the rows that the CSV has now."""
    file = Path(path)
    if file.suffix != ".csv":
        return Traces(file, spec)
    table, content = read_table(file, spec), digest_of_file(file)
    traces = Traces(file.with_suffix(".traces"), spec)
    add_table(table, traces, f"file/{file.name} {content}")
    return traces


def add_table(table: pa.Table, traces: Traces, source: str) -> int:
    """Store `table` as what `source` (`NAME DIGEST`) says now, unless it said the same before; the rows added."""
    name, _, content = source.rpartition(" ")
    if traces.sources.get(name) == content or not table.num_rows:
        return 0
    if "episode" in table.column_names:
        table = _with_own_episodes(table, traces)
    traces.append_once(table, source=source)
    return table.num_rows


def read_table(path: Path, spec: Spec | None = None) -> pa.Table:
    """The raw columns in the CSV at `path`. Raises `TracesError` naming line and column."""
    header = _header(path)
    names = {name: _raw_name(name, header, spec, path) for name in header}
    kinds = {raw: _kind(raw, spec) for raw in names.values()}
    table = _parsed(path, {name: kind for name, raw in names.items() if (kind := kinds[raw]) is not None})
    columns = {names[name]: _values(table.column(name)) for name in header}
    for part in ("state", "action"):
        if not any(name.startswith(f"{part}.") for name in columns):
            raise TracesError(f"{path.name}: no column is the {part}: call one `{part}.NAME`{_example(part, header)}")
    if spec is not None:
        _require_fields(path, columns, spec)
        columns = {name: _split_sets(name, column, spec) for name, column in columns.items()}
    return pa.table(columns)


def digest_of_file(path: Path) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of a file's bytes."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise TracesError(f"{path}: cannot be read: {error.strerror or error}") from error


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise TracesError(f"{path}: cannot be read: {reason}") from error
    names = csv.read_csv(pa.BufferReader(first.encode())).column_names if first.strip() else []
    for index, name in enumerate(names):
        if not name or name in names[:index]:
            what = f"`{name}` appears twice" if name else "a column has no name"
            raise TracesError(f"{path.name}:1: column {index + 1}: {what}: name each column once, in the first line")
    if not names:
        raise TracesError(f"{path.name}:1: the file is empty: its first line must name the columns")
    return names


def _parsed(path: Path, kinds: Mapping[str, pa.DataType]) -> pa.Table:
    try:
        return csv.read_csv(
            path,
            read_options=csv.ReadOptions(use_threads=False),
            convert_options=csv.ConvertOptions(
                column_types=dict(kinds), null_values=_MISSING, strings_can_be_null=True, true_values=["true", "True"],
                false_values=["false", "False"],
            ),
        )  # fmt: skip
    except (pa.ArrowException, OSError) as error:
        raise TracesError(_placed(path, str(error))) from error


def _placed(path: Path, message: str) -> str:
    found = _PLACE.search(message)
    if found is None:
        return f"{path.name}: {message.splitlines()[0]}"
    column = f"column `{_header(path)[int(found['column'])]}`: " if found["column"] else ""
    what = found["what"].removeprefix("CSV conversion error to ").splitlines()[0]
    kind, colon, rest = what.partition(": ")
    what = (
        f"{rest} is no {'whole number' if kind == 'int64' else 'number'}"
        if colon and kind in {"double", "int64"}
        else what
    )
    return f"{path.name}:{found['row']}: {column}{what.replace('invalid value ', '')}"


def _raw_name(name: str, header: list[str], spec: Spec | None, path: Path) -> str:
    part, dot, field = name.partition(".")
    if name in _NUMBERS | _ALSO or (dot and part in PARTS and field):
        return name
    if spec is None:
        return f"{_guessed_part(name)}.{_identifier(name)}"
    owner = _owner(name, spec)
    if owner is None:
        known = (*spec.state.names, *spec.action.names, *spec.outputs.names, *_NUMBERS)
        raise TracesError(f"{path.name}:1: column {header.index(name) + 1}: unknown field `{name}`{hint(name, known)}")
    return f"{owner}.{name}"


def _guessed_part(name: str) -> str:
    if re.match(r"action(?![a-z])", name, re.IGNORECASE):
        return "action"
    return "outputs" if name.lower() in OUTPUTS else "state"


def _identifier(name: str) -> str:
    clean = re.sub(r"\W", "_", name).strip("_") or "column"
    return f"n{clean}" if clean[0].isdigit() else clean


def _owner(name: str, spec: Spec) -> str | None:
    spaces = {"state": spec.state, "action": spec.action, "outputs": spec.outputs}
    for part, space in spaces.items():
        if name in space.names:
            return part
    angles = [field for field, kind in zip(spec.state.names, spec.state.fields, strict=True) if isinstance(kind, Angle)]
    return "state" if any(angle in name or name in angle for angle in angles) else None


def _kind(raw: str, spec: Spec | None) -> pa.DataType | None:
    """The type that a column must have, where the spec or its name says so."""
    if raw in _NUMBERS:
        return pa.int64()
    if raw == "synthetic":
        return pa.bool_()
    part, _, name = raw.partition(".")
    space = _space(part, spec)
    if raw == "marked" or (space is not None and name in space.names and isinstance(space.field(name), Category | Set)):
        return pa.string()
    return pa.float64() if space is not None and name in space.names else None


def _space(part: str, spec: Spec | None) -> Space | None:
    return None if spec is None else {"action": spec.action, "outputs": spec.outputs}.get(part, spec.state)


def _values(column: Any) -> Any:  # noqa: ANN401 - pyarrow's columns have no types
    return column.cast(pa.string()) if pa.types.is_temporal(column.type) else column


def _require_fields(path: Path, columns: Mapping[str, Any], spec: Spec) -> None:
    for part, space in (("state", spec.state), ("action", spec.action)):
        found = sources(space, part, dict.fromkeys(columns, ""))
        missing = [name for name, source in found.items() if not source.columns]
        if missing:
            raise TracesError(f"{path.name}:1: no column for {part}.{missing[0]}: the first line must name every field")


def _split_sets(name: str, column: Any, spec: Spec) -> Any:  # noqa: ANN401 - pyarrow's columns have no types
    part, _, field_name = name.partition(".")
    space = _space(part, spec)
    field: Field | None = space.field(field_name) if space is not None and field_name in space.names else None
    if not isinstance(field, Set):
        return column
    split: Callable[[str], list[str]] = lambda text: [item for item in re.split(r"[|;\s]+", text) if item]  # noqa: E731
    return pa.array([split(text or "") for text in column.to_pylist()], pa.list_(pa.string()))


def _with_own_episodes(table: pa.Table, traces: Traces) -> pa.Table:
    """The file's episodes 0, 1, 2, ... become numbers that no other writer has."""
    names, places = coded(table.column("episode"))
    if (places < 0).any():
        raise InvalidValue("some rows have no episode: give each row its number, or leave the column out")
    numbers = pa.array(places + traces.begin(len(names)), pa.int64())
    return table.set_column(table.column_names.index("episode"), "episode", numbers)


def _example(part: str, header: list[str]) -> str:
    others = [name for name in header if name not in _NUMBERS | OUTPUTS]
    return f" (such as `{part}.{others[-1]}` instead of `{others[-1]}`)" if others else ""
