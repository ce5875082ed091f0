"""What is least known: visited states with actions that were hardly tried there."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from worldtwin.learning.explaining.parts import Parts, declared_parts, seen_parts
from worldtwin.simulation import GapReport
from worldtwin.world import Category, Lattice, Spec, Transitions

SHOWN: Final = 3
TAILS: Final = (0.1, 0.5, 0.9)
ACTION_PARTS: Final = 4
MOST_ROWS: Final = 50_000
LEAST_EXPECTED: Final = 3.0

Floats = NDArray[np.float64]


def gap_reports(spec: Spec, rows: Transitions, states: Lattice) -> tuple[GapReport, ...]:
    """The least-known boxes of one state field and one action field; of actions alone in a stateless world.

    A state field is cut by what was recorded, an action field by what is declared: states are met, actions are chosen.
    Least known is what has the fewest rows for as many as there would be, had all possible actions been tried alike.
    `states` (n, width) are the state rows of `rows`.
    """
    every = slice(None, None, max(1, len(rows) // MOST_ROWS))
    states, actions, times = states[every], rows.actions[every], max(1, len(rows) // MOST_ROWS)
    chances = _chances(spec, states)
    found = [
        gap
        for column, (name, field) in enumerate(zip(spec.action.names, spec.action.fields, strict=True))
        if (choice := declared_parts(name, field, ACTION_PARTS)) is not None
        for gap in _with_states(spec, states, choice, actions[:, column], _of_parts(chances, len(states), len(choice)))
    ]
    found.sort(key=lambda gap: (gap[0], -gap[1]))
    shown: dict[str, GapReport] = {}
    for _, expected, count, text in found:
        if len(shown) < SHOWN and expected * times >= LEAST_EXPECTED and count < expected / 2:
            shown.setdefault(text, GapReport(text=text, rows=count * times, expected=round(expected * times, 1)))
    return tuple(shown.values())


def _with_states(
    spec: Spec, states: Lattice, choice: Parts, chosen: Lattice, chances: Floats
) -> list[tuple[float, float, int, str]]:
    """The ratio of rows to those expected, both numbers, and the words, for each box of a state field and `choice`."""
    part = choice.of(chosen)
    alone = [(None, np.zeros(len(states), dtype=np.int64), 1)]
    with_field = [
        (parts, parts.of(states[:, column]), len(parts))
        for column, (name, field) in enumerate(zip(spec.state.names, spec.state.fields, strict=True))
        if not spec.stateless and (parts := seen_parts(name, field, states[:, column], TAILS)) is not None
    ]
    boxes = list[tuple[float, float, int, str]]()
    for parts, place, wide in with_field or alone:
        counts = np.bincount(place * len(choice) + part, minlength=wide * len(choice)).reshape(wide, len(choice))
        expected = np.stack([np.bincount(place, weights=each, minlength=wide) for each in chances.T], axis=1)
        for here, there in np.argwhere(expected > 0).tolist():
            count, usual = int(counts[here, there]), float(expected[here, there])
            where = f"{parts.text(here)} with " if parts is not None else ""
            boxes.append((count / usual, usual, count, where + choice.text(there)))
    return boxes


def _chances(spec: Spec, states: Lattice) -> Floats | None:
    """How likely each value of the action is in each state (n, choices), all possible ones alike; None: all are."""
    possible = None if spec.stateless or len(spec.action) > 1 else spec.possible_actions(states)
    if possible is None or not isinstance(spec.action.fields[0], Category):
        return None
    return possible / np.maximum(1, possible.sum(axis=1))[:, None]


def _of_parts(chances: Floats | None, rows: int, count: int) -> Floats:
    """The likelihood (rows, parts) of each of the `count` parts of an action field."""
    return np.full((rows, count), 1 / count) if chances is None or chances.shape[1] != count else chances
