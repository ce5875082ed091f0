"""What a simulator answers, and from which source."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.world import Lattice, Outputs, State


class Source(IntEnum):
    """Where an answer comes from, the best first but for `UNKNOWN`: no answer."""

    UNKNOWN = 0
    OBSERVED = 1
    SYNTHETIC = 2
    PREDICTED = 3


class Alternative(Struct, frozen=True, kw_only=True):
    """One thing that may happen: how probable it is, and how often it was counted (0: it was predicted)."""

    next: State
    outputs: Outputs
    probability: float
    count: int


class Prediction(Struct, frozen=True, kw_only=True):
    """The most probable next state and outputs, or the middle one of what is predicted.

    `reward` is None in a world without one. `confidence` in [0, 1] is how likely the answer is right: of tables the
    share of its count, one unseen outcome allowed for; of predictors what held-out rows said. `alternatives` begin
    with the most probable.
    """

    next: State
    outputs: Outputs
    reward: float | None
    ended: bool
    source: Source
    confidence: float
    alternatives: tuple[Alternative, ...]


class StepResult(Struct, frozen=True):
    """What one step of a session came to."""

    next: State
    outputs: Outputs
    reward: float | None
    ended: bool
    source: Source


class Advance(Struct, frozen=True, kw_only=True, eq=False):
    """One step of n rows: `next_fields` (n, fields), `outputs` (n, outputs), `source` (n,) int8.

    A row without an answer stays where it is. `asked` is how many rows the predictors were asked for.
    """

    next_fields: Lattice
    outputs: Lattice
    source: NDArray[np.int8]
    asked: int
