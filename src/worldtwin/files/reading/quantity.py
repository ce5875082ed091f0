"""Numbers with units: read once, converted once, by `pint`.

A unit is checked against a small grammar before `pint` sees it, because its own would calculate whatever it is given.
"""

from __future__ import annotations

import importlib
import math
import re
from functools import cache
from typing import Any, Final

from worldtwin.errors import InvalidValue, MissingExtra
from worldtwin.files.reading.found import shown
from worldtwin.world import hint

LONGEST: Final = 64
_NAME: Final = r"[^\W\d_][^\W]*|°[CF]?|%"
_FACTOR: Final = rf"(?:{_NAME})(?:(?:\*\*|\^)-?[1-9])?"
_UNIT: Final = re.compile(rf"(?:1\s*/\s*)?{_FACTOR}(?:\s*[*/·]\s*{_FACTOR}|\s+{_FACTOR}){{0,7}}")
_NUMBER: Final = re.compile(r"[-+]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][-+]?\d{1,3})?")
_ANGLES: Final = ("rad", "deg", "turn")
_COMMON: Final = (
    "m", "km", "cm", "mm", "s", "ms", "us", "min", "h", "m/s", "km/h", "m/s**2", "kg", "g", "N", "N*m", "Pa", "bar",
    "W", "kW", "J", "kWh", "V", "A", "ohm", "Hz", "rpm", "K", "degC", "degF", "rad", "deg", "turn", "rad/s", "deg/s",
    "percent", "count", "bit", "byte", "meter", "second", "minute", "hour", "gram", "newton", "pascal", "watt", "joule",
    "volt", "liter", "ppm", "dB",
)  # fmt: skip


def require_unit(unit: str) -> None:
    """Refuse a unit that nobody knows. Raises `InvalidValue`."""
    if unit:
        _known(unit)


def angle_unit(unit: str) -> str:
    """`rad`, `deg` or `turn` for any spelling of them; anything else as it is."""
    if unit in _ANGLES or len(unit) > LONGEST or not _UNIT.fullmatch(unit):
        return unit
    try:
        return next(
            (angle for angle in _ANGLES if _registry().parse_units(unit) == _registry().parse_units(angle)), unit
        )
    except _pint().PintError:
        return unit


def convertible(source: str, target: str) -> bool:
    """Whether numbers in `source` can be converted to `target`; no unit converts only to no unit."""
    if source == target:
        return True
    if not (source and target):
        return False
    try:
        convert(0.0, source, target)
    except InvalidValue:
        return False
    return True


def convert(number: float, source: str, target: str) -> float:
    """`number` in another unit, to 15 digits. Raises `InvalidValue` when the units measure different things."""
    if source == target:
        return number
    try:
        quantity = _registry().Quantity(number, _known(source))
        converted = float(quantity.to(_known(target)).magnitude)
    except (_pint().PintError, ArithmeticError) as error:
        raise InvalidValue(f"{source} cannot be converted to {target}") from error
    if not math.isfinite(converted):
        raise InvalidValue(f"{number:g} {source} is no finite number of {target}")
    return float(f"{converted:.15g}")


def amount(value: float | str, unit: str) -> float:
    """The number of `unit`s in `value`: a number, or a text such as `20 cm`. Raises `InvalidValue`."""
    if not isinstance(value, str):
        return float(value)
    number, given = _parts(value)
    if not given:
        return number
    if not unit:
        raise InvalidValue(f"`{shown(value)}` has a unit, but the field has none: add `unit: {given}`")
    return convert(number, given, unit)


def seconds(text: str) -> float:
    """The duration in `text`, such as `20 ms`. Raises `InvalidValue`."""
    number, unit = _parts(text)
    if not unit:
        raise InvalidValue(f"`{shown(text)}` is a duration without a unit: write `{shown(text)} s`, for example")
    if not convertible(unit, "s"):
        raise InvalidValue(f"`{shown(text)}` is no duration: write one such as `20 ms` or `2 s`")
    duration = convert(number, unit, "s")
    if duration <= 0:
        raise InvalidValue(f"`{shown(text)}` is not a positive duration")
    return duration


def _parts(text: str) -> tuple[float, str]:
    stripped = text.strip()
    number = _NUMBER.match(stripped)
    if number is None or not math.isfinite(float(number.group())):
        raise InvalidValue(f"`{shown(text)}` is no number, with or without a unit")
    unit = stripped[number.end() :].strip()
    if unit:
        _known(unit)
    return float(number.group()), unit


def _known(unit: str) -> Any:  # noqa: ANN401 - pint's units have no static type
    if len(unit) > LONGEST or not _UNIT.fullmatch(unit):
        raise InvalidValue(f"`{shown(unit)}` is no unit: write one such as m, km/h or m/s**2")
    try:
        return _registry().parse_units(unit)
    except (_pint().PintError, ArithmeticError, AttributeError, TypeError, ValueError) as error:
        near = hint(unit, _COMMON)
        raise InvalidValue(
            f"unknown unit `{shown(unit)}`{near if 'did you mean' in near else ': leave plain counts without one'}"
        ) from error


@cache
def _registry() -> Any:  # noqa: ANN401 - pint's types are only partly known
    return _pint().UnitRegistry()


@cache
def _pint() -> Any:  # noqa: ANN401 - the same
    """The library: not every file has units, and who only checks simulators and tasks need not have it."""
    try:
        return importlib.import_module("pint")
    except ModuleNotFoundError as error:
        raise MissingExtra("units need the library pint: pip install worldtwin") from error
