"""From physical values to the lattice and back, one at a time and in columns.

Law: `decode(encode(x))` is within half a step of `x`, and `encode(decode(s)) == s`.
"""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from worldtwin.errors import InvalidValue
from worldtwin.world.field import ANGLE_PERIODS, TURN_BITS, Angle, Category, Field, Integer, Real, Set, bounds

Value: TypeAlias = float | int | str | frozenset[str]
Lattice: TypeAlias = NDArray[np.int64]
Valid: TypeAlias = NDArray[np.bool_]

_HALF_TURN = 1 << (TURN_BITS - 1)
_TURN_MASK = (1 << TURN_BITS) - 1


def encode(field: Field, value: object) -> int:
    """The lattice value of one physical value. Raises `InvalidValue` saying what was expected."""
    match field:
        case Real():
            number = _number(value)
            low, high = _ends(field)
            if not low <= number <= high:
                raise InvalidValue(f"{value!r} is outside of [{field.low:g}, {field.high:g}]{_suffix(field.unit)}")
            return round(number * 2.0**field.exponent)
        case Angle():
            return wrap(round(_number(value) / ANGLE_PERIODS[field.unit] % 1.0 * 2**TURN_BITS))
        case Integer():
            return _whole(field, value)
        case Category():
            return _index(field.values, value)
        case Set():
            return _mask(field, value)


def decode(field: Field, lattice: int) -> Value:
    """The physical value of one lattice value."""
    match field:
        case Real():
            return lattice * 2.0**-field.exponent
        case Angle():
            return lattice * (ANGLE_PERIODS[field.unit] * 2.0**-TURN_BITS)
        case Integer():
            return lattice
        case Category():
            return field.values[lattice]
        case Set():
            return frozenset(name for bit, name in enumerate(field.values) if lattice >> bit & 1)


def wrap(turns: int) -> int:
    """The same direction in [-2^23, 2^23)."""
    return ((turns + _HALF_TURN) & _TURN_MASK) - _HALF_TURN


def wrap_column(turns: Lattice) -> Lattice:
    """`wrap` of a column (n,)."""
    return ((turns + _HALF_TURN) & _TURN_MASK) - _HALF_TURN


def encode_column(field: Field, values: NDArray[np.generic] | Sequence[object]) -> tuple[Lattice, Valid]:
    """The lattice values (n,) of a column of physical values, and which of them are possible at all.

    What is missing, NaN, out of range or not a known name is marked invalid (its lattice value is then the lowest one);
    nothing is clipped.
    """
    low, high = bounds(field)
    match field:
        case Real():
            physical = _numbers(values)
            least, most = _ends(field)
            valid = (physical >= least) & (physical <= most)
            known = physical if valid.all() else np.where(valid, physical, field.low)
            lattice = np.rint(known * 2.0**field.exponent).astype(np.int64)
        case Angle():
            physical = _numbers(values)
            valid = np.isfinite(physical)
            turns = np.where(valid, physical, 0.0) / ANGLE_PERIODS[field.unit] % 1.0
            lattice = wrap_column(np.rint(turns * 2**TURN_BITS).astype(np.int64))
        case Integer():
            physical = _numbers(values)
            valid = np.isfinite(physical) & (physical == np.floor(physical)) & (physical >= low) & (physical <= high)
            lattice = np.where(valid, physical, low).astype(np.int64)
        case Category() | Set():
            lattice, valid = _name_column(field, values)
    return lattice if valid.all() else np.where(valid, lattice, low), valid


def decode_column(field: Field, lattice: Lattice) -> NDArray[np.generic]:
    """What a script sees of a column (n,): float64 for reals and angles, int64 for integers, indices and bit masks."""
    match field:
        case Real():
            return lattice * 2.0**-field.exponent
        case Angle():
            return lattice * (ANGLE_PERIODS[field.unit] * 2.0**-TURN_BITS)
        case Integer() | Category() | Set():
            return lattice


def physical_column(field: Field, lattice: Lattice) -> NDArray[np.generic] | list[list[str]]:
    """What a person sees of a column (n,): numbers, names, or for a set the list of its names in order."""
    match field:
        case Category():
            return np.array(field.values, dtype=np.str_)[lattice]
        case Set():
            return [[name for bit, name in enumerate(field.values) if mask >> bit & 1] for mask in lattice.tolist()]
        case _:
            return decode_column(field, lattice)


def hint(name: object, known: Iterable[str]) -> str:
    """`": did you mean `x`?"`, or the known names when none is near."""
    names = list(known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if near:
        return f": did you mean `{near[0]}`?"
    return f": known are {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}" if names else ""


def _ends(field: Real) -> tuple[float, float]:
    """The range with its own ends on the lattice, which may lie half a step outside: what is decoded can be encoded."""
    low, high = (lattice * 2.0**-field.exponent for lattice in bounds(field))
    return min(field.low, low), max(field.high, high)


def _number(value: object) -> float:
    number = (
        _number_or_nan(value)
        if isinstance(value, numbers.Real) and value is not True and value is not False
        else math.nan
    )
    if not math.isfinite(number):
        raise InvalidValue(f"{value!r} is not a finite number")
    return number


def _whole(field: Integer, value: object) -> int:
    number = _number(int(value)) if isinstance(value, bool) else _number(value)
    if number != int(number) or not field.low <= number <= field.high:
        raise InvalidValue(f"{value!r} is not a whole number in [{field.low}, {field.high}]{_suffix(field.unit)}")
    return int(number)


def _index(values: tuple[str, ...], value: object) -> int:
    try:
        return values.index(value)  # pyright: ignore[reportArgumentType] - anything else is simply not found
    except ValueError:
        raise InvalidValue(f"`{value}` is not one of its values{hint(value, values)}") from None


def _mask(field: Set, value: object) -> int:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidValue(f"{value!r} is not a collection of names")
    return sum(1 << bit for bit in {_index(field.values, name) for name in value})  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _suffix(unit: str) -> str:
    return f" {unit}" if unit else ""


def _numbers(values: NDArray[np.generic] | Sequence[object]) -> NDArray[np.float64]:
    array = np.asarray(values)
    if array.dtype.kind in "fiub":
        return array.astype(np.float64, copy=False)
    return np.array([_number_or_nan(value) for value in array.tolist()], dtype=np.float64)


def _number_or_nan(value: object) -> float:
    try:
        return float(value)  # pyright: ignore[reportArgumentType] - what is no number becomes NaN
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _name_column(field: Category | Set, values: NDArray[np.generic] | Sequence[object]) -> tuple[Lattice, Valid]:
    items: list[object] = values.tolist() if isinstance(values, np.ndarray) else list(values)
    lattice = np.zeros(len(items), dtype=np.int64)
    valid = np.ones(len(items), dtype=np.bool_)
    seen: dict[object, int | None] = {}
    for row, item in enumerate(items):
        name = _hashable(item)
        if name not in seen:
            seen[name] = _encoded_or_none(field, name)
        found = seen[name]
        lattice[row], valid[row] = found or 0, found is not None
    return lattice, valid


def _hashable(item: object) -> object:
    """`item`, a list of names as a set; None, which no field has, for what cannot be a name."""
    try:
        if isinstance(item, list | tuple | set):
            return frozenset[object](item)  # pyright: ignore[reportUnknownArgumentType]
        hash(item)
    except TypeError:
        return None
    return item


def _encoded_or_none(field: Field, value: object) -> int | None:
    try:
        return encode(field, value)
    except InvalidValue:
        return None
