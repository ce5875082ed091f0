"""Importing Worldtwin against importing NumPy, each in a fresh process (target for `import worldtwin`: below 1.5x)."""

from __future__ import annotations

import statistics
import subprocess
import sys

from timing import table

ROUNDS = 9
TARGET = 1.5
STATEMENTS = {
    "numpy": "import numpy",
    "worldtwin": "import worldtwin",
    "kernel": "from worldtwin import judge",
    "files": "from worldtwin import judge, load_simulator, load_task",
}
TIMED = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"


def seconds(statement: str) -> float:
    """The seconds that `statement` takes in a process of its own, without the start of Python."""
    command = [sys.executable, "-c", TIMED.format(statement)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def medians(rounds: int = ROUNDS) -> dict[str, float]:
    """The median seconds of each statement; they take turns, after one round that is not counted."""
    times = [{name: seconds(statement) for name, statement in STATEMENTS.items()} for _ in range(rounds + 1)][1:]
    return {name: statistics.median(each[name] for each in times) for name in STATEMENTS}


def main() -> None:
    """Print the ratios."""
    found = medians()
    rows = [("statement", "ms", "ratio")]
    rows += [(STATEMENTS[name], f"{1e3 * time:.1f}", f"{time / found['numpy']:.2f}") for name, time in found.items()]
    table(f"importing, ratios to NumPy (target for `import worldtwin`: below {TARGET})", rows)


if __name__ == "__main__":
    main()
