"""Where an episode starts: a value, a range or a list for each field, from physical values to the lattice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from worldtwin.errors import InvalidValue
from worldtwin.files.document.sections import Quantity
from worldtwin.files.document.sections import Start as StartSection
from worldtwin.files.reading.found import Found, Steps, shown
from worldtwin.files.reading.quantity import amount
from worldtwin.world import (
    TURN_BITS,
    Angle,
    Category,
    Field,
    Integer,
    Real,
    Set,
    Space,
    Start,
    StartRange,
    StartValues,
    bounds,
    encode,
    hint,
    unit_of,
)


def starts_of(section: Mapping[str, StartSection], state: Space, steps: Steps) -> tuple[dict[str, Start], list[Found]]:
    """The start of each field that has a readable one, and what is wrong with the others."""
    starts: dict[str, Start] = {}
    found: list[Found] = []
    for name, value in section.items():
        try:
            starts[name] = start_of(state.field(name), value)
        except InvalidValue as error:
            unknown = f"unknown field{hint(name, state.names)}"
            found.append(Found((*steps, name), str(error) if name in state.names else unknown))
    return starts, found


def start_of(field: Field, value: StartSection) -> Start:
    """A start of `field`: for numbers two values are a range and more are a choice; for names any list is a choice.

    A list of names is one value of a set, a list of such lists is a choice. Raises `InvalidValue`.
    """
    if not isinstance(value, list):
        return StartValues((_encoded(field, value),))
    if not value and not isinstance(field, Set):
        raise InvalidValue("is empty: give a value, a range or a list of values")
    if isinstance(field, Set) and all(isinstance(item, str) for item in value):
        return StartValues((encode(field, value),))
    if isinstance(field, Category | Set) or len(value) != 2:
        return StartValues(tuple(_encoded(field, item) for item in value))
    return _range(field, value)


def physical(field: Field, value: object) -> object:
    """A value as `encode` takes it: a text with a unit becomes a number of the field's unit. Raises `InvalidValue`."""
    if isinstance(field, Real | Angle | Integer) and isinstance(value, str):
        return amount(value, unit_of(field))
    return value


def _encoded(field: Field, value: Quantity | list[str]) -> int:
    return encode(field, physical(field, value))


def _range(field: Real | Angle | Integer, pair: Sequence[Quantity | list[str]]) -> Start:
    low, high = (_encoded(field, item) for item in pair)
    if isinstance(field, Angle):
        return _sector(field, pair, low, high)
    if low > high:
        raise InvalidValue(f"{shown(list(pair))} is reversed: did you mean {shown(list(pair)[::-1])}?")
    return StartRange(low=low, high=high)


def _sector(field: Angle, pair: Sequence[Quantity | list[str]], low: int, high: int) -> StartRange:
    """The directions from the first to the second, upwards; the whole circle when they are a turn apart."""
    first, second = (amount(item, field.unit) for item in pair if not isinstance(item, list))
    if first > second:
        raise InvalidValue(f"{shown(list(pair))} is reversed: did you mean {shown(list(pair)[::-1])}?")
    turn = amount("1 turn", field.unit)
    if second - first >= turn * (1 - 2.0**-TURN_BITS):
        low, high = bounds(field)
    elif high < low:
        if high != bounds(field)[0]:
            raise InvalidValue(
                f"{shown(list(pair))} passes half a turn, where angles wrap: stay in [{-turn / 2:g}, {turn / 2:g}]"
            )
        high = bounds(field)[1]
    return StartRange(low=low, high=high)
