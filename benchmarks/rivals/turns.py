"""A rival's side of the benchmark: it times one repeat whenever it is told to, where only the rival is installed."""

from __future__ import annotations

import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version

ROUNDS = 7

Work = Callable[[], object]


def serve(variants: Mapping[str, Work], *, rows: int, steps: int, threads: int, packages: tuple[str, ...]) -> None:
    """Say what there is; then time once each variant that a line on the standard input names, and say its figures.

    With the argument `alone`, say the median figures of each variant instead. Everything said is a line of JSON.
    """
    for work in variants.values():
        work()
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}

    def say_figures(name: str, seconds: float) -> None:
        each = seconds / steps
        figures = {"name": name, "rows": rows, "steps": steps, "seconds_per_step": each, "rows_per_second": rows / each}
        say(figures | {"versions": versions})

    if sys.argv[1:] == ["alone"]:
        for name, work in variants.items():
            say_figures(name, statistics.median(seconds(work) for _ in range(ROUNDS)))
        return
    say({"variants": list(variants), "threads": threads, "versions": versions})
    for line in sys.stdin:
        name = line.strip()
        say_figures(name, seconds(variants[name]))


def seconds(work: Work) -> float:
    """The seconds that `work` takes, once."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def say(value: dict[str, object]) -> None:
    """Print `value` as a line of JSON, at once."""
    print(json.dumps(value), flush=True)
