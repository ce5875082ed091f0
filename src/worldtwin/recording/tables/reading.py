"""A file's rows as raw columns, whatever its format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import pyarrow as pa

from worldtwin.errors import InvalidValue, TracesError
from worldtwin.recording.tables.csv_files import read_csv
from worldtwin.recording.tables.json_lines import read_json_lines
from worldtwin.recording.tables.naming import TIME, Naming
from worldtwin.recording.tables.parquet_files import read_parquet
from worldtwin.traces import require_no_pictures
from worldtwin.world import Spec

KindsOf: TypeAlias = Callable[[Mapping[str, str]], dict[str, pa.DataType | None]]
"""The types that a file's columns must have, by name; it is told where each name was found."""

_READERS: Final[Mapping[str, Callable[[Path, KindsOf], Iterator[pa.Table]]]] = {
    ".csv": read_csv,
    ".jsonl": read_json_lines,
    ".parquet": read_parquet,
}
FILES: Final = "FILE.csv, FILE.jsonl, FILE.parquet"


def is_table(path: Path) -> bool:
    """Whether `path` is called like a file of rows."""
    return path.suffix in _READERS


def read_pieces(path: Path, spec: Spec | None = None, parts: Mapping[str, str] | None = None) -> Iterator[pa.Table]:
    """The rows of the file at `path` as raw columns, and its `time`, a piece after the other.

    `parts` says, without a spec, which part a plain name belongs to where its name alone does not.

    Raises `TracesError` naming line or row and column, and `InvalidValue` for a file of another kind.
    """
    if path.suffix not in _READERS:
        raise InvalidValue(f"{path}: rows are read from {FILES}")
    if spec is not None:
        require_no_pictures(spec, path.name)
    naming = Naming(path.name, spec, parts)
    for table in _READERS[path.suffix](path, naming.kinds):
        naming.require()
        yield naming.renamed(table)


def read_table(path: Path, spec: Spec | None = None, parts: Mapping[str, str] | None = None) -> pa.Table:
    """All rows of `read_pieces` at once, without their time."""
    pieces = list(read_pieces(path, spec, parts))
    try:
        table = pa.concat_tables(pieces, promote_options="permissive")
    except pa.ArrowException as error:
        raise TracesError(f"{path.name}: {str(error).splitlines()[0]}") from error
    return table.drop_columns([TIME]) if TIME in table.column_names else table
