"""Parquet: the columns have types already; rows are read a batch at a time.

A few hundred bytes can hold a list of any length, in one row that cannot be read in parts: lists are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from worldtwin.errors import TracesError
from worldtwin.recording.tables.limits import LONGEST_TEXT, MOST_COLUMNS, MOST_ROWS, PIECE_ROWS
from worldtwin.recording.tables.parquet_pages import MOST_BYTES, rows_at_a_time

MOST_ENTRIES: Final = 1_000_000
"""Entries of any list in the file's description of itself."""

MOST_VALUES: Final = 1 << 25
"""Values of all columns together that are read at a time."""

BUFFER_BYTES: Final = 1 << 20
_NAMES: Final = pa.list_(pa.string())


def read_parquet(
    path: Path, kinds_of: Callable[[Mapping[str, str]], dict[str, pa.DataType | None]]
) -> Iterator[pa.Table]:
    """The rows of the file at `path`, at most `PIECE_ROWS` at a time, fewer of many columns or of long texts.

    Raises `TracesError` with column and row.
    """
    try:
        with _opened(path, []) as file:
            names = _names(path, file)
            kinds = kinds_of({name: f"{path.name}: column {index + 1}" for index, name in enumerate(names)})
            schema = file.schema_arrow
            _require_plain(path, schema)
            texts = [name for name in names if _is_text(schema.field(name).type)]
            most = min(PIECE_ROWS, max(1, MOST_VALUES // len(names)), rows_at_a_time(path, file.metadata))
        with _opened(path, texts) as file:
            first = 1
            for batch in file.iter_batches(batch_size=most):
                batch.validate(full=True)
                if first + batch.num_rows > MOST_ROWS + 1:
                    raise TracesError(f"{path.name}: more than {MOST_ROWS:,} rows: divide the file")
                for part in _parts(batch, path):
                    table = pa.Table.from_batches([part])
                    yield pa.table({name: _converted(table, name, kinds[name], path, first) for name in names})
                    first += part.num_rows
            if first == 1:
                yield pa.table({name: pa.nulls(0) for name in names})
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        what = (
            error.strerror if isinstance(error, OSError) and error.strerror else f"not a whole Parquet file: {reason}"
        )
        raise TracesError(f"{path}: cannot be read: {what}") from error


def _opened(path: Path, texts: list[str]) -> parquet.ParquetFile:
    """The file, whose `texts` stay coded, so that one long text in many rows takes no room."""
    return parquet.ParquetFile(
        path,
        read_dictionary=texts,
        buffer_size=BUFFER_BYTES,
        pre_buffer=False,
        thrift_container_size_limit=MOST_ENTRIES,
    )


def _names(path: Path, file: parquet.ParquetFile) -> list[str]:
    if file.metadata.num_columns > MOST_COLUMNS:
        raise TracesError(f"{path.name}: more than {MOST_COLUMNS:,} columns: leave out those that no field needs")
    if file.metadata.num_rows > MOST_ROWS:
        raise TracesError(f"{path.name}: more than {MOST_ROWS:,} rows: divide the file")
    names = file.schema_arrow.names
    for index, name in enumerate(names):
        if not name or name in names[:index]:
            what = f"`{name}` appears twice" if name else "it has no name"
            raise TracesError(f"{path.name}: column {index + 1}: {what}: name each column once")
    return names


def _require_plain(path: Path, schema: pa.Schema) -> None:
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if not (_is_number(kind) or _is_text(kind) or pa.types.is_temporal(kind)):
            raise TracesError(
                f"{path.name}: column `{field.name:.60}` holds {str(kind)[:60]} values: a column is of numbers, texts "
                "or dates; write a set as one text, `a|b`, and give each part of anything else a column of its own"
            )


def _parts(batch: pa.RecordBatch, path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of `batch`, halved until their texts take at most `MOST_BYTES` when each row has its own."""
    texts = [
        (name, column) for name, column in zip(batch.schema.names, batch.columns, strict=True) if _is_coded(column)
    ]
    for name, column in texts:
        _require_short(column, name, path)
    if batch.num_rows > 1 and sum(_text_bytes(column) for _, column in texts) > MOST_BYTES:
        half = batch.num_rows // 2
        yield from _parts(batch.slice(0, half), path)
        yield from _parts(batch.slice(half), path)
    else:
        yield batch


def _is_coded(column: Any) -> bool:  # noqa: ANN401 - pyarrow's columns have no types
    return pa.types.is_dictionary(column.type) and _is_text(column.type.value_type)


def _text_bytes(column: Any) -> int:  # noqa: ANN401 - pyarrow's columns have no types
    lengths = pc.binary_length(column.dictionary)  # pyright: ignore[reportAttributeAccessIssue] - made at run time
    return pc.sum(lengths.take(column.indices)).as_py() or 0  # pyright: ignore[reportAttributeAccessIssue] - made at run time


def _require_short(column: Any, name: str, path: Path) -> None:  # noqa: ANN401 - pyarrow's columns have no types
    longest = pc.max(pc.utf8_length(column.dictionary)).as_py()  # pyright: ignore[reportAttributeAccessIssue] - made at run time
    if (longest or 0) > LONGEST_TEXT:
        raise TracesError(f"{path.name}: column `{name:.60}` has a text of more than {LONGEST_TEXT:,} characters")


def _converted(table: pa.Table, name: str, kind: pa.DataType | None, path: Path, first: int) -> Any:  # noqa: ANN401 - pyarrow's columns have no types
    """A column as `kind` says. `first` is the number of its first row."""
    column = table.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if _is_text(column.type):
        column = column.cast(pa.string())
    held = column.type
    if kind is None or held == kind or pa.types.is_null(held):
        return column
    fitting = {
        pa.string(): pa.types.is_string(held) or _is_number(held),
        _NAMES: pa.types.is_string(held),
    }
    if not fitting.get(kind, _is_number(held)):
        raise TracesError(f"{path.name}: column `{name}` holds {held} values, row {first} the first: {_wish(kind)}")
    if kind == _NAMES:
        return column
    return _cast(column, kind, f"{path.name}: column `{name}`", first)


def _cast(column: Any, kind: pa.DataType, where: str, first: int) -> Any:  # noqa: ANN401 - pyarrow's columns have no types
    if pa.types.is_boolean(column.type) and kind == pa.float64():
        column = column.cast(pa.int64())
    try:
        return column.cast(kind, safe=kind != pa.float64())
    except pa.ArrowException as error:
        for row, value in enumerate(column, first):
            try:
                pa.chunked_array([pa.array([value.as_py()], column.type)]).cast(kind)
            except pa.ArrowException:
                raise TracesError(f"{where}: row {row}: {value.as_py()!r:.60}: {_wish(kind)}") from error
        raise


def _wish(kind: pa.DataType) -> str:
    known = {pa.int64(): "whole numbers", pa.string(): "names", pa.bool_(): "true or false", _NAMES: "names"}
    return f"{known.get(kind, 'numbers')} are needed"


def _is_number(kind: pa.DataType) -> bool:
    types = pa.types
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
    return any(test(kind) for test in tests)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
