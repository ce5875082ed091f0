"""How far the published simulator is from rows that it has not seen, by the exact engine that everyone runs."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.learning.holdout import chance, runs
from worldtwin.simulation import Simulator
from worldtwin.world import Angle, Category, Field, Lattice, Set, Transitions, wrap_column

SEGMENTS: Final = 200
LEAST_SEGMENTS: Final = 20

Floats = NDArray[np.float64]


class Drift(Struct, frozen=True, eq=False):
    """The error of each state field (fields,) after `steps` steps on its own."""

    steps: int
    errors: Floats


def one_step_errors(simulator: Simulator, rows: Transitions, states: Lattice, scale: Transitions, key: Key) -> Floats:
    """The error of each next field and output (targets,) one step ahead.

    Of numbers: the root of the mean squared error, over the spread of one step's change in `scale` (of the value itself
    for an output). Of names: the share that is wrong. `states` (n, width) are the state rows of `rows`.
    """
    spec = simulator.spec
    keys = key.child("one step").episodes(np.arange(len(rows)))
    ahead = simulator.advance(states, rows.actions, keys, 0)
    inside = [
        _error(
            field, ahead.next_fields[:, i] - rows.nexts[:, i], _spread(field, scale.nexts[:, i] - scale.states[:, i])
        )
        for i, field in enumerate(spec.state.fields)
    ]
    beside = [
        _error(field, ahead.outputs[:, i] - rows.outputs[:, i], _spread(field, scale.outputs[:, i]))
        for i, field in enumerate(spec.outputs.fields)
    ]
    return np.array(inside + beside)


def drift(simulator: Simulator, rows: Transitions, kept: NDArray[np.bool_], steps: int, key: Key) -> Drift | None:
    """How far each state field is off after `steps` steps with the recorded actions, over the field's spread.

    Starts from up to 200 of the `kept` rows (n,); when no recorded run is that long, as far as 20 starts
    go. None when no two kept rows follow each other.
    """
    spec = simulator.spec
    left = runs(rows, kept)
    length = _reachable(left, steps)
    if length < 1:
        return None
    starts = np.flatnonzero(left >= length)
    if len(starts) > SEGMENTS:
        starts = np.sort(chance(key.child("segments")).choice(starts, size=SEGMENTS, replace=False))
    reached = _replayed(simulator, rows, starts, length, key)
    truth = rows.nexts[starts + length - 1]
    errors = [
        _error(field, reached[:, i] - truth[:, i], _spread(field, rows.states[:, i]))
        for i, field in enumerate(spec.state.fields)
    ]
    return Drift(steps=length, errors=np.array(errors))


def _reachable(left: Lattice, steps: int) -> int:
    longest = np.sort(left)[::-1]
    return int(min(steps, longest[min(LEAST_SEGMENTS, len(longest)) - 1])) if len(longest) else 0


def _replayed(simulator: Simulator, rows: Transitions, starts: Lattice, length: int, key: Key) -> Lattice:
    """The fields (n, fields) that the simulator reaches from the state rows at `starts` by the recorded actions."""
    spec = simulator.spec
    keys = key.child("drift").episodes(np.arange(len(starts)))
    states = rows.full_states(spec)[starts]
    for step in range(length):
        actions = rows.actions[starts + step]
        ahead = simulator.advance(states, actions, keys, step)
        states = spec.shift(states, actions, ahead.next_fields)
    return states[:, : len(spec.state)]


def _error(field: Field, difference: Lattice, spread: float) -> float:
    if isinstance(field, Category | Set):
        return float((difference != 0).mean())
    if isinstance(field, Angle):
        difference = wrap_column(difference)
    return float(np.sqrt(np.square(difference.astype(np.float64)).mean())) / spread


def _spread(field: Field, values: Lattice) -> float:
    """The standard deviation of `values` (n,), of directions around their mean; at least one lattice step."""
    if isinstance(field, Angle):
        turns = values * (2 * np.pi / 2**24)
        center = np.angle(np.exp(1j * turns).mean())
        values = wrap_column(values - round(float(center) / (2 * np.pi) * 2**24))
    return max(1.0, float(values.std()))
