"""Where a case begins: the spec's start with the case's own values in place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worldtwin.errors import InvalidSpec, InvalidValue, Problem
from worldtwin.exact import STREAM_START, Words, below, draw
from worldtwin.judging.case import Case, Value
from worldtwin.simulation import COLUMNS_APART, Simulator, drawn_up_to
from worldtwin.world import Angle, Category, Field, Lattice, Set, Spec, encode, size, wrap_column


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
    return simulator.with_hidden(spec.start_rows(fields), keys)


def _draw(case: Case, spec: Spec, name: str, value: Value, keys: Words) -> NDArray[np.int64]:
    """The lattice values (n,) of one field of the start."""
    try:
        column = spec.state.index(name)
        field = spec.state.fields[column]
        words = draw(keys, 0, STREAM_START + COLUMNS_APART * column)
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
            return _between(field, low, high, words)
        case _:
            return np.full(len(words), encode(field, value), dtype=np.int64)


def _between(field: Field, low: object, high: object, words: Words) -> NDArray[np.int64]:
    """Lattice values from `low` to `high`; an angle's range goes upwards from the first, at most once around."""
    first, last = encode(field, low), encode(field, high)
    if not isinstance(field, Angle):
        if first > last:
            raise InvalidValue(f"the range is reversed: {(high, low)}")
        return first + drawn_up_to(last - first, words)
    around = first == last and low != high
    return wrap_column(first + drawn_up_to(size(field) - 1 if around else (last - first) % size(field), words))
