"""Learning a table against one `numpy.unique` over the same transitions, packed (target: at most 2x its time)."""

from __future__ import annotations

import numpy as np
from timing import medians, table

from worldtwin.simulation import count
from worldtwin.world import Category, Integer, Space, Spec, Transitions

STATES, ACTIONS = 1000, 4
TARGET = 2.0


def world() -> Spec:
    """1,000 states on a line, four actions."""
    return Spec(
        name="line",
        state=Space(("place",), (Integer(low=0, high=STATES - 1),)),
        action=Space(("move",), (Category(("n", "e", "s", "w")),)),
    )


def recorded(number: int) -> Transitions:
    """`number` transitions that never repeat in order: jumps of up to 4 places."""
    chance = np.random.default_rng(1)
    states = chance.integers(0, STATES, (number, 1))
    nexts = (states + chance.integers(-4, 5, (number, 1))) % STATES
    return Transitions(
        states=states,
        actions=chance.integers(0, ACTIONS, (number, 1)),
        nexts=nexts,
        outputs=np.zeros((number, 0), dtype=np.int64),
        episodes=np.zeros(number, dtype=np.int64),
        steps=np.arange(number),
        synthetic=np.zeros(number, dtype=np.bool_),
    )


def main() -> None:
    """Print the ratios."""
    spec, rows = world(), [("transitions", "table, ms", "unique, ms", "ratio")]
    for number in (10**4, 10**5, 10**6, 10**7):
        data = recorded(number)
        packed = (data.states[:, 0] * ACTIONS + data.actions[:, 0]) * STATES + data.nexts[:, 0]
        assert len(count(spec, data).values) == len(np.unique(packed))
        times = medians(
            {
                "table": lambda data=data: count(spec, data),
                "unique": lambda packed=packed: np.unique(packed, return_counts=True),
            },
            rounds=7 if number < 10**7 else 5,
        )
        ratio = times["table"] / times["unique"]
        rows.append((f"{number:,}", f"{1e3 * times['table']:.2f}", f"{1e3 * times['unique']:.2f}", f"{ratio:.2f}"))
    table(f"learning a table / numpy.unique over packed int64 (target: at most {TARGET})", rows)


if __name__ == "__main__":
    main()
