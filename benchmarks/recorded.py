"""What `@recorded` costs a call of a function with a 4-float state, buffered (target: at most 5 us)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from timing import medians, table

import worldtwin as wt

CALLS = 50_000


def push(position: float, velocity: float, angle: float, spin: float) -> str:
    """Next to nothing, so that the wrapper is what is measured."""
    return "left" if position + velocity + angle + spin < 0 else "right"


def main() -> None:
    """Print the cost of a call."""
    with tempfile.TemporaryDirectory() as folder:
        names = ["position", "velocity", "angle", "spin"]
        watched = wt.recorded(str(Path(folder) / "calls.traces"), state=names, action="push")(push)

        def calls(function: object) -> None:
            for number in range(CALLS):
                function(0.1, 0.2, number * 1e-4, 0.4)  # type: ignore[operator]

        times = medians({"watched": lambda: calls(watched), "bare": lambda: calls(push)})
        watched.flush()
    each = {name: 1e6 * seconds / CALLS for name, seconds in times.items()}
    rows = [("", "us a call"), *((name, f"{value:.2f}") for name, value in each.items())]
    rows.append(("added", f"{each['watched'] - each['bare']:.2f}"))
    table("@recorded, a 4-float state, buffered (target: at most 5 us added)", rows)


if __name__ == "__main__":
    main()
