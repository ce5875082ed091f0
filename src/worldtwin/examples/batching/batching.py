"""An ordinary program: readings wait in a queue, and a writer commits them to a database in batches.

python batching.py                             # as it runs every day
python batching.py --base 64 --share 0.1       # with other settings
python batching.py --runs 10 --curious 0.8     # every now and then a few commits of another size
python batching.py --task better.wtt           # with the settings that `worldtwin improve` found
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import worldtwin as wt

ROOM = 8000
"""How many readings the queue has room for."""

STRETCH = 5
"""For how many commits a size is tried."""


@wt.recorded("batching.traces", state=["queue", "last_ms"], action="size", outputs=["rows_per_s"])
def choose_batch(
    queue: int,
    last_ms: float,
    base: float = wt.param(8, low=1, high=1024),
    share: float = wt.param(0.0, low=-0.5, high=0.5),
    per_ms: float = wt.param(0.0, low=-20.0, high=20.0),
) -> int:
    """How many readings to commit next: some, a share of those that wait, and some for each ms of the last commit."""
    return max(1, min(1024, round(base + share * queue + per_ms * last_ms)))


class Database:
    """Where the readings go. Devices send some of them twice: of two in one batch, the later one counts."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE readings (number INTEGER, value REAL)")
        self._connection.execute("CREATE TEMP TABLE batch (number INTEGER, value REAL)")

    def commit(self, readings: Sequence[tuple[int, float]]) -> float:
        """Store `readings` so that no power cut loses them; how many seconds that took."""
        began = time.perf_counter()
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO batch VALUES (?, ?)", readings)
        self._connection.execute("""
            INSERT INTO readings SELECT number, value FROM batch AS this WHERE NOT EXISTS
            (SELECT 1 FROM batch AS later WHERE later.number = this.number AND later.rowid > this.rowid)""")
        self._connection.execute("DELETE FROM batch")
        self._connection.execute("COMMIT")
        return time.perf_counter() - began

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def deliver(queue: deque[tuple[int, float]], chance: random.Random) -> None:
    """What the devices send next: at most half of what the `queue` has room for, so that it never runs over."""
    for _ in range(chance.randint(0, (ROOM - len(queue)) // 2)):
        queue.append((chance.randrange(1_000_000), chance.random()))


def write(
    database: Database, commits: int, chance: random.Random, curious: float, settings: Mapping[str, Any]
) -> tuple[int, float]:
    """Write for so many commits; how many readings that were, in how many seconds."""
    queue = deque[tuple[int, float]]()
    rows, total, last_ms = 0, 0.0, 0.0
    tried: dict[str, float] = {}
    for number in range(commits):
        deliver(queue, chance)
        if number % STRETCH == 0:
            tried = {"base": round(1024 ** chance.random())} if chance.random() < curious else {}
        size = choose_batch(len(queue), last_ms, **{**settings, **tried})
        batch = [queue.popleft() for _ in range(min(size, len(queue)))]
        seconds = database.commit(batch)
        choose_batch.outputs(rows_per_s=len(batch) / seconds)
        rows, total, last_ms = rows + len(batch), total + seconds, 1000 * seconds
    choose_batch.end()
    return rows, total


def main() -> None:
    """Write as asked, and say how fast that went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--commits", type=int, default=100, help="how many there are in a run")
    parser.add_argument("--curious", type=float, default=0.0, help="the share of commits with a size drawn by chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--task", help="take the settings from this task")
    for name in ("base", "share", "per_ms"):
        parser.add_argument(f"--{name}", type=float, help="a setting of choose_batch")
    asked = parser.parse_args()
    given = {name: getattr(asked, name) for name in ("base", "share", "per_ms")}
    settings = {name: value for name, value in given.items() if value is not None}
    if asked.task:
        settings = wt.load_task(asked.task).knobs
    chance, rows, seconds = random.Random(asked.seed), 0, 0.0
    for _ in range(asked.runs):
        with tempfile.TemporaryDirectory() as folder:
            database = Database(Path(folder) / "readings.db")
            done = write(database, asked.commits, chance, asked.curious, settings)
            database.close()
        rows, seconds = rows + done[0], seconds + done[1]
    print(f"{rows / seconds:,.0f} rows/s: {rows:,} rows in {seconds:.2f} s")


if __name__ == "__main__":
    main()
