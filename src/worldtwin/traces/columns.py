"""The raw columns of a trace store, and the Arrow batch that holds some rows of them.

episode, step            int64: rows of one episode are counted from 0
state.NAME, action.NAME  physical values: float64, int64, text, a list of names, or the bytes of a picture
next.NAME                the state after the step; where it is missing, the state of the next row is meant
outputs.NAME             what else the step showed
synthetic                whether it was made up
marked                   empty, or what is wrong with the row
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa

from worldtwin.errors import TracesError
from worldtwin.world import hint

PARTS: Final = ("state", "action", "next", "outputs")
READING: Final = "reading "
"""How a mark begins that is about a value, and is judged anew by whoever reads it."""

Columns: TypeAlias = pa.Table | pa.RecordBatch | Mapping[str, Any]
_FIXED: Final = {"episode": pa.int64(), "step": pa.int64(), "synthetic": pa.bool_(), "marked": pa.string()}
_KINDS: Final = {
    "whole": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
    "names": pa.list_(pa.string()),
    "picture": pa.binary(),
}


def table_of(columns: Columns, where: Path) -> pa.Table:
    """`columns` as a table with the types of a store. Raises `TracesError` naming the column that does not fit."""
    arrays: dict[str, Any] = {}
    for name in columns if isinstance(columns, Mapping) else columns.schema.names:
        _require_name(name, where)
        values = columns[name]
        try:
            arrays[name] = _fixed(name, values) if name in _FIXED else column_of(values)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise TracesError(f"{where.name}: column `{name}` cannot be stored: {error}") from error
    if len({len(array) for array in arrays.values()}) > 1:
        sizes = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise TracesError(f"{where.name}: the columns have different lengths: {sizes}")
    return pa.table(arrays)


def column_of(values: object) -> pa.Array | pa.ChunkedArray:
    """`values` as whole numbers, numbers, texts, lists of names or pictures: the first that holds them all."""
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return _plain_column(values)
    items = values if isinstance(values, np.ndarray) and values.dtype != object else _items(values)
    try:
        return _plain_column(pa.array(items))
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return _mixed_column(_items(values))


def coded(column: Any) -> tuple[list[Any], Any]:  # noqa: ANN401 - pyarrow's columns have no types
    """The different values of a column, and for each row (n,) which of them it has; -1 for none."""
    found = column.combine_chunks().dictionary_encode()
    if isinstance(found, pa.ChunkedArray):
        found = found.chunk(0)
    return found.dictionary.to_pylist(), found.indices.fill_null(-1).to_numpy(zero_copy_only=False)


def kind_of(column: pa.DataType) -> str:
    """`whole`, `number`, `text`, `names` or `picture`."""
    return next(kind for kind, known in _KINDS.items() if known == column)


def also(kinds: str, kind: str) -> str:
    """The kinds that a column has had, `whole+text`, and `kind`."""
    return "+".join(sorted({*filter(None, kinds.split("+")), kind}))


def wider(first: str, second: str) -> str:
    """The kind that holds the values of both kinds."""
    if first == second:
        return first
    return "number" if {first, second} == {"whole", "number"} else "text"


def encode_batch(table: pa.Table, writer: str, written: str) -> bytes:
    """`table` as one Arrow stream, compressed, that says who wrote it, and when (or "")."""
    sink = pa.BufferOutputStream()
    named = table.replace_schema_metadata({"writer": writer, **({"written": written} if written else {})})
    with pa.ipc.new_stream(sink, named.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as stream:
        stream.write_table(named)
    return sink.getvalue().to_pybytes()


def decode_batch(body: bytes) -> tuple[pa.Table, str]:
    """The table in `body`, and who wrote it."""
    table = pa.ipc.open_stream(body).read_all()
    metadata = table.schema.metadata or {}
    return table.replace_schema_metadata(None), os.fsdecode(metadata.get(b"writer", b""))


def join_tables(tables: Sequence[pa.Table]) -> pa.Table:
    """All rows of `tables`; a column that one of them lacks is missing there, one of two kinds takes the wider one."""
    kinds: dict[str, str] = {}
    for table in tables:
        for field in table.schema:
            if field.name not in _FIXED and field.name != "writer":
                kind = kind_of(field.type)
                kinds[field.name] = wider(kinds.get(field.name, kind), kind)
    alike = [_as_kinds(table, kinds) for table in tables]
    joined = pa.concat_tables(alike, promote_options="default")
    return joined.select(sorted(joined.column_names, key=_rank))


def _as_kinds(table: pa.Table, kinds: Mapping[str, str]) -> pa.Table:
    for index, field in enumerate(table.schema):
        wanted = _KINDS.get(kinds.get(field.name, ""), field.type)
        if wanted != field.type:
            column = table.column(index)
            if pa.types.is_binary(field.type):
                column = pa.chunked_array([[None if item is None else item.hex() for item in column.to_pylist()]])
            elif pa.types.is_list(field.type):
                column = pa.chunked_array([[None if item is None else "|".join(item) for item in column.to_pylist()]])
            table = table.set_column(index, field.name, column.cast(wanted))
    return table


def _rank(name: str) -> int:
    return ("episode", "step", *PARTS, "synthetic", "writer", "marked").index(name.partition(".")[0])


def _require_name(name: str, where: Path) -> None:
    part, dot, field = name.partition(".")
    if name in _FIXED or (dot and part in PARTS and field):
        return
    known = (*_FIXED, *(f"{part}.NAME" for part in PARTS))
    raise TracesError(f"{where.name}: unknown column `{name}`{hint(name, known)}")


def _fixed(name: str, values: object) -> pa.Array | pa.ChunkedArray:
    array: Any = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(_items(values))
    array = array.cast(_FIXED[name])
    if array.null_count:
        raise ValueError(f"{array.null_count} of its values are missing")
    return array


def written_in(body: bytes) -> str:
    """When the batch in `body` was written, as it says; "" when it does not."""
    metadata = pa.ipc.open_stream(body).schema.metadata or {}
    return os.fsdecode(metadata.get(b"written", b""))


def _plain_column(array: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _plain_column(array.cast(kind.value_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return array.cast(pa.list_(pa.string()))
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return array.cast(pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return array.cast(pa.float64())
    return array if pa.types.is_binary(kind) else array.cast(pa.string())


def _mixed_column(items: list[object]) -> pa.Array:
    if all(item is None or isinstance(item, int | float | np.number) for item in items):
        return pa.array([None if item is None else float(item) for item in items], pa.float64())  # pyright: ignore[reportArgumentType]
    return pa.array([None if item is None else _stored_text(item) for item in items], pa.string())


def _stored_text(item: object) -> str:
    """`item` as text; half a surrogate pair, which no file can hold, is written as its escape."""
    return str(item).encode("utf-8", "backslashreplace").decode("utf-8")


def _items(values: object) -> list[object]:
    if isinstance(values, np.ndarray):
        return values.tolist()
    if not isinstance(values, Iterable) or isinstance(values, str):
        raise TypeError(f"{values!r:.40} is no column of values")
    items = list(values)
    if not any(isinstance(item, set | frozenset) for item in items[:1]):
        return items
    return [sorted(item) if isinstance(item, set | frozenset) else item for item in items]
