"""What an environment shows and takes as columns: a Gymnasium space is a row of axes, a spec's fields are made of them.

A picture, a box of 8-bit numbers from 0 to 255 with at least 8 x 8 pixels, is one axis: its bytes. Without names the
axes of an observation are x0, x1, ..., that of an action is `action` (or action0, action1, ...).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
from gymnasium import spaces
from msgspec import Struct

from worldtwin.errors import InvalidSpec
from worldtwin.exact.functions import atan2
from worldtwin.traces import Source, sources, width_of
from worldtwin.world import MAX_VALUES, Angle, Category, Field, Image, Set, Space

MOST_CHOICES: Final = 256
"""Beyond as many, what can be chosen or shown is a number, not a category."""

LEAST_SIDE: Final = 8
"""Fewer pixels than that are a board, or a view of codes: numbers."""

_TURN: Final = {"rad": 1.0, "deg": 360.0 / math.tau, "turn": 1.0 / math.tau}


class Axis(Struct, frozen=True, kw_only=True):
    """One number or text that a space shows: a name, whole numbers or not, bounds; how many `choices`, from `start`.

    A picture has (height, width) or (height, width, channels).
    """

    name: str
    whole: bool = False
    text: bool = False
    low: float = -math.inf
    high: float = math.inf
    choices: int = 0
    start: int = 0
    prefix: str = "s"
    picture: tuple[int, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """The names of a category's values."""
        return tuple(f"{self.prefix}{index}" for index in range(self.choices))


Read: TypeAlias = Callable[[Any], Sequence[Any]]
"""Copies one observation or action as a flat row of plain numbers and texts."""


def axes_of(space: spaces.Space[Any], part: str) -> tuple[Axis, ...]:
    """The axes of an observation space (part `state`) or an action space (part `action`). Raises `InvalidSpec`."""
    found = _axes(space, "", "a" if part == "action" else "s")
    for shape in (axis.picture for axis in found):
        if (count := math.prod(shape)) > MAX_VALUES:
            raise InvalidSpec(
                f"{part}: pictures of {_sized(shape)} are {count:,} values: make them smaller "
                f"(gymnasium.wrappers.ResizeObservation), at most {MAX_VALUES:,}"
            )
    nameless = [axis for axis in found if not axis.name]
    if part == "action":
        names = ["action"] if len(nameless) == 1 else [f"action{index}" for index in range(len(nameless))]
    else:
        names = [f"x{index}" for index in range(len(nameless))]
    following = iter(names)
    return tuple(axis if axis.name else _named(axis, next(following)) for axis in found)


def reader_of(space: spaces.Space[Any]) -> Read:
    """What copies observations or actions of `space` as rows."""
    match space:
        case spaces.Box() if picture_of(space):
            return lambda value: (np.asarray(value, dtype=np.uint8).tobytes(),)
        case spaces.Box() if len(space.shape) == 1:
            return lambda value: np.asarray(value).tolist()
        case spaces.Discrete():
            return lambda value: (int(value),)
        case spaces.Text():
            return lambda value: (str(value),)
        case spaces.Tuple():
            readers = [reader_of(part) for part in space.spaces]
            return lambda value: [item for read, part in zip(readers, value, strict=True) for item in read(part)]
        case spaces.Dict():
            named = {key: reader_of(part) for key, part in space.spaces.items()}
            return lambda value: [item for key, read in named.items() for item in read(value[key])]
        case _:
            return lambda value: np.asarray(value).ravel().tolist()


def picture_of(space: spaces.Space[Any]) -> tuple[int, ...]:
    """The shape of the pictures that `space` holds; none when it holds something else."""
    if not isinstance(space, spaces.Box) or space.dtype != np.uint8 or len(space.shape) not in {2, 3}:
        return ()
    sized = min(space.shape[:2]) >= LEAST_SIDE and space.shape[2:] in {(), (1,), (3,), (4,)}
    bounded = bool((space.low == 0).all() and (space.high == 255).all())
    return space.shape if sized and bounded else ()


def numbers_only(space: spaces.Space[Any]) -> spaces.Space[Any]:
    """`space` with pictures as so many numbers: for whoever declared them as such."""
    match space:
        case spaces.Box() if picture_of(space):
            return spaces.Box(0, 255, (1, math.prod(space.shape)), np.uint8)
        case spaces.Tuple():
            return spaces.Tuple([numbers_only(part) for part in space.spaces])
        case spaces.Dict():
            return spaces.Dict({key: numbers_only(part) for key, part in space.spaces.items()})
        case _:
            return space


class Observer:
    """Turns rows of a space's axes into raw columns: the fields of `space`, or else the axes themselves."""

    def __init__(self, part: str, axes: tuple[Axis, ...], space: Space | None) -> None:
        self._part, self._axes = part, axes
        self._found = None if space is None else _matched(part, axes, space)
        self._space = space

    def columns(self, rows: Sequence[Sequence[Any] | None], part: str | None = None) -> dict[str, Any]:
        """The columns of `rows`, each with a value for each axis or None; named after `part` instead of the own one."""
        blank: list[Any] = [None] * len(self._axes)
        by_axis = zip(*[blank if row is None else row for row in rows], strict=True)
        axes = {axis.name: list(column) for axis, column in zip(self._axes, by_axis, strict=True)}
        prefix = part or self._part
        if self._space is None or self._found is None:
            return {f"{prefix}.{axis.name}": _raw(axis, axes[axis.name]) for axis in self._axes}
        by_name = {axis.name: axis for axis in self._axes}
        columns: dict[str, Any] = {}
        for name, field in self._space.parts.items():
            used = [column.partition(".")[2] for column in self._found[name].columns]
            columns[f"{prefix}.{name}"] = _of_field(field, [by_name[key] for key in used], [axes[key] for key in used])
        return columns


def _matched(part: str, axes: tuple[Axis, ...], space: Space) -> dict[str, Source]:
    """Which axes each field is made of. Raises `InvalidSpec` when they do not fit."""
    found = sources(space, part, {f"{part}.{axis.name}": "" for axis in axes})
    shapes = {f"{part}.{axis.name}": axis.picture for axis in axes}
    for image in space.pictures:
        for column in found[image.name].columns:
            shape = shapes[column]
            if not shape:
                raise InvalidSpec(f"{part}.{image.name}: the environment shows no picture there, of {image.size}")
            if (*shape, 1)[:3] != (*image.shape, 1)[:3]:
                raise InvalidSpec(f"{part}.{image.name}: pictures are of {_sized(shape)}, not of {image.size}")
    missing = [name for name, source in found.items() if not source.columns]
    if missing:
        takes = sum(map(width_of, space.parts.values()))
        raise InvalidSpec(
            f"{part}: the environment has {len(axes)} numbers ({', '.join(axis.name for axis in axes[:8])}), the "
            f"spec's fields take {takes}; nothing is there for {', '.join(missing)}: declare a field for each, in order"
        )
    return found


def _sized(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _axes(space: spaces.Space[Any], name: str, prefix: str) -> list[Axis]:
    match space:
        case spaces.Discrete():
            start, count = int(space.start), int(space.n)
            choices = count if count <= MOST_CHOICES else 0
            last = start + count - 1
            return [Axis(name=name, whole=True, low=start, high=last, start=start, choices=choices, prefix=prefix)]
        case spaces.Box() if picture_of(space):
            return [Axis(name=name, picture=picture_of(space))]
        case spaces.Box():
            whole = np.issubdtype(space.dtype, np.integer)
            bounds = zip(space.low.ravel().tolist(), space.high.ravel().tolist(), strict=True)
            return _several(name, [Axis(name="", whole=whole, low=low, high=high) for low, high in bounds])
        case spaces.MultiDiscrete():
            sizes = zip(space.start.ravel().tolist(), space.nvec.ravel().tolist(), strict=True)
            return _several(
                name, [axis for low, n in sizes for axis in _axes(spaces.Discrete(n, start=low), "", prefix)]
            )
        case spaces.MultiBinary():
            return _several(name, [Axis(name="", whole=True, low=0, high=1)] * int(np.prod(space.shape)))
        case spaces.Text():
            return [Axis(name=name, text=True)]
        case spaces.Tuple():
            parts = [(name, part) for part in space.spaces]
        case spaces.Dict():
            parts = [(_joined(name, key), part) for key, part in space.spaces.items()]
        case _:
            raise InvalidSpec(
                f"a {type(space).__name__} space has no fixed number of values: wrap the environment first"
            )
    found = [axis for key, part in parts for axis in _axes(part, key, prefix)]
    if isinstance(space, spaces.Tuple) and name:
        return [_named(axis, f"{name}_{index}") for index, axis in enumerate(found)]
    return found


def _several(name: str, axes: list[Axis]) -> list[Axis]:
    if not name or len(axes) == 1:
        return [_named(axis, name) for axis in axes]
    return [_named(axis, f"{name}_{index}") for index, axis in enumerate(axes)]


def _named(axis: Axis, name: str) -> Axis:
    values = {field: getattr(axis, field) for field in axis.__struct_fields__}
    return Axis(**{**values, "name": name})


def _joined(name: str, key: object) -> str:
    clean = re.sub(r"\W", "_", str(key)).strip("_") or "part"
    clean = f"n{clean}" if clean[0].isdigit() else clean
    return f"{name}_{clean}" if name else clean


def _raw(axis: Axis, values: list[Any]) -> Any:  # noqa: ANN401 - a column
    """Values without a spec: as they are, choices counted from 0."""
    if axis.picture:
        return pa.array(values, pa.binary())
    if not axis.choices or not axis.start:
        return values
    return [None if value is None else value - axis.start for value in values]


def _of_field(field: Field | Image, axes: list[Axis], values: list[list[Any]]) -> Any:  # noqa: ANN401 - a column
    """The physical values of `field`, made of one axis or, for an angle, of its cosine and its sine."""
    if isinstance(field, Image):
        return pa.array(values[0], pa.binary())
    if len(axes) == 2 and isinstance(field, Angle):
        cosine, sine = (np.array(column, dtype=np.float64) for column in values)
        return np.where(np.isnan(cosine + sine), np.nan, atan2(sine, cosine)) * _TURN[field.unit]
    if isinstance(field, Category) and not axes[0].text:
        return [_value_name(field, value, axes[0].start) for value in values[0]]
    if isinstance(field, Set) and len(axes) > 1:
        return [None if None in row else [name for name, shown in zip(field.values, row, strict=True) if shown]
                for row in zip(*values, strict=True)]  # fmt: skip
    if isinstance(field, Set) and not axes[0].text:
        return [None if value is None else _names_of(field, value) for value in values[0]]
    return values[0]


def _value_name(field: Category, value: Any, start: int) -> str | None:  # noqa: ANN401 - a number
    if value is None:
        return None
    place = value - start
    known = place == math.floor(place) and 0 <= place < len(field.values) if math.isfinite(place) else False
    return field.values[int(place)] if known else str(value)


def _names_of(field: Set, value: Any) -> list[str]:  # noqa: ANN401 - a whole number, one bit for each name
    return [name for bit, name in enumerate(field.values) if int(value) >> bit & 1]
