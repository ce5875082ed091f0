"""`session.step` on a table (target: below 10 us for rows with one outcome, 20 us for others)."""

from __future__ import annotations

import numpy as np
from timing import medians, table

import worldtwin as wt
from worldtwin.simulation import Simulator, count
from worldtwin.world import Category, Integer, Space, Spec, StartValues, Transitions

STEPS = 20_000


def line(outcomes: int) -> Simulator:
    """A line of 100 places on which every move has `outcomes` outcomes."""
    spec = Spec(
        name="line",
        state=Space(("place",), (Integer(low=0, high=99),)),
        action=Space(("move",), (Category(("left", "right")),)),
        start={"place": StartValues((50,))},
        reward="1 if next.place == 99 else 0",
        horizon=STEPS,
        returns=(0.0, float(STEPS)),
    )
    places, moves, which = (axis.ravel() for axis in np.meshgrid(np.arange(100), [0, 1], np.arange(outcomes)))
    nexts = (places + (2 * moves - 1) * (1 + which)) % 100
    count_rows = len(places)
    rows = Transitions(
        states=places[:, None],
        actions=moves[:, None],
        nexts=nexts[:, None],
        outputs=np.zeros((count_rows, 0), dtype=np.int64),
        episodes=np.arange(count_rows),
        steps=np.zeros(count_rows, dtype=np.int64),
        synthetic=np.zeros(count_rows, dtype=np.bool_),
    )
    return Simulator(spec, observed=count(spec, rows))


def walk(simulator: Simulator) -> None:
    """`STEPS` steps of one session."""
    session = wt.Session(simulator, key=1)
    for number in range(STEPS):
        session.step("left" if number & 3 else "right")


def main() -> None:
    """Print microseconds a step, beside a Python loop that looks up a dictionary."""
    certain, chancy = line(1), line(4)
    successors = {
        (place, move): (place + (1 if move == "right" else -1)) % 100
        for place in range(100)
        for move in ("left", "right")
    }

    def bare() -> None:
        place = 50
        for number in range(STEPS):
            place = successors[place, "left" if number & 3 else "right"]

    times = medians(
        {"one outcome": lambda: walk(certain), "four outcomes": lambda: walk(chancy), "a bare dictionary": bare}
    )
    rows = [("", "us a step"), *((name, f"{1e6 * value / STEPS:.2f}") for name, value in times.items())]
    table("session.step on a table (targets: 10 us, 20 us)", rows)


if __name__ == "__main__":
    main()
