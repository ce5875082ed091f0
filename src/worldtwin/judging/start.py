"""Where a case begins: the spec's start with the case's own values in place."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from worldtwin.errors import InvalidSpec, InvalidValue, Problem
from worldtwin.exact import STREAM_START, Words, below, draw
from worldtwin.judging.case import Case, Value
from worldtwin.simulation import Simulator
from worldtwin.world import Angle, Category, Field, Lattice, Set, Spec, encode, wrap_column

_BETWEEN = 1 << 30


def case_starts(case: Case, simulator: Simulator, keys: Words) -> Lattice:
    """State rows (n, width) of the episodes of `case` whose own keys are `keys` (n, 2).

    Fields that the case leaves out start as in the spec. Raises `InvalidSpec` naming the case and the field.
    """
    spec = simulator.spec
    own = {name: _draw(case, spec, name, value, keys) for name, value in case.start.items()}
    if len(own) == len(spec.state):
        fields = np.zeros((len(keys), len(spec.state)), dtype=np.int64)
    else:
        fields = simulator.start_states(keys)[:, : len(spec.state)].copy()
    for name, column in own.items():
        fields[:, spec.state.index(name)] = column
    return spec.start_rows(fields)


def _draw(case: Case, spec: Spec, name: str, value: Value, keys: Words) -> NDArray[np.int64]:
    """The lattice values (n,) of one field of the start."""
    try:
        column = spec.state.index(name)
        field = spec.state.fields[column]
        words = draw(keys, 0, STREAM_START + 16 * column)
        return _pick(field, value, words)
    except InvalidValue as error:
        raise InvalidSpec([Problem(f"cases.{case.name}.start.{name}", str(error))]) from error


def _pick(field: Field, value: Value, words: Words) -> NDArray[np.int64]:
    """One lattice value for each word: `value` itself, or drawn evenly from its range or its names."""
    match field, value:
        case (Category(), tuple()) if value:
            choices = np.array([encode(field, name) for name in value], dtype=np.int64)
            return choices[below(words, len(choices))]
        case (Set() | Category(), _):
            return np.full(len(words), encode(field, value), dtype=np.int64)
        case (_, (low, high)):
            return _between(field, encode(field, low), encode(field, high), words)
        case _:
            return np.full(len(words), encode(field, value), dtype=np.int64)


def _between(field: Field, low: int, high: int, words: Words) -> NDArray[np.int64]:
    """Lattice values in [low, high]; an angle's range goes upwards from the first to the second."""
    span = (high - low) % 2**24 if isinstance(field, Angle) else high - low
    if span < 0:
        raise InvalidValue(f"the range is reversed: {cast('object', (high, low))}")
    coarse = max(1, -(-(span + 1) // _BETWEEN))
    values = low + np.minimum(below(words, -(-(span + 1) // coarse)) * coarse, span)
    return wrap_column(values) if isinstance(field, Angle) else values
