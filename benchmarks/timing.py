"""Ratios that hold on a shared machine: the contenders take turns, and medians are compared."""

from __future__ import annotations

import functools
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
    times = told({name: functools.partial(seconds, work) for name, work in contenders.items()}, rounds)
    return {name: statistics.median(values) for name, values in times.items()}


def told(contenders: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """What contenders that time themselves tell over `rounds` rounds in turn, after one round that is not counted."""
    for tell in contenders.values():
        tell()
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, tell in contenders.items():
            times[name].append(tell())
    return times


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
