"""Ratios that hold on a shared machine: the contenders take turns, and medians are compared."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

ROUNDS = 7


def seconds(work: Callable[[], object]) -> float:
    """The seconds that `work` takes, once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def medians(contenders: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """The median seconds of each contender over `rounds` rounds in turn, after one round that is not counted."""
    for work in contenders.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            times[name].append(seconds(work))
    return {name: statistics.median(values) for name, values in times.items()}


def table(title: str, rows: list[tuple[str, ...]]) -> None:
    """Print `rows`, the first one the heading, in columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print(f"\n{title}")
    for row in rows:
        print(
            "  "
            + "  ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        )
