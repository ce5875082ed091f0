"""The journal of a trace store: batches in an SQLite file, each durable before `append` returns, chained by hashes.

The version after a batch is a hash of the version before it and of the batch's bytes, so it names its rows for ever.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from worldtwin.errors import TracesError
from worldtwin.world import digest_of

FORMAT: Final = 1
GENESIS: Final = digest_of("traces", b"")
"""The version of a store that holds nothing."""

WAIT_SECONDS: Final = 30.0
_APPLICATION: Final = 0x57545452  # "WTTR"
_PAGE: Final = 8192
_HEADER: Final = f"PRAGMA page_size = {_PAGE}; PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {FORMAT};"
_SCHEMA: Final = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE columns (name TEXT PRIMARY KEY, kind TEXT NOT NULL, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE episodes (next INTEGER NOT NULL);
INSERT INTO episodes VALUES (0);
CREATE TABLE batches (
    number INTEGER PRIMARY KEY,
    version TEXT NOT NULL UNIQUE,
    rows INTEGER NOT NULL,
    first_episode INTEGER NOT NULL,
    last_episode INTEGER NOT NULL,
    source TEXT NOT NULL,
    body BLOB NOT NULL
);
PRAGMA journal_mode = WAL;
"""
_SELECT: Final = """
SELECT number, version, rows, first_episode, last_episode, source, body,
       (SELECT version FROM batches AS parent WHERE parent.number = batches.number - 1) FROM batches
"""


class Batch(Struct, frozen=True, kw_only=True):
    """Some rows as they are stored: their bytes, how many they are, which episodes, and from which synthetic source."""

    body: bytes
    rows: int
    first_episode: int
    last_episode: int
    source: str = ""
    number: int = 0
    version: str = ""


class Journal:
    """An append-only file of batches. Safe for threads.

    No connection crosses a fork: SQLite's locks would not hold in the child, and what it writes would be lost.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._opened: sqlite3.Connection | None = None
        _apart_at_fork(self)
        with _translated(path):
            if not path.exists():
                _create(path)
            with self._connection():
                pass

    def close(self) -> None:
        """Release the file; it opens again when it is used."""
        with self._lock:
            opened, self._opened = self._opened, None
            if opened is not None:
                opened.close()

    def __del__(self) -> None:
        """Close what a forgotten journal left open: since Python 3.13 a connection complains otherwise."""
        opened = self.__dict__.get("_opened")
        if opened is not None:
            with contextlib.suppress(sqlite3.Error):
                opened.close()

    def before_fork(self) -> None:
        """Wait for what is being written, and close; `after_fork` follows in both processes."""
        self._lock.acquire()
        with contextlib.suppress(sqlite3.Error):
            self.close()

    def after_fork(self) -> None:
        """Go on in the parent, and begin in the child: the lock is free in both."""
        self._lock.release()

    def append(self, batches: Sequence[Batch], columns: dict[str, str], *, unless_said: str = "") -> str:
        """Store all of `batches` or none, durably, and the new kinds of `columns`; the version after them.

        None when `unless_said`, `NAME DIGEST`, is what its name said last, also when two processes try at once.
        """
        with self._transaction() as connection:
            number, version = _tip(connection)
            if unless_said and _said_before(connection, unless_said):
                return version
            for batch in batches:
                number, version = number + 1, _chained(version, batch.body)
                connection.execute(
                    "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (number, version, batch.rows, batch.first_episode, batch.last_episode, batch.source, batch.body),
                )
            for name, kind in columns.items():
                connection.execute(
                    "INSERT INTO columns SELECT ?, ?, count(*) FROM columns WHERE true "
                    "ON CONFLICT (name) DO UPDATE SET kind = excluded.kind",
                    (name, kind),
                )
            if batches:
                last = max(batch.last_episode for batch in batches)
                connection.execute("UPDATE episodes SET next = max(next, ?)", (last + 1,))
        return version

    def begin(self, count: int) -> int:
        """The first of `count` episode numbers that nobody else has or will get."""
        with self._transaction(sync="NORMAL") as connection:
            connection.execute("UPDATE episodes SET next = next + ?", (count,))
            (following,) = connection.execute("SELECT next FROM episodes").fetchone()
        return following - count

    def tip(self) -> tuple[int, str]:
        """How many batches there are, and the version after the last one."""
        with self._connection() as connection:
            return _tip(connection)

    def number_of(self, version: str) -> int:
        """How many batches `version` has. Raises `TracesError` when this store never had it."""
        if version == GENESIS:
            return 0
        with self._connection() as connection:
            found = connection.execute("SELECT number FROM batches WHERE version = ?", (version,)).fetchone()
        if found is None:
            raise TracesError(f"{self.path.name} has no version {version[:12]}: it is of another store")
        return found[0]

    def read(self, after: int, upto: int) -> Iterator[Batch]:
        """The batches numbered `after` + 1 to `upto`, one at a time, each checked against its version."""
        for number in range(after + 1, upto + 1):
            with self._connection() as connection:
                row = connection.execute(f"{_SELECT} WHERE number = ?", (number,)).fetchone()
            yield self._checked(row, number)

    def touching(self, first_episode: int, last_episode: int, upto: int) -> Iterator[Batch]:
        """The batches up to number `upto` that may hold rows of these episodes."""
        query = (
            "SELECT number FROM batches WHERE number <= ? AND last_episode >= ? AND first_episode <= ? ORDER BY number"
        )
        with self._connection() as connection:
            numbers = connection.execute(query, (upto, first_episode, last_episode)).fetchall()
        for (number,) in numbers:
            yield from self.read(number - 1, number)

    def sizes(self, upto: int) -> list[tuple[int, int]]:
        """The number of each of the first `upto` batches, and of its rows."""
        with self._connection() as connection:
            return connection.execute(
                "SELECT number, rows FROM batches WHERE number <= ? ORDER BY number", (upto,)
            ).fetchall()

    def last_episode(self, upto: int) -> int:
        """The highest episode number of the first `upto` batches, -1 for none."""
        query = "SELECT coalesce(max(last_episode), -1) FROM batches WHERE number <= ?"
        with self._connection() as connection:
            return connection.execute(query, (upto,)).fetchone()[0]

    def sources(self) -> list[tuple[int, str]]:
        """The number and the source of each batch that has one."""
        with self._connection() as connection:
            return connection.execute(
                "SELECT number, source FROM batches WHERE source != '' ORDER BY number"
            ).fetchall()

    def rows(self, upto: int, *, besides: str = " ") -> int:
        """How many rows the first `upto` batches have, without those of sources that begin with `besides`."""
        query = "SELECT coalesce(sum(rows), 0) FROM batches WHERE number <= ? AND substr(source, 1, ?) != ?"
        with self._connection() as connection:
            return connection.execute(query, (upto, len(besides), besides)).fetchone()[0]

    def columns(self) -> dict[str, str]:
        """The kind of each column that was ever recorded, in the order of their first appearance."""
        with self._connection() as connection:
            return dict(connection.execute("SELECT name, kind FROM columns ORDER BY number").fetchall())

    def fact(self, name: str) -> str:
        """What was noted under `name`, or nothing."""
        with self._connection() as connection:
            found = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return found[0] if found else ""

    def note(self, name: str, value: str) -> None:
        """Keep `value` under `name`."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = ?", (name, value, value)
            )

    def limit_bytes(self, most: int) -> None:
        """Let this connection grow the file to at most `most` bytes: what is beyond is refused like on a full disk."""
        with self._connection() as connection:
            connection.execute(f"PRAGMA max_page_count = {most // _PAGE}")

    def _checked(self, row: tuple[int, str, int, int, int, str, bytes, str | None] | None, number: int) -> Batch:
        if row is None:
            raise TracesError(f"{self.path.name}: batch {number} is missing: restore the file from a copy")
        _, version, rows, first, last, source, body, parent = row
        if (parent is None) != (number == 1) or _chained(parent or GENESIS, body) != version:
            raise TracesError(f"{self.path.name}: batch {number} is corrupt: restore the file from a copy")
        return Batch(
            number=number, version=version, rows=rows, first_episode=first, last_episode=last, source=source, body=body
        )

    @contextlib.contextmanager
    def _connection(self) -> Generator[sqlite3.Connection]:
        with self._lock, _translated(self.path):
            opened = self._opened = self._opened or _open(self.path)
            yield opened

    @contextlib.contextmanager
    def _transaction(self, sync: str = "FULL") -> Generator[sqlite3.Connection]:
        with self._connection() as connection:
            connection.execute(f"PRAGMA synchronous = {sync}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


def _said_before(connection: sqlite3.Connection, source: str) -> bool:
    """Whether `source`, `NAME DIGEST`, is what the batches of that name said last."""
    name = source.rpartition(" ")[0] + " "
    query = "SELECT source FROM batches WHERE source != '' AND substr(source, 1, ?) = ? ORDER BY number DESC LIMIT 1"
    found = connection.execute(query, (len(name), name)).fetchone()
    return found is not None and found[0] == source


def _apart_at_fork(journal: Journal) -> None:
    """Have `journal`, as long as it lives, closed while the process forks."""
    known, held = weakref.ref(journal), list[Journal]()

    def before() -> None:
        alive = known()
        if alive is not None:
            alive.before_fork()
            held.append(alive)

    def after() -> None:
        while held:
            held.pop().after_fork()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=after, after_in_child=after)


def _chained(parent: str, body: bytes) -> str:
    return digest_of("version", bytes.fromhex(parent + digest_of("batch", body)))


def _tip(connection: sqlite3.Connection) -> tuple[int, str]:
    found = connection.execute("SELECT number, version FROM batches ORDER BY number DESC LIMIT 1").fetchone()
    return found or (0, GENESIS)


def _create(path: Path) -> None:
    """Make an empty store in one step, so that whoever opens it at the same time finds a whole one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        fresh = Path(folder) / "fresh"
        with contextlib.closing(sqlite3.connect(fresh)) as connection:
            connection.executescript(_HEADER + _SCHEMA)
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _require_ours(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _require_ours(connection: sqlite3.Connection, path: Path) -> None:
    (kind,) = connection.execute("PRAGMA application_id").fetchone()
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    if kind != _APPLICATION:
        raise TracesError(f"{path} is not a trace store: use another file")
    if number != FORMAT:
        raise TracesError(f"{path} has format {number}, this version reads format {FORMAT}: use another file")


@contextlib.contextmanager
def _translated(path: Path) -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise TracesError(f"{path.name}: {_reason(str(error))}") from error
    except OSError as error:
        raise TracesError(f"{path.name}: cannot be written: {error.strerror or error}") from error


def _reason(message: str) -> str:
    known = {
        "disk is full": "the disk is full: free some space and try again; nothing of this batch was kept",
        "locked": f"another program has been writing for {WAIT_SECONDS:.0f} s: try again when it is done",
        "readonly": "the file cannot be written: check its permissions",
        "unable to open": "the file cannot be opened: check the path and its permissions",
        "not a database": "this is not a trace store: use another file",
        "malformed": "the file is damaged: restore it from a copy",
    }
    return next((sentence for part, sentence in known.items() if part in message), f"the store failed: {message}")
