"""CSV: the first line names the columns; an empty cell is a missing value.

The file is read a block of whole lines at a time. A column whose type nothing says is looked at in all of the file
before its first rows are given away, so that its type is the same in each block.
"""

from __future__ import annotations

import csv as lines
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from pyarrow import csv

from worldtwin.errors import TracesError
from worldtwin.files import missing
from worldtwin.recording.tables.limits import LONGEST_LINE, LONGEST_TEXT, MOST_COLUMNS, MOST_ROWS

BLOCK_BYTES: Final = LONGEST_LINE
"""Bytes of the lines that are in memory at a time, and of one more line."""

_MARK: Final = b"\xef\xbb\xbf"
_MISSING: Final = ["", "NA", "null", "None"]
_TRUE: Final = ["true", "True", "TRUE"]
_FALSE: Final = ["false", "False", "FALSE"]
_PLACE: Final = re.compile(
    r"(?:In CSV column #(?P<column>\d+): )?(?:CSV parse error: )?Row #(?P<row>\d+): (?P<what>.*)", re.DOTALL
)
_QUOTED: Final = re.compile(rb'(?<![^,\r\n])"[^"]*(?:""[^"]*)*(?:"|\Z)')
"""A cell in quotes, doubled ones inside; to the end of the text where it is not closed."""
_NO_NUMBER: Final = re.compile(
    rf"In CSV column #(\d+): .*CSV conversion error to (?:double|int64): invalid value '({'|'.join(_TRUE + _FALSE)})'",
    re.DOTALL,
)


def read_csv(path: Path, kinds_of: Callable[[Mapping[str, str]], dict[str, pa.DataType | None]]) -> Iterator[pa.Table]:
    """The rows of the CSV at `path`, a block after the other. Raises `TracesError` with line and column."""
    header = _header(path)
    found = kinds_of({name: f"{path.name}:1: column {index + 1}" for index, name in enumerate(header.names)})
    kinds = {name: pa.string() if pa.types.is_list(kind) else kind for name, kind in found.items() if kind is not None}
    reader = _Reader(path, header)
    unsaid = [name for name in header.names if name not in kinds]
    if unsaid:
        kinds |= reader.guessed(unsaid)
    yield from reader.tables(kinds)


class _Header(Struct, frozen=True):
    """The names of the columns, and after how many bytes the rows begin."""

    names: list[str]
    end: int


class _Reader:
    """Reads the rows of the CSV at `path`; knows which row comes next."""

    def __init__(self, path: Path, header: _Header) -> None:
        self._path, self._names, self._begin = path, header.names, header.end
        self._row = 1

    def guessed(self, names: Sequence[str]) -> dict[str, pa.DataType]:
        """The types that hold all values of the columns `names`."""
        kinds: dict[str, pa.DataType] = dict.fromkeys(names, pa.null())
        for block in self._blocks():
            table = self._parsed(block, {}, names)
            for field in table.schema:
                kinds[field.name] = _common(kinds[field.name], field.type)
            self._count(table)
        return kinds

    def tables(self, kinds: Mapping[str, pa.DataType]) -> Iterator[pa.Table]:
        """The rows, with the types of `kinds`; a number may also be written as true or false, in the whole column."""
        now, held = dict(kinds), set[str]()
        for block in self._blocks():
            table = self._numbers_or_not(block, now, held)
            for name in self._names:
                _require_short(table.column(name), f"{self._path.name}: column `{name}`")
            held |= {name for name in self._names if table.column(name).null_count < table.num_rows}
            self._count(table)
            yield _as_numbers(table, [name for name in self._names if now[name] != kinds[name]])
        if self._row == 1:
            yield pa.table({name: pa.nulls(0, kinds[name]) for name in self._names})

    def _blocks(self) -> Iterator[bytes]:
        """The whole lines that hold something, some at a time."""
        self._row = 1
        with self._path.open("rb") as file:
            file.seek(self._begin)
            held = b""
            while read := file.read(BLOCK_BYTES):
                whole = held + read
                end = len(whole) if len(read) < BLOCK_BYTES else _last_end(whole)
                if len(held) + (_first_end(read) if end else len(read)) > LONGEST_LINE:
                    where = f"{self._path.name}: after row {self._row}"
                    raise TracesError(f"{where}: a line has more than {LONGEST_LINE:,} bytes: is this a CSV?")
                if (block := whole[:end]).strip():
                    yield block
                held = whole[end:]
            if held.strip():
                yield held

    def _numbers_or_not(self, block: bytes, kinds: dict[str, pa.DataType], held: set[str]) -> pa.Table:
        """The rows of `block`. Changes `kinds` where columns that have not `held` anything begin with true or false."""
        try:
            return self._parsed(block, kinds, self._names)
        except TracesError as error:
            if not _NO_NUMBER.search(str(error.__cause__)):
                raise
            numbers = [name for name in self._names if kinds[name] == pa.float64() and name not in held]
            looks = self._parsed(block, {}, numbers or self._names[:1]).schema
            changed = [name for name in numbers if looks.field(name).type == pa.bool_()]
            if not changed:
                raise
            kinds |= dict.fromkeys(changed, pa.bool_())
            return self._parsed(block, kinds, self._names)

    def _parsed(self, block: bytes, kinds: Mapping[str, pa.DataType], names: Sequence[str]) -> pa.Table:
        """The columns `names` of a block, with the types of `kinds`, or those that they look like."""
        try:
            return csv.read_csv(
                pa.BufferReader(block),
                read_options=csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=self._names),
                convert_options=csv.ConvertOptions(
                    column_types=dict(kinds), null_values=_MISSING, strings_can_be_null=True, true_values=_TRUE,
                    false_values=_FALSE, include_columns=list(names),
                ),
            )  # fmt: skip
        except pa.ArrowException as error:
            raise TracesError(self._placed(str(error))) from error

    def _count(self, table: pa.Table) -> None:
        self._row += table.num_rows
        if self._row > MOST_ROWS + 1:
            raise TracesError(f"{self._path.name}: more than {MOST_ROWS:,} rows: divide the file")

    def _placed(self, message: str) -> str:
        found = _PLACE.search(message)
        if found is None:
            return f"{self._path.name}: {message.splitlines()[0]}"
        column = f"column `{self._names[int(found['column'])]}`: " if found["column"] else ""
        what = found["what"].removeprefix("CSV conversion error to ").splitlines()[0]
        kind, colon, rest = what.partition(": ")
        known = {"int64": "whole number", "double": "number", "bool": "true or false"}
        what = f"{rest} is no {known[kind]}" if colon and kind in known else what
        return f"{self._path.name}:{self._row + int(found['row'])}: {column}{what.replace('invalid value ', '')[:200]}"


def _header(path: Path) -> _Header:
    try:
        with path.open("rb") as file:
            read = file.read(LONGEST_LINE)
            is_all = not file.read(1)
        end = _first_end(read)
        line = read[:end].removeprefix(_MARK).decode()
    except FileNotFoundError as error:
        raise TracesError(f"{path}: {missing(path)}") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text: save it as UTF-8"
        raise TracesError(f"{path}: cannot be read: {reason}") from error
    if end == len(read) and not is_all:
        raise TracesError(f"{path.name}:1: the line has more than {LONGEST_LINE:,} bytes: is this a CSV?")
    names = _named(line.rstrip(), path.name)
    if end == len(read):
        raise TracesError(f"{path.name}:1: nothing follows the names: is the file cut off?")
    return _Header(names, end)


def _named(line: str, file: str) -> list[str]:
    try:
        names = next(lines.reader([line], strict=True), [])
    except lines.Error as error:
        raise TracesError(f"{file}:1: the columns cannot be told apart: {error}") from error
    if len(names) > MOST_COLUMNS:
        raise TracesError(f"{file}: more than {MOST_COLUMNS:,} columns: leave out those that no field needs")
    if not names:
        raise TracesError(f"{file}:1: the file is empty: its first line must name the columns")
    for index, name in enumerate(names):
        if not name or name in names[:index]:
            what = f"`{name:.60}` appears twice" if name else "a column has no name"
            raise TracesError(f"{file}:1: column {index + 1}: {what}: name each column once, in the first line")
    if len(names) == 1 and (other := re.search(r"[;\t|]", names[0])):
        sign = {"\t": "a tab", ";": "`;`", "|": "`|`"}[other[0]]
        raise TracesError(f"{file}:1: columns are separated by commas, not by {sign}: save it as CSV with commas")
    return names


def _last_end(text: bytes) -> int:
    """Where the last whole row ends, after its line's end; 0 where none does. In quotes a line's end is text."""
    place = len(text)
    for quoted in reversed(list(_QUOTED.finditer(text))):
        end = max(text.rfind(b"\n", quoted.end(), place), text.rfind(b"\r", quoted.end(), place))
        if end >= 0:
            return end + 1
        place = quoted.start()
    return max(text.rfind(b"\n", 0, place), text.rfind(b"\r", 0, place)) + 1


def _first_end(text: bytes) -> int:
    """Where the first line ends; the length of `text` where it does not."""
    found = re.search(rb"[\r\n]", text)
    return found.start() if found else len(text)


def _common(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    """The type of a column, some of whose blocks look like the one and some like the other."""
    types = pa.types
    kinds = [kind for kind in (first, second) if not types.is_null(kind)]
    if first == second or len(kinds) < 2:
        return kinds[0] if kinds else first
    if {first, second} == {pa.int64(), pa.float64()}:
        return pa.float64()
    times = [kind for kind in kinds if types.is_timestamp(kind)]
    zones = {kind.tz if types.is_timestamp(kind) else None for kind in kinds}
    if all(types.is_timestamp(kind) or types.is_date(kind) for kind in kinds) and len(zones) == 1:
        return next((kind for kind in times if kind.unit == "ns"), times[0])
    return pa.string()


def _as_numbers(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """`table`, in whose columns `names` true is 1 and false is 0."""
    for name in names:
        column = table.column(name).cast(pa.int64()).cast(pa.float64())
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def _require_short(column: Any, where: str) -> None:  # noqa: ANN401 - pyarrow's columns have no types
    if pa.types.is_string(column.type):
        longest = pc.max(pc.utf8_length(column)).as_py()  # pyright: ignore[reportAttributeAccessIssue] - made at run time
        if (longest or 0) > LONGEST_TEXT:
            raise TracesError(f"{where} has a text of more than {LONGEST_TEXT:,} characters")
