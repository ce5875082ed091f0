"""From lattice rows to what Gymnasium wants: the way back of `reading`."""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldtwin.environments.reading import width_of
from worldtwin.errors import InvalidValue
from worldtwin.world import (
    TURN_BITS,
    Angle,
    Category,
    Field,
    Image,
    Integer,
    Lattice,
    Set,
    Space,
    bounds,
    decode_column,
    hint,
)

Numbers = NDArray[np.float64]


def space_of(fields: Space) -> gymnasium.Space[Any]:
    """The Gymnasium space of `fields`: one choice, several choices, or else a box of numbers in order.

    An image alone is a box of 8-bit numbers; beside others, all are a mapping by name.
    """
    if fields.pictures:
        named = {
            name: spaces.Box(0, 255, part.shape, np.uint8)
            if isinstance(part, Image)
            else space_of(Space.of({name: part}))
            for name, part in fields.parts.items()
        }
        return spaces.Dict(named) if len(named) > 1 else next(iter(named.values()))
    if all(isinstance(field, Category | Integer) for field in fields.fields):
        low, high = fields.low, fields.high
        if len(fields) == 1:
            return spaces.Discrete(int(high[0] - low[0]) + 1, start=int(low[0]))
        return spaces.MultiDiscrete(high - low + 1, start=low)
    limits = [limit for field in fields.fields for limit in _limits(field)]
    low, high = (np.array(side, dtype=np.float64) for side in zip(*limits, strict=True))
    return spaces.Box(low, high, dtype=np.float64)


def numbers_of(fields: Space, rows: Lattice) -> Numbers:
    """The numbers (n, numbers) that lattice `rows` (n, fields) are shown as, in order."""
    columns = [column for i, field in enumerate(fields.fields) for column in _columns(field, rows[:, i])]
    return np.stack(columns, axis=1)


def show(fields: Space, rows: Lattice, shape: gymnasium.Space[Any]) -> Any:  # noqa: ANN401 - an array, or some by name
    """`rows` (n, fields) as a batch of elements of `shape`, a space that `space_of` made."""
    if fields.pictures:
        drawn = {name: _drawn(fields, name, part, rows) for name, part in fields.parts.items()}
        return drawn if isinstance(shape, spaces.Dict) else next(iter(drawn.values()))
    numbers = numbers_of(fields, rows)
    if isinstance(shape, spaces.Discrete):
        return numbers[:, 0].astype(np.int64)
    return numbers.astype(shape.dtype)


def _drawn(fields: Space, name: str, part: Field | Image, rows: Lattice) -> Any:  # noqa: ANN401 - an array
    if isinstance(part, Image):
        return part.decode(rows[:, fields.columns_of(part)])
    alone, column = Space.of({name: part}), fields.index(name)
    return show(alone, rows[:, [column]], space_of(alone))


def to_gymnasium(fields: Space, row: Lattice, shape: gymnasium.Space[Any]) -> Any:  # noqa: ANN401 - whatever the space holds
    """The element of `shape` that the lattice `row` (fields,) is. Raises `InvalidValue` when it has none."""
    if fields.pictures:
        return _pictured(fields, row, shape)
    if isinstance(shape, spaces.Dict):
        return {key: _part(fields, row, key, inner) for key, inner in shape.spaces.items()}
    numbers = numbers_of(fields, row[None])[0]
    if len(numbers) != _size(shape):
        raise InvalidValue(f"{', '.join(fields.names)} are {len(numbers)} numbers, but the environment takes {shape}")
    return _element(numbers, shape, fields)


def _pictured(fields: Space, row: Lattice, shape: gymnasium.Space[Any]) -> Any:  # noqa: ANN401 - the same
    """The element of `shape`, one of pictures, or a mapping with some, that the lattice `row` (fields,) is."""
    if isinstance(shape, spaces.Dict):
        return {key: _pictured_part(fields, row, key, inner) for key, inner in shape.spaces.items()}
    drawn = show(fields, row[None], space_of(fields))
    if len(fields.parts) > 1 or math.prod(shape.shape or ()) != drawn[0].size:
        raise InvalidValue(f"{', '.join(fields.parts)} are no element of {shape}")
    return drawn[0].reshape(shape.shape).astype(shape.dtype)


def _pictured_part(fields: Space, row: Lattice, key: str, shape: gymnasium.Space[Any]) -> Any:  # noqa: ANN401 - the same
    for image in fields.pictures:
        if image.name == key:
            return image.decode(row[None, fields.columns_of(image)])[0].reshape(shape.shape)
    return _part(fields, row, key, shape)


def to_observation(fields: Space, row: Lattice, shape: gymnasium.Space[Any] | None = None) -> Any:  # noqa: ANN401 - the same
    """`to_gymnasium`, in the space that `space_of` makes when none is given."""
    return to_gymnasium(fields, row, space_of(fields) if shape is None else shape)


def _element(numbers: Numbers, shape: gymnasium.Space[Any], fields: Space) -> Any:  # noqa: ANN401 - the same
    match shape:
        case spaces.Discrete():
            return shape.dtype.type(numbers[0] + _offset(fields, int(shape.start)))
        case spaces.MultiDiscrete():
            return (numbers.reshape(shape.shape) + (shape.start if _all_categories(fields) else 0)).astype(shape.dtype)
        case spaces.Box():
            return np.clip(numbers.reshape(shape.shape).astype(shape.dtype), shape.low, shape.high)
        case spaces.MultiBinary():
            return numbers.reshape(shape.shape).astype(shape.dtype)
        case spaces.Tuple():
            ends = np.cumsum([_size(inner) for inner in shape.spaces])
            parts = np.split(numbers, ends[:-1])
            return tuple(_element(part, inner, fields) for part, inner in zip(parts, shape.spaces, strict=True))
        case _:
            raise InvalidValue(f"{shape} has no numbers")


def _part(fields: Space, row: Lattice, key: str, shape: gymnasium.Space[Any]) -> Any:  # noqa: ANN401 - the same
    """The part of a mapping that is called `key`: the field of that name, or those whose names begin with it."""
    chosen = [i for i, name in enumerate(fields.names) if name == key] or [
        i for i, name in enumerate(fields.names) if name.startswith(f"{key}_")
    ]
    if not chosen:
        raise InvalidValue(f"the environment takes `{key}`, which is no field{hint(key, fields.names)}")
    part = Space(tuple(fields.names[i] for i in chosen), tuple(fields.fields[i] for i in chosen))
    return to_gymnasium(part, row[chosen], shape)


def _offset(fields: Space, start: int) -> int:
    """Where a choice's numbers begin: a category's at `start`, an integer is its own number."""
    return start if _all_categories(fields) else 0


def _all_categories(fields: Space) -> bool:
    return all(isinstance(field, Category) for field in fields.fields)


def _size(shape: gymnasium.Space[Any]) -> int:
    match shape:
        case spaces.Tuple():
            return sum(_size(inner) for inner in shape.spaces)
        case spaces.Discrete():
            return 1
        case _:
            return math.prod(shape.shape or ())


def _limits(field: Field) -> list[tuple[float, float]]:
    match field:
        case Angle(sources=sources) if sources:
            return [(-1.0, 1.0), (-1.0, 1.0)]
        case Set(values):
            return [(0.0, 1.0)] * len(values)
        case _:
            ends = decode_column(field, np.array(bounds(field))).astype(np.float64)
            return [(float(ends[0]), float(ends[1]))]


def _columns(field: Field, column: Lattice) -> list[Numbers]:
    match field:
        case Angle(sources=sources) if sources:
            turns = column * (2 * math.pi / 2**TURN_BITS)
            both = {"cos": np.cos(turns), "sin": np.sin(turns)}
            return [both[source] for source in sources]
        case Set():
            return [(column >> bit & 1).astype(np.float64) for bit in range(width_of(field))]
        case _:
            return [decode_column(field, column).astype(np.float64)]
