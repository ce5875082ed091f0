"""CSV: the first line names the columns; an empty cell is a missing value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import csv

from worldtwin.errors import TracesError
from worldtwin.recording.tables.limits import LONGEST_LINE, MOST_COLUMNS, MOST_ROWS

_MISSING: Final = ["", "NA", "null", "None"]
_TRUE: Final = ["true", "True", "TRUE"]
_FALSE: Final = ["false", "False", "FALSE"]
_PLACE: Final = re.compile(
    r"(?:In CSV column #(?P<column>\d+): )?(?:CSV parse error: )?Row #(?P<row>\d+): (?P<what>.*)", re.DOTALL
)
_NO_NUMBER: Final = re.compile(
    rf"In CSV column #(\d+): .*CSV conversion error to (?:double|int64): invalid value '({'|'.join(_TRUE + _FALSE)})'",
    re.DOTALL,
)


def read_csv(path: Path, kinds_of: Callable[[Mapping[str, str]], dict[str, pa.DataType | None]]) -> Iterator[pa.Table]:
    """The rows of the CSV at `path`, at once. Raises `TracesError` with line and column."""
    header = _header(path)
    kinds = kinds_of({name: f"{path.name}:1: column {index + 1}" for index, name in enumerate(header)})
    texts = {name: pa.string() if pa.types.is_list(kind) else kind for name, kind in kinds.items() if kind is not None}
    table = _parsed(path, header, texts)
    if table.num_rows > MOST_ROWS:
        raise TracesError(f"{path.name}: more than {MOST_ROWS:,} rows: divide the file")
    yield table


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = file.readline(LONGEST_LINE)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise TracesError(f"{path}: cannot be read: {reason}") from error
    if len(first) >= LONGEST_LINE:
        raise TracesError(f"{path.name}:1: the line has more than {LONGEST_LINE:,} characters: is this a CSV?")
    try:
        names = csv.read_csv(pa.BufferReader(f"{first.rstrip()}\n".encode())).column_names if first.strip() else []
    except pa.ArrowException as error:
        raise TracesError(f"{path.name}:1: the columns cannot be told apart: {str(error).splitlines()[0]}") from error
    if len(names) > MOST_COLUMNS:
        raise TracesError(f"{path.name}: more than {MOST_COLUMNS:,} columns: leave out those that no field needs")
    for index, name in enumerate(names):
        if not name or name in names[:index]:
            what = f"`{name}` appears twice" if name else "a column has no name"
            raise TracesError(f"{path.name}:1: column {index + 1}: {what}: name each column once, in the first line")
    if not names:
        raise TracesError(f"{path.name}:1: the file is empty: its first line must name the columns")
    return names


def _parsed(path: Path, header: list[str], kinds: Mapping[str, pa.DataType]) -> pa.Table:
    """The table, with the types of `kinds`. A number may also be written as true or false, in the whole column."""
    try:
        return csv.read_csv(
            path,
            read_options=csv.ReadOptions(use_threads=False),
            convert_options=csv.ConvertOptions(
                column_types=dict(kinds), null_values=_MISSING, strings_can_be_null=True, true_values=_TRUE,
                false_values=_FALSE,
            ),
        )  # fmt: skip
    except (pa.ArrowException, OSError) as error:
        found = _NO_NUMBER.search(str(error))
        name = header[int(found[1])] if found else ""
        if kinds.get(name) == pa.float64():
            return _parsed(path, header, {**kinds, name: pa.bool_()})
        raise TracesError(_placed(path, header, str(error))) from error


def _placed(path: Path, header: list[str], message: str) -> str:
    found = _PLACE.search(message)
    if "Empty CSV file" in message:
        return f"{path.name}:1: nothing follows the names: is the file cut off?"
    if found is None:
        return f"{path.name}: {message.splitlines()[0]}"
    column = f"column `{header[int(found['column'])]}`: " if found["column"] else ""
    what = found["what"].removeprefix("CSV conversion error to ").splitlines()[0]
    kind, colon, rest = what.partition(": ")
    known = {"int64": "whole number", "double": "number", "bool": "true or false"}
    what = f"{rest} is no {known[kind]}" if colon and kind in known else what
    return f"{path.name}:{found['row']}: {column}{what.replace('invalid value ', '')}"
