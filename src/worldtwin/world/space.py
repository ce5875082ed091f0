"""Named axes: `Space`, and one point of them: `Point` (a state, an action or the outputs of a step)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TypeAlias, final

import numpy as np
from msgspec import UNSET, Struct, UnsetType
from numpy.typing import NDArray

from worldtwin.errors import InvalidSpec, InvalidValue
from worldtwin.world.field import Field, bounds, is_discrete
from worldtwin.world.image import COMPONENT, Image
from worldtwin.world.lattice import Value, decode, decode_column, encode, hint


class Space(Struct, frozen=True, dict=True):
    """Fields in order, each with a name; those of an image, its components, are told by `images`.

    Where there are none, `images` is absent, also from the bytes.
    """

    names: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    images: tuple[Image, ...] | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse names that scripts cannot use, and images without their components."""
        if len(self.names) != len(self.fields) or len(set(self.names)) != len(self.names):
            raise InvalidSpec(f"{len(self.fields)} fields need as many different names, not {list(self.names)}")
        for name in self.names:
            if not name.isidentifier() or name.startswith("_"):
                raise InvalidSpec(f"`{name}` cannot be a field's name: use letters, digits and _")
        for image in self.pictures:
            first = self.names.index(image.names[0]) if image.names[0] in self.names else 0
            inside = slice(first, first + len(image.names))
            if self.names[inside] != image.names or set(self.fields[inside]) != {COMPONENT}:
                raise InvalidSpec(f"the image `{image.name}` needs {len(image.names)} fields in order, its components")
        if len({image.name for image in self.pictures} | set(self.names)) != len(self.names) + len(self.pictures):
            raise InvalidSpec("an image is called like another one, or like a field")

    @staticmethod
    def of(parts: Mapping[str, Field | Image]) -> Space:
        """The space of these fields and images, by name, in order."""
        named: list[tuple[str, Field]] = []
        for name, part in parts.items():
            named += [(each, COMPONENT) for each in part.names] if isinstance(part, Image) else [(name, part)]
        images = tuple(part for part in parts.values() if isinstance(part, Image))
        return Space(tuple(name for name, _ in named), tuple(field for _, field in named), images or UNSET)

    @property
    def pictures(self) -> tuple[Image, ...]:
        """The images, if there are any."""
        return () if isinstance(self.images, UnsetType) else self.images

    @cached_property
    def parts(self) -> dict[str, Field | Image]:
        """What is recorded, by name and in order: an image in place of its components."""
        owners = {name: image for image in self.pictures for name in image.names}
        found: dict[str, Field | Image] = {}
        for name, field in zip(self.names, self.fields, strict=True):
            owner = owners.get(name)
            found[name if owner is None else owner.name] = field if owner is None else owner
        return found

    def columns_of(self, image: Image) -> slice:
        """Where the components of one of the images are."""
        first = self.names.index(image.names[0])
        return slice(first, first + len(image.names))

    def seen_by(self, images: tuple[Image, ...]) -> Space:
        """The same fields, with these images, and their components, for those of the same names."""
        return Space.of({**self.parts, **{image.name: image for image in images}})

    @property
    def blank(self) -> Space:
        """The same fields, with images whose codecs are not learned yet."""
        return self.seen_by(tuple(image.blank for image in self.pictures)) if self.pictures else self

    def __len__(self) -> int:
        """The number of fields."""
        return len(self.names)

    @cached_property
    def low(self) -> NDArray[np.int64]:
        """The lowest lattice values (fields,)."""
        return np.array([bounds(field)[0] for field in self.fields], dtype=np.int64)

    @cached_property
    def high(self) -> NDArray[np.int64]:
        """The highest lattice values (fields,)."""
        return np.array([bounds(field)[1] for field in self.fields], dtype=np.int64)

    @cached_property
    def discrete(self) -> bool:
        """Whether all fields are integers, categories or sets."""
        return all(is_discrete(field) for field in self.fields)

    def index(self, name: str) -> int:
        """The position of the field called `name`. Raises `InvalidValue` with the nearest known name."""
        if name not in self.names:
            raise InvalidValue(f"unknown field `{name}`{hint(name, self.names)}")
        return self.names.index(name)

    def field(self, name: str) -> Field:
        """The field called `name`. Raises `InvalidValue` with the nearest known name."""
        return self.fields[self.index(name)]

    def encode(self, values: object) -> tuple[int, ...]:
        """The lattice values of a `Point`, of a mapping by field name, or of a bare value when there is one field.

        Raises `InvalidValue` naming the field that is wrong, missing or unknown.
        """
        if isinstance(values, Point) and (values.space is self or values.space == self):
            return values.lattice
        if not isinstance(values, Mapping):
            if len(self.names) != 1:
                raise InvalidValue(f"{values!r} has no names: give a mapping of {', '.join(self.names)}")
            return (_encode_named(self.names[0], self.fields[0], values),)
        named: Mapping[str, object] = values  # pyright: ignore[reportUnknownVariableType] - keys are looked up by name
        if self.pictures:
            named = self._with_components(named)
        for name in named:
            if name not in self.names:
                raise InvalidValue(f"unknown field `{name}`{hint(name, self.names)}")
        missing = [name for name in self.names if name not in named]
        if missing:
            raise InvalidValue(f"missing field{'s' if len(missing) > 1 else ''} {', '.join(missing)}")
        return tuple(
            _encode_named(name, field, named[name]) for name, field in zip(self.names, self.fields, strict=True)
        )

    def _with_components(self, named: Mapping[str, object]) -> dict[str, object]:
        """`named` with the components of its pictures in their place. Raises `InvalidValue`."""
        found = dict(named)
        for image in self.pictures:
            if image.name in found:
                row, told = image.encode(np.frombuffer(image.pixels(found.pop(image.name)), dtype=np.uint8)[None])
                if not told[0]:
                    raise InvalidValue(f"{image.name} is unlike all pictures that its codec learned from")
                found |= {name: decode(COMPONENT, int(each)) for name, each in zip(image.names, row[0], strict=True)}
        return found

    def decode(self, row: tuple[int, ...]) -> Point:
        """The point whose lattice values are `row`."""
        return Point(self, row)

    def columns(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
        """What a script sees of `rows` (n, at least as many columns as fields), by field name."""
        return {
            name: decode_column(field, rows[:, i])
            for i, (name, field) in enumerate(zip(self.names, self.fields, strict=True))
        }


@final
class Point(Mapping[str, Value]):
    """Named physical values of one state, action or outputs: `point.angle`, `point["angle"]`, `dict(point)`."""

    __slots__ = ("lattice", "space")

    def __init__(self, space: Space, lattice: tuple[int, ...]) -> None:
        self.space = space
        self.lattice = lattice

    def __getitem__(self, name: str) -> Value:
        """The physical value of the field called `name`."""
        if name not in self.space.names:
            raise KeyError(name)
        position = self.space.names.index(name)
        return decode(self.space.fields[position], self.lattice[position])

    def picture(self, name: str) -> NDArray[np.uint8]:
        """The image called `name` as it is drawn from its components: (height, width) or (height, width, channels)."""
        for image in self.space.pictures:
            if image.name == name:
                return image.decode(np.array([self.lattice[self.space.columns_of(image)]], dtype=np.int64))[0]
        raise InvalidValue(f"unknown image `{name}`{hint(name, [image.name for image in self.space.pictures])}")

    def __getattr__(self, name: str) -> Value:
        """The physical value of the field called `name`."""
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no field `{name}`{hint(name, self.space.names)}") from None

    def __iter__(self) -> Iterator[str]:
        """The field names in order."""
        return iter(self.space.names)

    def __len__(self) -> int:
        """The number of fields."""
        return len(self.space.names)

    def __eq__(self, other: object) -> bool:
        """Whether `other` is the same point of the lattice, or a mapping of equal values."""
        if isinstance(other, Point):
            return self.space == other.space and self.lattice == other.lattice
        return isinstance(other, Mapping) and dict(self) == dict(other)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]

    def __hash__(self) -> int:
        """Equal points hash alike."""
        return hash((self.space.names, self.lattice))

    def __repr__(self) -> str:
        """`(position=0.1, push='left')`."""
        inside = ", ".join(f"{name}={_short(value)}" for name, value in self.items())
        return f"({inside})"


State: TypeAlias = Point
Action: TypeAlias = Point
Outputs: TypeAlias = Point


def _encode_named(name: str, field: Field, value: object) -> int:
    try:
        return encode(field, value)
    except InvalidValue as error:
        raise InvalidValue(f"{name}: {error}") from None


def _short(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "{" + ", ".join(sorted(value)) + "}" if isinstance(value, frozenset) else repr(value)
