"""JSON Lines: an object a line; a name that a line lacks, or null, is a missing value."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from worldtwin.errors import TracesError
from worldtwin.recording.tables.limits import LONGEST_LINE, LONGEST_TEXT, MOST_ROWS, PIECE_ROWS

PIECE_BYTES: Final = 1 << 22
"""Bytes of text whose rows are in memory at a time."""

PIECE_VALUES: Final = 1 << 22
"""Values that are in memory at a time, with those that their lines lack."""

_FAMILY: Final = {bool: "number", int: "number", float: "number", str: "text", list: "names"}
_SAID: Final = {"number": "numbers", "text": "texts", "names": "lists of names"}


def read_json_lines(
    path: Path, kinds_of: Callable[[Mapping[str, str]], dict[str, pa.DataType | None]]
) -> Iterator[pa.Table]:
    """The rows of the file at `path`, some thousand at a time. Raises `TracesError` with line and name."""
    columns = _Columns(path.name, kinds_of)
    rows, names, held, count = list[tuple[int, dict[str, Any]]](), set[str](), 0, 0
    for number, line in _lines(path):
        row = _object(line, f"{path.name}:{number}")
        rows.append((number, row))
        names.update(row)
        held, count = held + len(line), count + 1
        if count > MOST_ROWS:
            raise TracesError(f"{path.name}:{number}: more than {MOST_ROWS:,} rows: divide the file")
        if len(rows) == PIECE_ROWS or held > PIECE_BYTES or len(rows) * len(names) > PIECE_VALUES:
            yield columns.table(rows)
            rows, names, held = [], set(), 0
    if not count:
        raise TracesError(f"{path.name}:1: the file is empty: each line must be an object of names and values")
    if rows:
        yield columns.table(rows)


class _Columns:
    """Turns objects into columns; what a column held before must go with what comes."""

    def __init__(self, file: str, kinds_of: Callable[[Mapping[str, str]], dict[str, pa.DataType | None]]) -> None:
        self._file, self._kinds_of = file, kinds_of
        self._families: dict[str, str] = {}

    def table(self, rows: list[tuple[int, dict[str, Any]]]) -> pa.Table:
        """The columns of `rows`, each with the number of its line."""
        places: dict[str, str] = {}
        for number, row in rows:
            for name in row:
                if name not in places:
                    places[name] = f"{self._file}:{number}"
                    self._kinds_of({name: places[name]})
        return pa.table({name: self._column(name, kind, rows) for name, kind in self._kinds_of(places).items()})

    def _column(self, name: str, kind: pa.DataType | None, rows: list[tuple[int, dict[str, Any]]]) -> pa.Array:
        values = [row.get(name) for _, row in rows]
        for found in dict.fromkeys(map(type, values)):
            if found is not type(None):
                self._require(name, found, kind, values, rows)
        try:
            return _array(values, kind)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise TracesError(self._blamed(name, values, kind, rows)) from error

    def _require(self, name: str, found: type, kind: Any, values: list[Any], rows: list[Any]) -> None:  # noqa: ANN401 - pyarrow's types
        """Refuse what no column holds, and what this one does not."""
        family = _FAMILY.get(found, "")
        accepted = _accepted(kind) or {self._families.setdefault(name, family)}
        if family in accepted:
            return
        for (number, _), value in zip(rows, values, strict=True):
            if type(value) is found:
                raise TracesError(f"{self._file}:{number}: {_refusal(name, value, kind, accepted)}")

    def _blamed(self, name: str, values: list[Any], kind: pa.DataType | None, rows: list[Any]) -> str:
        for (number, _), value in zip(rows, values, strict=True):
            try:
                _array([value], kind)
            except (pa.ArrowException, TypeError, ValueError, OverflowError):
                sort = _sort(kind) if isinstance(value, int | float) else "text that can be stored"
                return f"{self._file}:{number}: column `{name}`: {ascii(value)[:60]} is no {sort}"
        return f"{self._file}: column `{name}` cannot be stored"


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, with their numbers from 1."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                if len(line) > LONGEST_LINE:
                    raise TracesError(f"{path.name}:{number}: the line has more than {LONGEST_LINE:,} bytes: divide it")
                text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if text.strip():
                    yield number, text
    except OSError as error:
        raise TracesError(f"{path}: cannot be read: {error.strerror or error}") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object with these members. Raises `KeyError` with a name that appears twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise KeyError(Counter(name for name, _ in pairs).most_common(1)[0][0])
    return found


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once)


def _object(line: bytes, where: str) -> dict[str, Any]:
    try:
        found = _DECODER.decode(line.decode())
    except UnicodeDecodeError as error:
        raise TracesError(f"{where}: it is not UTF-8 text") from error
    except RecursionError as error:
        raise TracesError(f"{where}: too deeply nested: a line is one object of names and values") from error
    except KeyError as error:
        raise TracesError(f"{where}: `{error.args[0]:.60}` appears twice: name each value once") from error
    except ValueError as error:
        raise TracesError(f"{where}: it is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise TracesError(f'{where}: {_text(found)[:40]} is no object: write a line as {{"NAME": VALUE, ...}}')
    for name, value in found.items():
        if not _is_plain(value):
            raise TracesError(f"{where}: {_nested(name, value)}")
    return found


def _array(values: list[Any], kind: pa.DataType | None) -> pa.Array:
    """The column of `values`. Numbers without a kind: whole ones if all are and fit in 64 bits."""
    if any(isinstance(value, str) and len(value) > LONGEST_TEXT for value in values):
        raise ValueError(LONGEST_TEXT)
    if all(value is None for value in values):
        return pa.nulls(len(values))
    if kind is not None and pa.types.is_list(kind):
        return pa.array([value.split("|") if isinstance(value, str) else value for value in values], kind)
    if kind == pa.string():
        return pa.array([None if value is None else _text(value) for value in values], kind)
    if kind is not None:
        return pa.array([_number(value, kind) for value in values], kind)
    if all(value is None or (isinstance(value, int) and -(1 << 63) <= value < 1 << 63) for value in values):
        return pa.array([None if value is None else int(value) for value in values], pa.int64())
    if any(isinstance(value, float | int) for value in values):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array(values)


def _number(value: Any, kind: pa.DataType) -> Any:  # noqa: ANN401 - what JSON holds
    if value is None or kind == pa.bool_():
        return value
    if kind == pa.float64():
        return float(value)
    if value != int(value):
        raise ValueError(value)
    return int(value)


def _is_plain(value: Any) -> bool:  # noqa: ANN401 - what JSON holds
    if isinstance(value, list):
        return all(isinstance(name, str) for name in value)
    return not isinstance(value, dict)


def _accepted(kind: pa.DataType | None) -> set[str]:
    """The families that a column of `kind` may hold; none where nothing is said."""
    if kind is None:
        return set()
    if pa.types.is_list(kind):
        return {"names", "text"}
    return {"text", "number"} if kind == pa.string() else {"number"}


def _nested(name: str, value: Any) -> str:  # noqa: ANN401 - what JSON holds
    what = "an object" if isinstance(value, dict) else "a list that is not of names"
    part = next(iter(value), "part") if isinstance(value, dict) else 0
    return f"`{name:.60}` holds {what}: give each part a name of its own, such as `{name:.60}_{part!s:.40}`"


def _refusal(name: str, value: Any, kind: pa.DataType | None, accepted: set[str]) -> str:  # noqa: ANN401 - what JSON holds
    if kind is not None:
        return f"column `{name}`: {_text(value)[:60]!r} is no {_sort(kind)}"
    (before,) = accepted
    return f"column `{name}` has held {_SAID[before]} so far, this is {_text(value)[:60]!r}"


def _sort(kind: pa.DataType | None) -> str:
    known = {pa.int64(): "whole number", pa.bool_(): "true or false", pa.string(): "name"}
    return "number" if kind is None else known.get(kind, "number")


def _text(value: Any) -> str:  # noqa: ANN401 - what JSON holds
    return value if isinstance(value, str) else json.dumps(value)
