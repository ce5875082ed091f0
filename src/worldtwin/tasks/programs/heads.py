"""From a network's outputs to an action: what the last layer's numbers mean.

A category takes the value with the highest number, the first of equals (its first value's number is 0 and needs no
output); a set takes each value whose number is above 0; every other field takes [-1, 1] for its whole range.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.tasks.programs.inputs import BITS, ONE
from worldtwin.world import Category, Field, Lattice, Set, Space, bounds

_WIDEST: Final = 48
_NEVER: Final = -(1 << 62)


def outputs_of(field: Field) -> int:
    """How many outputs of a network an action field needs."""
    match field:
        case Category(values):
            return max(1, len(values) - 1)
        case Set(values):
            return len(values)
        case _:
            return 1


class Heads(Struct, frozen=True, dict=True):
    """The meaning of a network's outputs for the fields of `action`, in order."""

    action: Space

    @cached_property
    def size(self) -> int:
        """How many outputs there are."""
        return sum(outputs_of(field) for field in self.action.fields)

    def act(self, outputs: Lattice, possible: NDArray[np.bool_] | None) -> Lattice:
        """The actions (n, a) of `outputs` (n, size), in 2^-12."""
        if self._choice == 2 and possible is None:
            return (outputs > 0).astype(np.int64)
        actions = np.empty((len(outputs), len(self.action)), dtype=np.int64)
        start = 0
        for position, field in enumerate(self.action.fields):
            end = start + outputs_of(field)
            actions[:, position] = _act(field, outputs[:, start:end], possible)
            start = end
        return actions

    @cached_property
    def _choice(self) -> int:
        only = self.action.fields[0] if len(self.action) == 1 else None
        return len(only.values) if isinstance(only, Category) else 0


def _act(field: Field, outputs: Lattice, possible: NDArray[np.bool_] | None) -> Lattice:
    match field:
        case Category(values):
            others = outputs[:, : len(values) - 1]
            worth = np.concatenate([np.zeros((len(outputs), 1), dtype=np.int64), others], axis=1)
            return np.argmax(worth if possible is None else np.where(possible, worth, _NEVER), axis=1)
        case Set(values):
            return ((outputs > 0) << np.arange(len(values))).sum(axis=1)
        case _:
            return _spread(field, np.clip(outputs[:, 0], -ONE, ONE))


def _spread(field: Field, share: Lattice) -> Lattice:
    """Lattice values from `share` (n,) in [-2^12, 2^12]; the lowest and the highest are reached."""
    low, high = bounds(field)
    coarse = max(0, (high - low).bit_length() - _WIDEST)
    product = (share + ONE) * ((high - low) >> coarse)
    steps = (product + ONE) >> (BITS + 1)
    return np.where(share == ONE, high, np.minimum(low + (steps << coarse), high))
