"""What a network sees: columns of a state row as numbers in multiples of 2^-12, clipped to [-8, 8]."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask
from worldtwin.exact import network as engine
from worldtwin.exact import trigonometry
from worldtwin.world import Angle, Category, Field, Integer, Lattice, Real, Set, Spec, bounds

BITS: Final = engine.ACTIVATION_BITS
ONE: Final = engine.ACTIVATION_ONE
LIMIT: Final = engine.INPUT_LIMIT
_EXTRA: Final = trigonometry.ONE_BITS - BITS


class Scaled(Struct, frozen=True, kw_only=True, tag="scaled"):
    """One input from a real or integer column: (value - `centre`) / 2^`shift`, in 2^-12."""

    column: int
    centre: int
    shift: int

    def __post_init__(self) -> None:
        """Refuse what could overflow."""
        if not (-BITS <= self.shift <= 45 and abs(self.centre) < 2**53):
            raise InvalidTask(
                f"input of column {self.column}: centre {self.centre}, shift {self.shift} are out of range"
            )

    @property
    def size(self) -> int:
        """How many inputs it gives."""
        return 1


class Turned(Struct, frozen=True, kw_only=True, tag="turned"):
    """Two inputs from an angle column: its sine and its cosine."""

    column: int

    @property
    def size(self) -> int:
        """How many inputs it gives."""
        return 2


class OneOf(Struct, frozen=True, kw_only=True, tag="one-of"):
    """`count` inputs from a category column: 1 for its value, 0 for the others."""

    column: int
    count: int

    @property
    def size(self) -> int:
        """How many inputs it gives."""
        return self.count


class AnyOf(Struct, frozen=True, kw_only=True, tag="any-of"):
    """`count` inputs from a set column: 1 for each value that it has."""

    column: int
    count: int

    @property
    def size(self) -> int:
        """How many inputs it gives."""
        return self.count


Input: TypeAlias = Scaled | Turned | OneOf | AnyOf


class Column(Struct, frozen=True):
    """A column of a state row that a task sees, and the field whose values it holds."""

    position: int
    field: Field


def seen_columns(spec: Spec, observes: Sequence[str]) -> tuple[Column, ...]:
    """The columns of the fields `observes`, now and in the past; past actions are always seen."""
    now = [(spec.state.index(name), spec.state.field(name)) for name in observes]
    count = len(spec.state)
    seen = list(now)
    for block in range(spec.history):
        first = count + block * (count + len(spec.action))
        seen += [(first + position, field) for position, field in now]
        seen += [(first + count + position, field) for position, field in enumerate(spec.action.fields)]
    return tuple(Column(position, field) for position, field in seen)


def inputs_of(columns: Sequence[Column], recorded: Lattice | None) -> tuple[Input, ...]:
    """How the `columns` become inputs: scaled as in the `recorded` states (n, width), or else by their ranges."""
    return tuple(_input(column, recorded) for column in columns)


def _input(column: Column, recorded: Lattice | None) -> Input:
    position = column.position
    match column.field:
        case Angle():
            return Turned(column=position)
        case Category(values):
            return OneOf(column=position, count=len(values))
        case Set(values):
            return AnyOf(column=position, count=len(values))
        case Real() | Integer() as field:
            values = [] if recorded is None else [int(value) for value in recorded[:, position]]
            centre, spread = _centre_and_spread(field, values)
            return Scaled(column=position, centre=centre, shift=(spread - 1).bit_length() - BITS)


def _centre_and_spread(field: Real | Integer, values: list[int]) -> tuple[int, int]:
    """Mean and standard deviation of lattice values; the middle and a quarter of the range when they say nothing."""
    if values:
        mean = round(sum(values) / len(values))
        spread = math.isqrt(sum((value - mean) ** 2 for value in values) // len(values))
        if spread:
            return mean, spread
    low, high = bounds(field)
    return (low + high) // 2, max(1, (high - low) // 4)


class Eye(Struct, frozen=True, dict=True):
    """Several inputs, computed together."""

    inputs: tuple[Input, ...]

    @cached_property
    def size(self) -> int:
        """How many numbers they give."""
        return sum(each.size for each in self.inputs)

    def see(self, states: Lattice) -> Lattice:
        """The inputs (n, size) of `states` (n, width), in 2^-12."""
        plain, at = self._scaled
        scaled = plain.see(states)
        if len(at) == self.size:
            return scaled
        seen = np.empty((len(states), self.size), dtype=np.int64)
        seen[:, at] = scaled
        for start, each in self._others:
            seen[:, start : start + each.size] = _see(each, states[:, each.column])
        return seen

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        ends = np.cumsum([0, *(each.size for each in self.inputs)])
        return tuple(int(end) for end in ends[:-1])

    @cached_property
    def _others(self) -> tuple[tuple[int, Turned | OneOf | AnyOf], ...]:
        pairs = zip(self._starts, self.inputs, strict=True)
        return tuple((start, each) for start, each in pairs if not isinstance(each, Scaled))

    @cached_property
    def _scaled(self) -> tuple[_Scaling, NDArray[np.int64]]:
        pairs = [(at, each) for at, each in zip(self._starts, self.inputs, strict=True) if isinstance(each, Scaled)]
        shifts = np.array([each.shift for _, each in pairs], dtype=np.int64)
        right = np.maximum(shifts, 0)
        scaling = _Scaling(
            columns=np.array([each.column for _, each in pairs], dtype=np.int64),
            centres=np.array([each.centre for _, each in pairs], dtype=np.int64),
            right=right,
            left=np.maximum(-shifts, 0),
            half=(np.int64(1) << right) >> 1,
            limits=(np.int64(LIMIT) << right) >> np.maximum(-shifts, 0),
        )
        return scaling, np.array([at for at, _ in pairs], dtype=np.int64)


class _Scaling(Struct, frozen=True, kw_only=True, eq=False):
    """`Scaled` inputs side by side (k,)."""

    columns: Lattice
    centres: Lattice
    right: Lattice
    left: Lattice
    half: Lattice
    limits: Lattice

    def see(self, states: Lattice) -> Lattice:
        """The inputs (n, k)."""
        away = np.clip(states[:, self.columns] - self.centres, -self.limits, self.limits)
        return ((away + self.half) >> self.right) << self.left


def _see(each: Turned | OneOf | AnyOf, column: Lattice) -> Lattice:
    match each:
        case Turned():
            both = np.stack([trigonometry.sine(column), trigonometry.cosine(column)], axis=1)
            return (both + (1 << (_EXTRA - 1))) >> _EXTRA
        case OneOf(count=count):
            return (column[:, None] == np.arange(count)) * np.int64(ONE)
        case AnyOf(count=count):
            return (column[:, None] >> np.arange(count) & 1) * np.int64(ONE)
