"""What `jsonschema` says against data, in a type of our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]
from msgspec import Struct

from worldtwin.files.reading.found import Steps

Schema: TypeAlias = Mapping[str, Any]


class Complaint(Struct, frozen=True, kw_only=True):
    """A `rule` of `schema` that the `value` at `steps` breaks: it `expected` something else.

    Where several alternatives were tried, `inner` says what was wrong with each, and their `branch` which one it was.
    """

    rule: str
    steps: Steps
    value: Any
    expected: Any
    schema: Schema
    branch: int = 0
    inner: tuple[Complaint, ...] = ()


def _is_whole(_: object, value: object) -> bool:
    """Whether `value` is a whole number written as one, as `msgspec` has it: 3.0 is none."""
    return isinstance(value, int) and not isinstance(value, bool)


_THEIRS: Final[Any] = Draft202012Validator
_VALIDATOR: Final[Any] = cast("Any", extend)(  # `extend` has no types
    _THEIRS, type_checker=_THEIRS.TYPE_CHECKER.redefine("integer", _is_whole)
)


def complaints(data: object, schema: Schema) -> Iterator[Complaint]:
    """Everything that `schema` has against `data`."""
    for error in _VALIDATOR(schema).iter_errors(data):
        yield _complaint(error, ())


def _complaint(error: ValidationError, above: Steps) -> Complaint:
    raw: Any = error
    steps: Steps = (*above, *raw.relative_path)
    first: object = raw.relative_schema_path[0] if raw.relative_schema_path else 0
    return Complaint(
        rule=str(raw.validator),
        steps=steps,
        value=raw.instance,
        expected=raw.validator_value,
        schema=raw.schema,
        branch=first if isinstance(first, int) else 0,
        inner=tuple(_complaint(each, steps) for each in raw.context or ()),
    )
