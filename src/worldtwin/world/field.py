"""The kinds of field that a world has, each a range of whole numbers inside and of physical values outside.

Real       multiples of 2^-exponent of its unit                      0.1 m
Angle      2^-24 turns, wrapping exactly; read back in [-pi, pi)     -3.1 rad
Integer    itself                                                    12
Category   the index of its value                                    "drive"
Set        one bit for each value                                    {"n", "e"}
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import force_setattr

from worldtwin.errors import InvalidSpec
from worldtwin.world.wording import invisible

TURN_BITS: Final = 24
MAX_LATTICE: Final = 2**52
MAX_VALUES: Final = 4096
MAX_SET: Final = 62
ANGLE_PERIODS: Final = {"rad": 2 * math.pi, "deg": 360.0, "turn": 1.0}


class Real(Struct, frozen=True, kw_only=True, tag="real"):
    """A number in [low, high] `unit`s, rounded to multiples of 2^-exponent."""

    low: float
    high: float
    exponent: int
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse ranges that are empty or finer than 53 bits; whole bounds become floats: equal fields, equal bytes."""
        force_setattr(self, "low", float(self.low))
        force_setattr(self, "high", float(self.high))
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InvalidSpec(f"range [{self.low}, {self.high}] must be two finite numbers, the lower one first")
        if not -60 <= self.exponent <= 60 or max(abs(self.low), abs(self.high)) * 2.0**self.exponent >= MAX_LATTICE:
            raise InvalidSpec(f"resolution 2^{-self.exponent} is too fine for the range [{self.low}, {self.high}]")


class Angle(Struct, frozen=True, kw_only=True, tag="angle"):
    """A direction in `unit`s (rad, deg or turn); `sources` names the two observed numbers that it is made from."""

    unit: str = "rad"
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse units that do not measure an angle."""
        if self.unit not in ANGLE_PERIODS:
            raise InvalidSpec(f"unit `{self.unit}` is no angle: use {', '.join(ANGLE_PERIODS)}")
        if self.sources and sorted(self.sources) != ["cos", "sin"]:
            raise InvalidSpec(f"an angle comes from [cos, sin] or [sin, cos], not {list(self.sources)}")


class Integer(Struct, frozen=True, kw_only=True, tag="integer"):
    """A whole number in [low, high]."""

    low: int
    high: int
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse empty or immense ranges."""
        if self.low > self.high or max(abs(self.low), abs(self.high)) >= MAX_LATTICE:
            raise InvalidSpec(
                f"range [{self.low}, {self.high}] must be two whole numbers below 2^52, the lower one first"
            )


class Category(Struct, frozen=True, tag="category"):
    """One of a few named values."""

    values: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse no values, too many, the same one twice, and characters that nobody sees."""
        _require_names(self.values, MAX_VALUES)


class Set(Struct, frozen=True, tag="set"):
    """Any selection of at most 62 named values."""

    values: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse no values, too many, the same one twice, and characters that nobody sees."""
        _require_names(self.values, MAX_SET)


Field: TypeAlias = Real | Angle | Integer | Category | Set


def real(low: float, high: float, *, resolution: float | None = None, unit: str = "") -> Real:
    """A `Real` whose resolution is the power of two at or below `resolution`.

    By default that is a 2^24-th of the range, or what 52 bits leave for a narrow range far from zero.
    """
    step = resolution if resolution is not None else (high - low) / 2**24
    exponent = 1 - math.frexp(step)[1] if math.isfinite(step) and step > 0 else 0
    if resolution is None:
        exponent = min(exponent, 51 - math.frexp(max(abs(low), abs(high), 2.0**-8))[1])
    return Real(low=low, high=high, exponent=exponent, unit=unit)


def is_discrete(field: Field) -> bool:
    """Whether the field's lattice is the world's own, not a rounding of it."""
    return isinstance(field, Integer | Category | Set)


def bounds(field: Field) -> tuple[int, int]:
    """The lowest and the highest lattice value, both included."""
    match field:
        case Real():
            return round(field.low * 2.0**field.exponent), round(field.high * 2.0**field.exponent)
        case Angle():
            return -(1 << (TURN_BITS - 1)), (1 << (TURN_BITS - 1)) - 1
        case Integer():
            return field.low, field.high
        case Category():
            return 0, len(field.values) - 1
        case Set():
            return 0, (1 << len(field.values)) - 1


def size(field: Field) -> int:
    """How many lattice values the field has."""
    low, high = bounds(field)
    return high - low + 1


def unit_of(field: Field) -> str:
    """The field's unit, empty for names and plain numbers."""
    return "" if isinstance(field, Category | Set) else field.unit


def _require_names(values: tuple[str, ...], most: int) -> None:
    if not 1 <= len(values) <= most:
        raise InvalidSpec(f"{len(values)} values: give 1 to {most}")
    seen: set[str] = set()
    for value in values:
        if unseen := invisible(value):
            raise InvalidSpec(f"value {value!a} has the invisible character {unseen}: remove it")
        if value in seen:
            raise InvalidSpec(f"value `{value}` appears twice")
        seen.add(value)
