"""What `improve` may change in a task: parameters, in a program's text and in plain Python; and what it remembers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import overload

from msgspec import Struct

from worldtwin.errors import InvalidValue


class Parameter(Struct, frozen=True, kw_only=True):
    """One declared parameter: its values (one, or those of an array) and the range they stay in."""

    name: str
    values: tuple[float, ...]
    low: float = -math.inf
    high: float = math.inf
    integer: bool = False
    array: bool = False

    def __post_init__(self) -> None:
        """Refuse values outside of the range. Raises `InvalidValue`."""
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise InvalidValue(f"parameter `{self.name}`: the range [{self.low:g}, {self.high:g}] is reversed")
        for value in self.values:
            if not self.low <= value <= self.high or not math.isfinite(value):
                raise InvalidValue(f"parameter `{self.name}`: {value:g} is outside of [{self.low:g}, {self.high:g}]")
            if self.integer and value != round(value):
                raise InvalidValue(f"parameter `{self.name}`: {value:g} is not a whole number")

    @property
    def plain(self) -> float | tuple[float, ...]:
        """Its value as Python writes it: one number or several, whole ones as int."""
        numbers = tuple(int(value) for value in self.values) if self.integer else self.values
        return numbers if self.array else numbers[0]


class FloatParameter(float):
    """A float that knows the range it may be changed in."""

    low: float
    high: float


class IntParameter(int):
    """An int that knows the range it may be changed in."""

    low: float
    high: float


class ArrayParameter(tuple[float, ...]):  # noqa: SLOT001 - a tuple cannot have other slots
    """Numbers that know the range they may be changed in."""

    low: float
    high: float


@overload
def param(default: float, *, low: float = ..., high: float = ...) -> FloatParameter | IntParameter: ...
@overload
def param(default: Sequence[float], *, low: float = ..., high: float = ...) -> ArrayParameter: ...
def param(
    default: float | Sequence[float], *, low: float = -math.inf, high: float = math.inf
) -> FloatParameter | IntParameter | ArrayParameter:
    """`default`, marked as a parameter in [low, high]: a number that works like any other in plain Python.

    An int stays whole. Raises `InvalidValue` when the default is outside of the range.
    """
    values = (default,) if isinstance(default, int | float) else tuple(default)
    whole = all(isinstance(value, int) for value in values)
    Parameter(name="param", values=tuple(map(float, values)), low=low, high=high, integer=whole)
    made = _made(default)
    made.low, made.high = low, high
    return made


def remember(**fields: float | list[float]) -> SimpleNamespace:
    """The memory of a program, in plain Python: its fields with the values of an episode's start."""
    return SimpleNamespace(**fields)


def _made(default: float | Sequence[float]) -> FloatParameter | IntParameter | ArrayParameter:
    if isinstance(default, int):
        return IntParameter(default)
    return FloatParameter(default) if isinstance(default, float) else ArrayParameter(default)


def parameter_of(name: str, value: FloatParameter | IntParameter | ArrayParameter) -> Parameter:
    """The declaration of a value that `param` made."""
    array = isinstance(value, ArrayParameter)
    values = tuple(value) if isinstance(value, ArrayParameter) else (value,)
    return Parameter(
        name=name,
        values=tuple(map(float, values)),
        low=value.low,
        high=value.high,
        integer=all(isinstance(item, int) for item in values),
        array=array,
    )
