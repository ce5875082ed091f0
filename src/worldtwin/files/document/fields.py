"""From the sections of a world's fields to `Field`s, and stand-ins for those that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from worldtwin.errors import InvalidSpec, InvalidValue
from worldtwin.files.document.sections import (
    AngleSection,
    CategorySection,
    FieldSection,
    ImageSection,
    IntegerSection,
    Pair,
    RealSection,
    SetSection,
)
from worldtwin.files.reading.found import Found, Steps, as_list, as_mapping, shown
from worldtwin.files.reading.quantity import amount, angle_unit, require_unit
from worldtwin.world import Angle, Category, Field, Image, Integer, Real, Set, real


class Unreadable(Exception):
    """A section that does not come to a field, and what is wrong with it; it never leaves this package."""

    def __init__(self, found: Sequence[Found]) -> None:
        self.found = tuple(found)
        super().__init__(found)


def field_of(section: FieldSection, steps: Steps) -> Field:
    """The field that a section at `steps` describes. Raises `Unreadable`."""
    try:
        match section:
            case RealSection():
                return _real(section, steps)
            case AngleSection():
                return Angle(unit=angle_unit(section.unit), sources=section.sources or ())
            case IntegerSection():
                return _integer(section, steps)
            case CategorySection():
                _require_different(section.values, (*steps, "values"))
                return Category(tuple(section.values))
            case SetSection():
                _require_different(section.values, (*steps, "values"))
                return Set(tuple(section.values))
    except InvalidSpec as error:
        raise Unreadable([Found((*steps, _part_of(section)), str(error))]) from error


def image_of(name: str, section: ImageSection, steps: Steps) -> Image:
    """The image that a section at `steps` describes. Raises `Unreadable`."""
    height, width, channels = (*section.shape, 1)[:3]
    try:
        return Image(name=name, height=height, width=width, channels=channels, components=section.encode.pca)
    except InvalidSpec as error:
        raise Unreadable([Found((*steps, "shape"), str(error))]) from error


def stand_in(raw: object) -> Field | None:
    """A field of the kind that `raw` was meant to be, so that scripts which use it can be checked; None: who knows."""
    section = as_mapping(raw)
    match section.get("type"):
        case "real":
            return Real(low=-1.0, high=1.0, exponent=20)
        case "angle":
            return Angle()
        case "integer":
            return Integer(low=0, high=1)
        case "category":
            return _named(section.get("values"), Category)
        case "set":
            return _named(section.get("values"), Set)
        case _:
            return None


def _named(values: object, kind: Callable[[tuple[str, ...]], Field]) -> Field | None:
    names = as_list(values)
    if not all(isinstance(name, str) for name in names):
        return None
    try:
        return kind(tuple(dict.fromkeys(names)))
    except InvalidSpec:
        return None


def _real(section: RealSection, steps: Steps) -> Real:
    _require(steps, "unit", lambda: require_unit(section.unit))
    low, high = _range(section.range, section.unit, (*steps, "range"))
    if section.resolution is None:
        return real(low, high, unit=section.unit)
    step = _number(section.resolution, section.unit, (*steps, "resolution"))
    if step <= 0:
        raise Unreadable([Found((*steps, "resolution"), f"{shown(section.resolution)} is not more than 0")])
    try:
        return real(low, high, resolution=step, unit=section.unit)
    except InvalidSpec as error:
        raise Unreadable([Found((*steps, "resolution"), str(error))]) from error


def _integer(section: IntegerSection, steps: Steps) -> Integer:
    _require(steps, "unit", lambda: require_unit(section.unit))
    low, high = section.range
    if low > high:
        raise Unreadable([_reversed((low, high), (*steps, "range"))])
    return Integer(low=low, high=high, unit=section.unit)


def _range(pair: Pair, unit: str, steps: Steps) -> tuple[float, float]:
    low, high = (_number(value, unit, steps) for value in pair)
    if low > high:
        raise Unreadable([_reversed(pair, steps)])
    if low == high:
        raise Unreadable([Found(steps, f"{shown(pair)} is a single value: give a lower and a higher one")])
    return low, high


def _reversed(pair: Pair, steps: Steps) -> Found:
    return Found(steps, f"{shown(pair)} is reversed: did you mean {shown(pair[::-1])}?")


def _number(value: float | str, unit: str, steps: Steps) -> float:
    try:
        return amount(value, unit)
    except InvalidValue as error:
        raise Unreadable([Found(steps, str(error))]) from error


def _require(steps: Steps, key: str, check: Callable[[], None]) -> None:
    try:
        check()
    except InvalidValue as error:
        raise Unreadable([Found((*steps, key), str(error))]) from error


def _require_different(values: Sequence[str], steps: Steps) -> None:
    if len(set(values)) == len(values):
        return
    first = {value: i for i, value in reversed(list(enumerate(values)))}
    raise Unreadable(
        [
            Found((*steps, i), f"value `{shown(value)}` appears twice")
            for i, value in enumerate(values)
            if first[value] != i
        ]
    )


def _part_of(section: FieldSection) -> str:
    match section:
        case RealSection() | IntegerSection():
            return "range"
        case AngleSection():
            return "from" if section.sources and angle_unit(section.unit) in {"rad", "deg", "turn"} else "unit"
        case CategorySection() | SetSection():
            return "values"
