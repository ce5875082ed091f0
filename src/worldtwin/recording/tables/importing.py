"""Files as traces: one row a step, columns by name (see `worldtwin.recording.tables.naming`).

The action of a row was taken in its state; where no `next.` columns say otherwise, the next row of the episode is what
it led to. Names of a set are separated by `|`; an empty cell is a missing value, but of a set the empty one.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final, TypeAlias

import pyarrow as pa

from worldtwin.errors import TracesError
from worldtwin.files import missing
from worldtwin.recording.tables.numbering import Numbering
from worldtwin.recording.tables.reading import is_table, read_pieces
from worldtwin.traces import SUFFIX, Traces
from worldtwin.world import Spec

_BLOCK: Final = 1 << 20
_DIGITS: Final = 16
_FILE: Final = "file/"
_LOG: Final = logging.getLogger("worldtwin.recording")


RowsRead: TypeAlias = Callable[[int], object]
"""Whoever wants to know how many rows of a file have been read, now and then."""


def import_file(
    path: str | os.PathLike[str], traces: Traces, spec: Spec | None = None, *, progress: RowsRead | None = None
) -> int:
    """Store the rows of the CSV, JSONL or Parquet file at `path`, all or none; how many: none when it was before.

    With `spec` (default: the store's) columns are its fields. A file that has only grown replaces what it said before;
    one that was changed in another way is added, and a warning is logged. Raises `TracesError` with line and column.
    """
    file = Path(path)
    content = content_of(file)
    known = traces.sources
    if content in known.values():
        return 0
    name = _grown_from(file, known) or f"{_FILE}{file.name}/{content}"
    if name not in known and any(other.startswith(f"{_FILE}{file.name}/") for other in known):
        _LOG.warning(
            "%s: another file of this name was imported before: rows that are in both are in the store twice", file.name
        )
    return add_tables(read_pieces(file, spec or traces.spec), traces, f"{name} {content}", progress)


def open_traces(path: str | os.PathLike[str], spec: Spec | None = None, *, progress: RowsRead | None = None) -> Traces:
    """The trace store at `path`; when that is a file of rows, the store beside it, holding the rows it has now."""
    file = Path(path)
    if not is_table(file):
        return Traces(file, spec)
    content, pieces = content_of(file), read_pieces(file, spec)
    first = next(pieces)
    traces = Traces(file.with_suffix(SUFFIX), spec)
    add_tables(chain([first], pieces), traces, f"{_FILE}{file.name} {content}", progress)
    return traces


def add_tables(tables: Iterable[pa.Table], traces: Traces, source: str, progress: RowsRead | None = None) -> int:
    """Store `tables` as what `source` (`NAME DIGEST`) says now, unless it said the same before; the rows added."""
    name, _, content = source.rpartition(" ")
    if traces.sources.get(name) == content:
        return 0
    numbering, counts = Numbering(traces.begin, traces.path.name), list[int]()

    def numbered() -> Iterator[pa.Table]:
        for table in tables:
            counts.append(table.num_rows)
            if progress is not None:
                progress(sum(counts))
            yield numbering.numbered(table)

    traces.append_once(numbered(), source=source)
    return sum(counts)


def content_of(path: Path) -> str:
    """What names the content of a file: the first 16 hexadecimal digits of its SHA-256, and its length."""
    try:
        with path.open("rb") as file:
            return f"{hashlib.file_digest(file, 'sha256').hexdigest()[:_DIGITS]}-{path.stat().st_size}"
    except FileNotFoundError as error:
        raise TracesError(f"{path}: {missing(path)}") from error
    except OSError as error:
        raise TracesError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from error


def _grown_from(path: Path, known: dict[str, str]) -> str:
    """The name of the longest one of the `known` sources that the file at `path` begins with; or nothing."""
    named = [(name, content) for name, content in known.items() if name.startswith(_FILE)]
    fitting = sorted((int(content.rpartition("-")[2]), name, content) for name, content in named)
    found, digest, whole = "", hashlib.sha256(), path.stat().st_size
    with path.open("rb") as file:
        for size, name, content in fitting:
            if 0 < size < whole:
                for block in iter(lambda left=size: file.read(min(_BLOCK, left - file.tell())), b""):
                    digest.update(block)
                if content == f"{digest.hexdigest()[:_DIGITS]}-{size}":
                    found = name
    return found
