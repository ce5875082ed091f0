"""What `improve` may change in a task: parameters, in a program's text and in plain Python; and what it remembers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TypeAlias, overload

from msgspec import Struct

from worldtwin.errors import InvalidValue


class Parameter(Struct, frozen=True, kw_only=True):
    """One declared parameter: its values (one, or those of an array) and the range they stay in.

    One that takes names has `choices`, and its values are their positions there.
    """

    name: str
    values: tuple[float, ...]
    low: float = -math.inf
    high: float = math.inf
    integer: bool = False
    array: bool = False
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse values outside of the range. Raises `InvalidValue`."""
        if len(set(self.choices)) < len(self.choices):
            raise InvalidValue(f"parameter `{self.name}`: the choices {', '.join(self.choices)} are not all different")
        if self.choices and (not self.integer or (self.low, self.high) != (0, len(self.choices) - 1)):
            raise InvalidValue(f"parameter `{self.name}`: a name's values are its positions among the choices")
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise InvalidValue(f"parameter `{self.name}`: the range [{self.low:g}, {self.high:g}] is reversed")
        for value in self.values:
            if not self.low <= value <= self.high or not math.isfinite(value):
                raise InvalidValue(f"parameter `{self.name}`: {value:g} is outside of [{self.low:g}, {self.high:g}]")
            if self.integer and value != round(value):
                raise InvalidValue(f"parameter `{self.name}`: {value:g} is not a whole number")

    @property
    def plain(self) -> float | str | tuple[float, ...] | tuple[str, ...]:
        """Its value as Python writes it: one number or several, whole ones as int; or names."""
        if self.choices:
            names = tuple(self.choices[int(value)] for value in self.values)
            return names if self.array else names[0]
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


class NameParameter(str):
    """A name that knows the names it may be changed to."""

    __slots__ = ("choices",)

    choices: tuple[str, ...]


class ArrayParameter(tuple[float, ...]):  # noqa: SLOT001 - a tuple cannot have other slots
    """Numbers that know the range they may be changed in."""

    low: float
    high: float


AnyParameter: TypeAlias = FloatParameter | IntParameter | NameParameter | ArrayParameter
"""What `param` makes."""


@overload
def param(default: float, *, low: float = ..., high: float = ...) -> FloatParameter | IntParameter: ...
@overload
def param(default: Sequence[float], *, low: float = ..., high: float = ...) -> ArrayParameter: ...
@overload
def param(default: str, *, choices: Sequence[str]) -> NameParameter: ...
def param(
    default: float | str | Sequence[float],
    *,
    low: float = -math.inf,
    high: float = math.inf,
    choices: Sequence[str] = (),
) -> AnyParameter:
    """`default`, marked as a parameter in [low, high]: a number that works like any other in plain Python.

    An int stays whole; a name becomes any of the `choices`, in no order. Raises `InvalidValue` when the default is
    outside of the range, or not among the choices.
    """
    if isinstance(default, str):
        return _named(default, tuple(choices))
    if choices:
        raise InvalidValue(f"`choices` are for names: {default} is none, give `low` and `high`")
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


def _named(default: str, choices: tuple[str, ...]) -> NameParameter:
    made = NameParameter(default)
    made.choices = choices
    parameter_of("param", made)
    return made


def name_parameter(name: str, default: str, choices: tuple[str, ...]) -> Parameter:
    """The declaration of a parameter that is a name. Raises `InvalidValue` when the default is not among `choices`."""
    if default not in choices:
        raise InvalidValue(f"parameter `{name}`: `{default}` is none of its choices ({', '.join(choices) or 'none'})")
    return Parameter(
        name=name,
        values=(float(choices.index(default)),),
        low=0.0,
        high=float(len(choices) - 1),
        integer=True,
        choices=choices,
    )


def parameter_of(name: str, value: AnyParameter) -> Parameter:
    """The declaration of a value that `param` made."""
    if isinstance(value, NameParameter):
        return name_parameter(name, str(value), value.choices)
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
