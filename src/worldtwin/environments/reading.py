"""From what an environment shows, or is told, to named physical values.

Numbers fill the fields in order: an angle with `from` takes two, a set one for each of its values, every other field
one; a category's values are numbered in order. Where a set has one number only, that is its bits. Mappings go by name:
`speed`, or `speed_0`, `speed_1`, ... of an array. A picture is an array by itself, or one of a mapping.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeAlias

import gymnasium
import numpy as np
from gymnasium import spaces

from worldtwin.errors import InvalidValue
from worldtwin.world import Angle, Category, Field, Image, Integer, Lattice, Real, Set, Space, bounds, encode, hint

Number: TypeAlias = float | int | str
Reading: TypeAlias = float | int | str | list[str] | bytes

_PERIODS = {"rad": 2 * math.pi, "deg": 360.0, "turn": 1.0}


def width_of(field: Field) -> int:
    """How many numbers a field takes."""
    match field:
        case Angle(sources=sources) if sources:
            return 2
        case Set(values):
            return len(values)
        case _:
            return 1


def readings(fields: Space, value: object, shape: gymnasium.Space[Any] | None = None) -> dict[str, Reading]:
    """The physical values by field of an observation or an action, unchecked: they may be NaN or out of range.

    Instead of its components, an image has the bytes of its picture.

    `shape` is its Gymnasium space, whose choices may not be numbered from 0. Raises `InvalidValue` when there are too
    few numbers, too many, or a name is missing.
    """
    if fields.pictures:
        return _with_pictures(fields, value)
    shape = shape if all(isinstance(field, Category) for field in fields.fields) else None
    if isinstance(value, Mapping):
        return _by_name(fields, _named("", value, shape))
    return _in_order(fields, _numbers(value, shape))


def observe(fields: Space, value: object, shape: gymnasium.Space[Any] | None = None) -> tuple[int, ...]:
    """The lattice values of an observation or an action. Raises `InvalidValue` naming the field that is wrong."""
    return fields.encode(readings(fields, value, shape))


def sense(fields: Space, value: Mapping[str, Reading], held: Lattice | None = None) -> tuple[Lattice, int]:
    """The lattice row (1, fields) of readings, and how many of them were wrong.

    Out of range, the nearest value counts; for a number that is not finite the one in `held` (1, fields), if any.
    Raises `InvalidValue` naming the field for what is no value at all.
    """
    row, outside = np.empty((1, len(fields)), dtype=np.int64), 0
    for name, field in fields.parts.items():
        if isinstance(field, Image):
            row[0, fields.columns_of(field)], told = _components(field, value[name])
            outside += not told
            continue
        position = fields.index(name)
        try:
            row[0, position] = encode(field, value[name])
        except InvalidValue as error:
            last = None if held is None else int(held[0, position])
            row[0, position] = _nearest(name, field, value[name], last, error)
            outside += 1
    return row, outside


def _with_pictures(fields: Space, value: object) -> dict[str, Reading]:
    """What is shown where some of it, or all of it, is pictures."""
    if not isinstance(value, Mapping):
        if len(fields.parts) > 1:
            raise InvalidValue(f"{', '.join(fields.parts)} need a mapping by name, not {value!r:.40}")
        return {image.name: image.pixels(value) for image in fields.pictures}
    shown = _flat("", value)
    for image in fields.pictures:
        if image.name not in shown:
            raise InvalidValue(f"the environment shows no `{image.name}`{hint(image.name, shown)}")
    found: dict[str, Reading] = {image.name: image.pixels(shown[image.name]) for image in fields.pictures}
    others = {name: field for name, field in fields.parts.items() if not isinstance(field, Image)}
    rest = {name: each for name, each in shown.items() if name not in found}
    return found | _by_name(Space.of(others), _named("", rest, None))


def _flat(prefix: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a mapping, and of mappings in it, by their joined names."""
    found: dict[str, Any] = {}
    for key, part in value.items():
        found |= _flat(f"{prefix}{key}_", part) if isinstance(part, Mapping) else {f"{prefix}{key}": part}
    return found


def _components(image: Image, picture: Reading) -> tuple[Lattice, bool]:
    """The components (k,) of one picture, and whether the codec can tell it."""
    rows, told = image.encode(np.frombuffer(image.pixels(picture), dtype=np.uint8)[None])
    return rows[0], bool(told[0])


def _nearest(name: str, field: Field, value: Reading, last: int | None, error: InvalidValue) -> int:
    match field, value:
        case _, float() if last is not None and not math.isfinite(value):
            return last
        case ((Real() | Integer()), (int() | float())) if math.isfinite(value) and not field.low <= value <= field.high:
            return bounds(field)[value > field.high]
        case _:
            raise InvalidValue(f"{name}: {error}") from error


def _in_order(fields: Space, numbers: list[Number]) -> dict[str, Reading]:
    widths = [width_of(field) for field in fields.fields]
    if len(numbers) != sum(widths):
        widths = [1 if isinstance(field, Set) else width for field, width in zip(fields.fields, widths, strict=True)]
    if len(numbers) != sum(widths):
        takes = f"{', '.join(fields.names)} take {sum(widths)}"
        raise InvalidValue(f"the environment has {len(numbers)} number{'s' * (len(numbers) != 1)}, but {takes}")
    found: dict[str, Reading] = {}
    start = 0
    for name, field, width in zip(fields.names, fields.fields, widths, strict=True):
        found[name] = _physical(field, numbers[start : start + width])
        start += width
    return found


def _by_name(fields: Space, named: dict[str, Number | list[str]]) -> dict[str, Reading]:
    found: dict[str, Reading] = {}
    for name, field in zip(fields.names, fields.fields, strict=True):
        whole = named.get(name)
        if isinstance(whole, list):
            found[name] = whole
            continue
        taken = next((names for names in _names(name, field) if all(each in named for each in names)), None)
        if taken is None:
            raise InvalidValue(f"the environment shows no `{name}`{hint(name, named)}")
        found[name] = _physical(field, [named[each] for each in taken])  # pyright: ignore[reportArgumentType] - lists are whole sets
    return found


def _names(name: str, field: Field) -> list[tuple[str, ...]]:
    """The names under which a field's numbers may be found."""
    numbered = tuple(f"{name}_{i}" for i in range(width_of(field)))
    if isinstance(field, Angle) and field.sources:
        first, second = field.sources
        return [numbered, (f"{first}_{name}", f"{second}_{name}"), (f"{name}_{first}", f"{name}_{second}")]
    return [(name,), numbered]


def _physical(field: Field, numbers: list[Number]) -> Reading:
    match field, numbers:
        case Angle(sources=("cos", "sin")), [float() | int() as cosine, float() | int() as sine]:
            return math.atan2(sine, cosine) / (2 * math.pi) * _PERIODS[field.unit]
        case Angle(sources=("sin", "cos")), [float() | int() as sine, float() | int() as cosine]:
            return math.atan2(sine, cosine) / (2 * math.pi) * _PERIODS[field.unit]
        case Category(values), [float() | int() as number] if number in range(len(values)):
            return values[int(number)]
        case Set(values), [int() as mask] if len(values) > 1:
            return [name for bit, name in enumerate(values) if mask >> bit & 1]
        case Set(values), _ if len(numbers) == len(values):
            return [name for name, number in zip(values, numbers, strict=True) if number]
        case _:
            return numbers[0]


def _numbers(value: object, shape: gymnasium.Space[Any] | None) -> list[Number]:
    if isinstance(value, tuple | list):
        parts = shape.spaces if isinstance(shape, spaces.Tuple) else (None,) * len(value)
        return [number for part, inner in zip(value, parts, strict=True) for number in _numbers(part, inner)]
    if isinstance(shape, spaces.Discrete | spaces.MultiDiscrete):
        value = np.asarray(value) - shape.start
    if isinstance(value, np.ndarray):
        return value.ravel().tolist()
    if isinstance(value, np.generic):
        return [value.item()]
    if isinstance(value, int | float | str):
        return [value]
    raise InvalidValue(f"{value!r:.60} holds no numbers")


def _named(prefix: str, value: Mapping[str, Any], shape: gymnasium.Space[Any] | None) -> dict[str, Number | list[str]]:
    found: dict[str, Number | list[str]] = {}
    for key, part in value.items():
        name = f"{prefix}{key}"
        inner = shape.spaces.get(key) if isinstance(shape, spaces.Dict) else None
        if isinstance(part, Mapping):
            found |= _named(f"{name}_", part, inner)
        elif isinstance(part, set | frozenset) or (
            isinstance(part, list | tuple) and part and isinstance(part[0], str)
        ):
            found[name] = sorted(part)
        else:
            numbers = _numbers(part, inner)
            alone = len(numbers) == 1
            found |= {name if alone else f"{name}_{i}": number for i, number in enumerate(numbers)}
    return found
