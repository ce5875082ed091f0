"""What a script sees of a world: records of typed fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from worldtwin.script.tree import BOOL, FLOAT, INT, Kind, Type
from worldtwin.world import Angle, Category, Field, Integer, Real, Set, Space

Record: TypeAlias = Mapping[str, Type]
Records: TypeAlias = Mapping[str, Record]
Described: TypeAlias = Space | Mapping[str, "Type | type[float | int | bool]"]

_NUMBERS = {float: FLOAT, int: INT, bool: BOOL}


def type_of(field: Field) -> Type:
    """The type of a field's value in a script."""
    match field:
        case Real() | Angle():
            return FLOAT
        case Integer():
            return INT
        case Category():
            return Type(Kind.NAME, field.values)
        case Set():
            return Type(Kind.NAMES, field.values)


def record_of(described: Described) -> dict[str, Type]:
    """The typed fields of a space, or of a mapping from names to types (`float`, `int`, `bool` or a `Type`)."""
    if isinstance(described, Space):
        return {name: type_of(field) for name, field in zip(described.names, described.fields, strict=True)}
    return {name: kind if isinstance(kind, Type) else _NUMBERS[kind] for name, kind in described.items()}
