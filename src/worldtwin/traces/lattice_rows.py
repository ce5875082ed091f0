"""Raw columns as lattice columns, with what is missing and what is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, UnsetType
from numpy.typing import NDArray

from worldtwin.exact.functions import atan2
from worldtwin.traces.binding import Source, sources
from worldtwin.traces.columns import coded
from worldtwin.world import (
    Angle,
    Category,
    Field,
    Image,
    Integer,
    Lattice,
    Real,
    Set,
    Space,
    bounds,
    encode_column,
    unit_of,
)

MISSING, NO_NUMBER, OUTSIDE = 1, 2, 3
"""What is wrong with a value; 0 is nothing."""

MOST_BYTES: Final = 1 << 22
"""Bytes of pictures that are turned into components at a time; eight times as many are needed on the way."""

_SEEN: Final = {
    MISSING: "is missing",
    NO_NUMBER: "is no picture of {}",
    OUTSIDE: "is unlike all pictures that its codec learned from",
}

Wrong = NDArray[np.int8]


class Part(Struct, frozen=True, eq=False):
    """n rows of a space: lattice values (n, fields), what is wrong with each (n, fields)."""

    values: Lattice
    wrong: Wrong

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Which rows (n,) have nothing at all here."""
        return np.all(self.wrong == MISSING, axis=1)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which rows (n,) have everything."""
        return np.all(self.wrong == 0, axis=1)

    def taken(self, rows: Lattice | NDArray[np.bool_]) -> Part:
        """The part at `rows`."""
        return Part(self.values[rows], self.wrong[rows])


def part_of(space: Space, part: str, table: pa.Table) -> Part:
    """The lattice rows of `space` in the raw columns of `table` that begin with `part`."""
    kinds = dict.fromkeys(table.column_names, "")
    found = sources(space, part, kinds)
    count = table.num_rows
    values = np.zeros((count, len(space)), dtype=np.int64)
    wrong = np.full((count, len(space)), MISSING, dtype=np.int8)
    for name, source in found.items():
        field = space.parts[name]
        if source.columns and isinstance(field, Image):
            taken = space.columns_of(field)
            values[:, taken], wrong[:, taken] = _image_rows(field, table.column(source.columns[0]))
        elif source.columns and not isinstance(field, Image):
            column = space.index(name)
            values[:, column], wrong[:, column] = _field_rows(field, source, table)
    return Part(values, wrong)


def complaint(part: str, space: Space, column: int, wrong: int) -> str:
    """One sentence about what is `wrong` with the value of a field, by its position."""
    name, field = space.names[column], space.fields[column]
    for image in space.pictures:
        if name in image.names:
            return f"{part}.{image.name} {_SEEN[wrong].format(image.size)}"
    if wrong == MISSING:
        return f"{part}.{name} is missing"
    if wrong == OUTSIDE and isinstance(field, Real):
        unit = f" {unit_of(field)}" if unit_of(field) else ""
        return f"{part}.{name} is outside of [{field.low:g}, {field.high:g}]{unit}"
    return f"{part}.{name} is {'outside of its values' if wrong == OUTSIDE else 'not a number'}"


def join_parts(parts: Sequence[Part]) -> Part:
    """All the rows of `parts`, in order."""
    return Part(np.concatenate([part.values for part in parts]), np.concatenate([part.wrong for part in parts]))


def pictures_in(column: Any, values: int) -> Iterator[tuple[slice, NDArray[np.uint8]]]:  # noqa: ANN401 - pyarrow's columns have no types
    """The bytes (n, values) of a column of pictures, all of that size, and which rows they are, some at a time."""
    some = max(1, MOST_BYTES // values)
    for start in range(0, len(column), some):
        part = column.slice(start, some)
        body = b"".join(part.to_pylist())
        yield slice(start, start + len(part)), np.frombuffer(body, dtype=np.uint8).reshape(-1, values)


def _image_rows(image: Image, column: Any) -> tuple[Lattice, Wrong]:  # noqa: ANN401
    """The components (n, k) of a column of pictures; zeros as long as nobody has learned how to see them."""
    lattice = np.zeros((len(column), len(image.names)), dtype=np.int64)
    if not pa.types.is_binary(column.type):
        return lattice, np.where(column.is_null().to_numpy(), MISSING, NO_NUMBER).astype(np.int8)[:, None]
    sizes = pc.binary_length(column).fill_null(-1).to_numpy()  # pyright: ignore[reportAttributeAccessIssue] - made at run time
    wrong = np.where(sizes < 0, MISSING, np.where(sizes == image.values, 0, NO_NUMBER))
    rows = np.flatnonzero(wrong == 0)
    if isinstance(image.codec, UnsetType):
        return lattice, wrong.astype(np.int8)[:, None]
    for part, pictures in pictures_in(column.take(rows), image.values):
        lattice[rows[part]], told = image.encode(pictures)
        wrong[rows[part]] = np.where(told, 0, OUTSIDE)
    return lattice, wrong.astype(np.int8)[:, None]


def _field_rows(field: Field, source: Source, table: pa.Table) -> tuple[Lattice, Wrong]:
    columns = [table.column(name) for name in source.columns]
    missing = np.logical_or.reduce([column.is_null().to_numpy() for column in columns])
    if len(columns) > 1 and isinstance(field, Set):
        numbers = np.stack([column.to_numpy().astype(np.float64) for column in columns])
        lattice, valid = _bits(numbers != 0), np.all(np.isfinite(numbers), axis=0)
        wrong = np.full(table.num_rows, NO_NUMBER)
    elif len(columns) == 2 and isinstance(field, Angle):
        numbers = _direction(*(column.to_numpy().astype(np.float64) for column in columns))
        lattice, valid = encode_column(Angle(unit="rad"), numbers)
        wrong = np.where(np.isnan(numbers), NO_NUMBER, OUTSIDE)
    else:
        lattice, valid, wrong = _column_rows(field, columns[0])
    return lattice, np.where(missing, MISSING, np.where(valid, 0, wrong)).astype(np.int8)


def _column_rows(field: Field, column: Any) -> tuple[Lattice, NDArray[np.bool_], Any]:  # noqa: ANN401 - pyarrow's columns have no types
    kind = column.type
    if pa.types.is_string(kind) or (pa.types.is_int64(kind) and isinstance(field, Category)):
        return _text_rows(field, column)
    if pa.types.is_list(kind):
        lattice, valid = encode_column(field, column.to_pylist())
        return lattice, valid, np.full(len(valid), OUTSIDE)
    numbers = column.to_numpy()
    if isinstance(field, Set):
        lattice, valid = encode_column(Integer(low=0, high=bounds(field)[1]), numbers)
    else:
        lattice, valid = encode_column(field, numbers)
    return lattice, valid, np.where(np.isnan(numbers), NO_NUMBER, OUTSIDE)


def _text_rows(field: Field, column: Any) -> tuple[Lattice, NDArray[np.bool_], Any]:  # noqa: ANN401
    names, rows = coded(column)
    if isinstance(field, Set):
        names = [frozenset(filter(None, name.split("|"))) for name in names]
    elif isinstance(field, Category):
        names = [_chosen(field, name) if isinstance(name, int) else name for name in names]
    lattice, valid = encode_column(field, [*names, math.nan])
    wrong = NO_NUMBER if isinstance(field, Real | Angle | Integer) else OUTSIDE
    return lattice[rows], valid[rows], np.full(len(rows), wrong)


def _chosen(field: Category, number: int) -> str:
    """The value that a number stands for: the one called so, or else the one at its place."""
    name = str(number)
    return field.values[number] if name not in field.values and 0 <= number < len(field.values) else name


def _bits(shown: NDArray[np.bool_]) -> Lattice:
    """The masks (n,) of rows of bits (values, n)."""
    return (shown.astype(np.int64) << np.arange(len(shown))[:, None]).sum(axis=0)


def _direction(cosine: NDArray[np.float64], sine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The angle (n,) in radians, with the same bits on every machine; NaN where there is no direction."""
    usable = np.isfinite(cosine) & np.isfinite(sine) & ((cosine != 0) | (sine != 0))
    radians = atan2(np.where(usable, sine, 0.0), np.where(usable, cosine, 1.0))
    return np.where(usable, radians, np.nan)
