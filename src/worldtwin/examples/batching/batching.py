"""An ordinary program: readings wait in a queue, and a writer commits them to a database in batches.

python batching.py                                        # as it runs every day
python batching.py --runs 20 --commits 30 --curious 0.9   # most commits of another size
python batching.py --task better.wtt                      # with the settings that `worldtwin improve` found
python batching.py --runs 5 --commits 20 --base 64 256    # which is faster? in turn, as a disk has its days
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
from typing import Any, TypeAlias

import worldtwin as wt

Reading: TypeAlias = tuple[str, float]
"""The name of a reading and its value."""

DEVICES = ("Pump", "pump", "Valve", "valve")
"""Where readings come from, as devices write it."""

ROOM = 8000
"""How many readings the queue has room for."""

MOST = 1024
"""How many readings one commit can take."""

OFTEN = 0.1
"""The share of commits before which devices send readings."""


@wt.recorded("batching.traces", state=["queue", "last_ms"], action="size", outputs=["rows_per_s"])
def choose_batch(
    queue: int,
    last_ms: float,
    base: float = wt.param(8, low=1, high=1024),
    share: float = wt.param(0.0, low=0.0, high=0.1),
    per_ms: float = wt.param(0.0, low=-2.0, high=2.0),
) -> int:
    """How many readings to commit next: some, a share of those that wait, and some for each ms of the last commit."""
    return max(1, min(1024, round(base + share * queue + per_ms * last_ms)))


class Database:
    """Where the readings go. Devices send some of them twice: of two in one batch, the later one counts.

    Some devices write a name in capitals, others do not: it is the same name.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE readings (name TEXT, value REAL)")
        self._connection.execute("CREATE TEMP TABLE batch (name TEXT, value REAL)")

    def commit(self, readings: Sequence[Reading]) -> float:
        """Store `readings` so that no power cut loses them; how many seconds that took."""
        began = time.perf_counter()
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO batch VALUES (?, ?)", readings)
        self._connection.execute("""
            INSERT INTO readings SELECT name, value FROM batch AS this WHERE NOT EXISTS (SELECT 1 FROM batch AS later
            WHERE lower(later.name) = lower(this.name) AND later.rowid > this.rowid)""")
        self._connection.execute("DELETE FROM batch")
        self._connection.execute("COMMIT")
        return time.perf_counter() - began

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def deliver(queue: deque[Reading], chance: random.Random) -> None:
    """What devices send: many readings now and then, and always before fewer wait than one commit can take."""
    if len(queue) >= MOST and chance.random() > OFTEN:
        return
    for _ in range(chance.randint(2 * MOST, ROOM) - len(queue)):
        queue.append((f"{chance.choice(DEVICES)}-{chance.randrange(100_000)}", chance.random()))


def drawn(chance: random.Random) -> Mapping[str, Any]:
    """Settings that make the size one drawn by chance, whatever waits and however long the last commit took."""
    return {"base": round(8 * 128 ** chance.random()), "share": 0.0, "per_ms": 0.0}


def write(
    path: Path, commits: int, chance: random.Random, curious: float, settings: Mapping[str, Any]
) -> tuple[int, float]:
    """Write to a new database for so many commits; how many readings that were, in how many seconds."""
    database, queue = Database(path), deque[Reading]()
    rows, total, last_ms = 0, 0.0, 0.0
    for _ in range(commits):
        deliver(queue, chance)
        tried = drawn(chance) if chance.random() < curious else settings
        size = choose_batch(len(queue), last_ms, **tried)
        batch = [queue.popleft() for _ in range(min(size, len(queue)))]
        seconds = database.commit(batch)
        choose_batch.outputs(rows_per_s=len(batch) / seconds)
        rows, total, last_ms = rows + len(batch), total + seconds, 1000 * seconds
    choose_batch.end()
    database.close()
    return rows, total


def main() -> None:
    """Write as asked, in turn if there is more than one way, and say how fast each was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--commits", type=int, default=100, help="how many there are in a run")
    parser.add_argument("--curious", type=float, default=0.0, help="the share of commits with a size drawn by chance")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--base", type=int, nargs="*", default=[], help="write with this number as `base`, or each")
    parser.add_argument("--task", nargs="*", default=[], help="write with the settings of this task, or of each")
    asked = parser.parse_args()
    ways: dict[str, Mapping[str, Any]] = {f"base {base}": {"base": base} for base in asked.base}
    ways |= {Path(path).name: wt.load_task(path).knobs for path in asked.task}
    ways = ways or {"as ever": {}}
    chance, written = random.Random(asked.seed), {way: [0.0, 0.0] for way in ways}
    for _ in range(asked.runs):
        for way, settings in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                done = write(Path(folder) / "readings.db", asked.commits, chance, asked.curious, settings)
            written[way] = [before + more for before, more in zip(written[way], done, strict=True)]
    for way, (rows, seconds) in written.items():
        print(f"{rows / seconds:,.0f} rows/s: {rows:,.0f} rows in {seconds:.2f} s, {way}")


if __name__ == "__main__":
    main()
