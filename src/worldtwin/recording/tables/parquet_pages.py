"""What the pages of a Parquet file say of themselves, before anything is decompressed.

A file's description of itself, at its end, may lie: what a reader obeys are the headers of the pages. A page header is
a `PageHeader` of https://github.com/apache/parquet-format in the compact protocol of Thrift.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from pyarrow import parquet

from worldtwin.errors import TracesError
from worldtwin.recording.tables.limits import LONGEST_TEXT

MOST_OPEN_BYTES: Final = 1 << 29
"""Bytes of the largest pages of all columns together: of each column one page and its dictionary are in memory."""

MOST_BYTES: Final = 1 << 26
"""Bytes of the values of all columns together that are decoded at a time."""

_VALUE_BYTES: Final = 4 * LONGEST_TEXT + 16
_EMPTY_BYTES: Final = 4096
_SHARED_PREFIXES: Final = 7
_DICTIONARY: Final = 7
_PARTS: Final = {0: (5, 2), 2: (_DICTIONARY, 2), 3: (8, 4)}
"""For each type of page the number of the part that describes it, and in this of the encoding."""

_DEEPEST: Final = 8
_MOST_SHIFT: Final = 63
_WRAPS: Final = 1 << 31
_WRAPS_FIELD: Final = 1 << 15
_TRUE, _FALSE, _BYTE, _I16, _I64, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 4, 6, 7, 8, 12
"""Kinds of fields; the three from `_I16` to `_I64` are whole numbers."""


class Page(Struct, frozen=True):
    """How many bytes it has when it is decompressed, how many values, and in which encoding."""

    size: int
    values: int
    encoding: int
    is_dictionary: bool


def rows_at_a_time(path: Path, metadata: parquet.FileMetaData) -> int:
    """How many rows of the file may be decoded at a time, so that they take at most `MOST_BYTES`.

    Raises `TracesError` where pages are too large, hold texts that are too long, or grow when they are decoded.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        left, widest = len(content), 1
        for group in range(metadata.num_row_groups):
            found, columns = metadata.row_group(group), list[tuple[int, int]]()
            for index in range(found.num_columns):
                column = found.column(index)
                start = min((at for at in (column.data_page_offset, column.dictionary_page_offset) if at), default=0)
                left -= column.total_compressed_size
                if start < 0 or column.total_compressed_size < 0 or left < 0:
                    raise TracesError(f"{path}: cannot be read: not a whole Parquet file: its columns overlap")
                where = f"{path.name}: column `{column.path_in_schema:.60}`"
                columns.append(_weighed(pages(content, start, start + column.total_compressed_size, path), where))
            if sum(size for size, _ in columns) > MOST_OPEN_BYTES:
                raise TracesError(
                    f"{path.name}: the largest pages of its columns have more than {MOST_OPEN_BYTES >> 20} MiB "
                    "together: write it with smaller pages, or leave out the columns that no field needs"
                )
            widest = max(widest, sum(width for _, width in columns))
    return max(1, MOST_BYTES // widest)


def _weighed(found: Iterator[Page], where: str) -> tuple[int, int]:
    """The bytes of a column's largest page and dictionary, and of a value in the page with the longest ones."""
    largest, dictionary, width = 0, 0, 0
    for page in found:
        if page.encoding == _SHARED_PREFIXES:
            raise TracesError(f"{where} is written as DELTA_BYTE_ARRAY, whose texts may grow: write it as PLAIN")
        if page.size > page.values * _VALUE_BYTES + _EMPTY_BYTES:
            raise TracesError(f"{where} has a text of more than {LONGEST_TEXT:,} characters")
        if page.is_dictionary:
            dictionary = max(dictionary, page.size)
        else:
            largest = max(largest, page.size)
            width = max(width, -(-page.size // max(1, page.values)))
    return largest + dictionary, width


def pages(content: bytes | mmap.mmap, start: int, end: int, path: Path) -> Iterator[Page]:
    """The pages between two places of the file."""
    try:
        while start < end:
            thrift = _Thrift(content, start)
            header = thrift.struct()
            size, length = header[2], header[3]
            part, encoding = _PARTS[header[1]]
            values = header[part][1]
            if not 0 <= min(size, length, values) <= max(size, length, values) < _WRAPS:
                raise ValueError(start)
            yield Page(size, values, header[part][encoding], is_dictionary=part == _DICTIONARY)
            start = thrift.at + length
    except (IndexError, KeyError, ValueError, TypeError) as error:
        raise TracesError(f"{path}: cannot be read: not a whole Parquet file: a page has no header") from error


class _Thrift:
    """Reads structs at a place of `content`; `at` is where the next byte is."""

    def __init__(self, content: bytes | mmap.mmap, at: int) -> None:
        self._content, self.at = content, at

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The whole numbers and structs among the fields of the struct that is next, by their number."""
        if depth > _DEEPEST:
            raise ValueError(depth)
        fields, number = dict[int, Any](), 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._number()
            if number in fields or not 0 < number < _WRAPS_FIELD:
                raise ValueError(number)
            fields[number] = self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:  # noqa: ANN401 - what the kind says
        if kind in (_TRUE, _FALSE):
            return None
        if _I16 <= kind <= _I64:
            return self._number()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind not in (_BYTE, _DOUBLE, _BINARY):
            raise ValueError(kind)
        length = {_BYTE: 1, _DOUBLE: 8}.get(kind) or self._plain()
        self.at += length
        return None

    def _byte(self) -> int:
        found = self._content[self.at]
        self.at += 1
        return found

    def _plain(self) -> int:
        found, shift = 0, 0
        while (byte := self._byte()) & 0x80:
            found, shift = found | (byte & 0x7F) << shift, shift + 7
            if shift > _MOST_SHIFT:
                raise ValueError(shift)
        return found | byte << shift

    def _number(self) -> int:
        found = self._plain()
        return (found >> 1) ^ -(found & 1)
