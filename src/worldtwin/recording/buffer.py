"""Rows on their way to a trace store: kept for at most 50 ms, so that whoever is recorded does not wait for a disk."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Callable
from multiprocessing.util import Finalize
from typing import Final, Generic, TypeVar

from worldtwin.errors import TracesError

PERIOD_SECONDS: Final = 0.05
MOST_ROWS: Final = 100_000
"""Rows that wait while a store fails; what is beyond is dropped and counted."""

CROWDED_ROWS: Final = 4_000
"""Rows beyond which storing does not wait for its turn; at four times as many, whoever brings one waits up to 10 ms."""

PATIENCE_SECONDS: Final = 0.01

_IDLE_PERIODS: Final = 20
_LOG: Final = logging.getLogger("worldtwin.recording")

Row = TypeVar("Row")


class Buffer(Generic[Row]):
    """Rows that `store` will be given, in order. Safe for threads; a child process starts with an empty one.

    A failing store never raises in `put`: rows wait, then are dropped and counted, and one line is logged.
    """

    def __init__(self, store: Callable[[list[Row]], None], name: str) -> None:
        self.dropped = 0
        self._store, self._name = store, name
        self._rows: list[Row] = []
        self._begin()
        _start_over_after_fork(self)

    def put(self, row: Row) -> None:
        """Store `row` soon."""
        if len(self._rows) >= CROWDED_ROWS and not self._has_room():
            self.dropped += 1
            return
        self._rows.append(row)
        if self._thread is None:
            self._start()

    def put_durably(self, row: Row) -> None:
        """Store `row` before this returns, if the store works."""
        if len(self._rows) < MOST_ROWS:
            self._rows.append(row)
        else:
            self.dropped += 1
        self._flush_quietly()

    def flush(self) -> None:
        """Store everything now. Raises `TracesError` when that fails; nothing is lost then."""
        with self._lock:
            rows = self._rows[:]
            if rows:
                self._store(rows)
                del self._rows[: len(rows)]
                self._failing = False
                self._room.set()

    def close(self) -> None:
        """Store everything and stop. Raises `TracesError` when that fails."""
        self._stop()
        self.flush()

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._starting = threading.Lock()
        self._room = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._failing = self._stopping = self._over = False

    def start_over(self) -> None:
        """Forget the rows: in a child process, they are the parent's."""
        self._rows = []
        self._begin()

    def _has_room(self) -> bool:
        if not self._failing:
            self._wake.set()
            if len(self._rows) >= 4 * CROWDED_ROWS:
                self._room.clear()
                self._room.wait(PATIENCE_SECONDS)
        return len(self._rows) < MOST_ROWS

    def _start(self) -> None:
        if self._over:
            self._flush_quietly()
            return
        with self._starting:
            if self._thread is None:
                self._stopping = False
                self._thread = threading.Thread(target=self._run, name=f"recording {self._name}", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        """Store what has come every 50 ms; end when nothing comes for a second."""
        finish = Finalize(None, self._finish, exitpriority=10)
        atexit.register(self._finish)
        idle = 0
        while idle < _IDLE_PERIODS and not self._stopping:
            self._wake.wait(PERIOD_SECONDS)
            self._wake.clear()
            idle = 0 if self._rows else idle + 1
            self._flush_quietly()
        atexit.unregister(self._finish)
        finish.cancel()
        self._thread = None
        if self._rows and not self._stopping:
            self._start()

    def _stop(self) -> None:
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._stopping = True
            self._wake.set()
            thread.join()

    def _finish(self) -> None:
        """At the end of the process: join the thread and store what is left."""
        self._over = True
        self._stop()
        self._flush_quietly()
        if self._rows or self.dropped:
            lost = len(self._rows) + self.dropped
            _LOG.warning("%s: %d rows could not be written and are lost", self._name, lost)

    def _flush_quietly(self) -> None:
        try:
            self.flush()
        except TracesError as error:
            self._report(str(error))
        except Exception as error:  # noqa: BLE001 - what is recorded must go on, whatever is wrong with a row
            with self._lock:
                self.dropped += len(self._rows)
                self._rows.clear()
            self._report(f"{type(error).__name__}: {error}")

    def _report(self, reason: str) -> None:
        if not self._failing:
            _LOG.warning("%s: recording fails, the program goes on: %s", self._name, reason)
        self._failing = True


def _start_over_after_fork(buffer: Buffer[Row]) -> None:
    """A lock that another thread held at the fork would never be released in the child."""
    known = weakref.ref(buffer)

    def start_over() -> None:
        alive = known()
        if alive is not None:
            alive.start_over()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=start_over)
