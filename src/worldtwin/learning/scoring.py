"""How far the published simulator is from rows that it has not seen, by the exact engine that everyone runs."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.learning.holdout import chance, runs
from worldtwin.simulation import Simulator
from worldtwin.world import Angle, Category, Field, Lattice, Set, Spec, Transitions, wrap_column

SEGMENTS: Final = 200
LEAST_SEGMENTS: Final = 20

Floats = NDArray[np.float64]


class Drift(Struct, frozen=True, eq=False):
    """The error of each state field (fields,) after `steps` steps on its own."""

    steps: int
    errors: Floats


def misses(simulator: Simulator, rows: Transitions, states: Lattice, key: Key) -> Floats:
    """How far off each next field and output (n, columns) is one step ahead: in lattice steps, for names 0 or 1.

    `states` (n, width) are the state rows of `rows`.
    """
    keys = key.child("one step").episodes(np.arange(len(rows)))
    ahead = simulator.advance(states, rows.actions, keys, 0)
    fields = len(simulator.spec.state)  # hidden states are nobody's to tell
    return differences(
        simulator.spec,
        np.concatenate([ahead.next_fields[:, :fields], ahead.outputs], axis=1),
        np.concatenate([rows.nexts[:, :fields], rows.outputs], axis=1),
    )


def naive_misses(spec: Spec, rows: Transitions, scale: Transitions) -> Floats:
    """The same of who says that all stays as it is, and that an output is what it was most often, or on average."""
    usual = [_usual(field, column) for field, column in zip(spec.outputs.fields, scale.outputs.T, strict=True)]
    beside = np.broadcast_to(np.array(usual, dtype=np.int64), rows.outputs.shape)
    fields = len(spec.state)
    told = np.concatenate([rows.states[:, :fields], beside], axis=1)
    return differences(spec, told, np.concatenate([rows.nexts[:, :fields], rows.outputs], axis=1))


def in_spreads(spec: Spec, missed: Floats, scale: Transitions) -> Floats:
    """One error (columns,) of all rows' misses (n, columns).

    Of numbers: the root of the mean squared error, over the spread of one step's change in `scale` (of the value itself
    for an output). Of names: the share that is wrong.
    """
    return np.array(
        [
            float(column.mean())
            if isinstance(field, Category | Set)
            else float(np.sqrt(np.square(column).mean())) / spread
            for field, column, spread in zip(_columns(spec), missed.T, spreads(spec, scale), strict=True)
        ]
    )


def differences(spec: Spec, told: Lattice, truth: Lattice) -> Floats:
    """How far apart (n, columns) two rows of next fields and outputs are; the shorter way around, for names 0 or 1."""
    apart = (told - truth).astype(np.float64)
    for column, field in enumerate(_columns(spec)):
        if isinstance(field, Category | Set):
            apart[:, column] = apart[:, column] != 0
        elif isinstance(field, Angle):
            apart[:, column] = wrap_column(told[:, column] - truth[:, column])
    return apart


def spreads(spec: Spec, scale: Transitions) -> list[float]:
    """The spread of one step's change of each field, and of each output."""
    steps = (scale.nexts - scale.states)[:, : len(spec.state)]
    inside = [_spread(field, column) for field, column in zip(spec.state.fields, steps.T, strict=True)]
    beside = [_spread(field, column) for field, column in zip(spec.outputs.fields, scale.outputs.T, strict=True)]
    return inside + beside


def _columns(spec: Spec) -> tuple[Field, ...]:
    return spec.state.fields + spec.outputs.fields


def _usual(field: Field, values: Lattice) -> int:
    if isinstance(field, Category | Set):
        names, counts = np.unique(values, return_counts=True)
        return int(names[np.argmax(counts)])
    return round(float(values.mean()))


def drift(
    simulator: Simulator, rows: Transitions, kept: NDArray[np.bool_], steps: int, key: Key, *, share: int = 1
) -> Drift | None:
    """How far each state field is off after `steps` steps with the recorded actions, over the field's spread.

    Starts from up to 200 (over `share`) of the `kept` rows (n,); when no recorded run is that long, as far as 20 (over
    `share`) starts go. None when no two kept rows follow each other.
    """
    spec = simulator.spec
    left = runs(rows, kept)
    length = reachable(left, steps, share)
    if length < 1:
        return None
    starts = np.flatnonzero(left >= length)
    if len(starts) > SEGMENTS // share:
        starts = np.sort(chance(key.child("segments")).choice(starts, size=SEGMENTS // share, replace=False))
    reached = _replayed(simulator, rows, starts, length, key)
    truth = rows.nexts[starts + length - 1]
    errors = [
        _error(field, reached[:, i] - truth[:, i], _spread(field, rows.states[:, i]))
        for i, field in enumerate(spec.state.fields)
    ]
    return Drift(steps=length, errors=np.array(errors))


def reachable(left: Lattice, steps: int, share: int = 1) -> int:
    """How many steps, up to `steps`, 20 (over `share`) starts go on, of which each has so many rows `left` (n,)."""
    longest = np.sort(left)[::-1]
    return int(min(steps, longest[min(LEAST_SEGMENTS // share, len(longest)) - 1])) if len(longest) else 0


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
