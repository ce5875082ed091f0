"""What is left of a world's YAML once everything that cannot be read is taken out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from worldtwin.files.document.sections import FORMAT
from worldtwin.files.reading.found import Found, Steps
from worldtwin.files.reading.shape import is_unknown_key

SPACES: Final = ("state", "action", "outputs")


class Pruned(Struct, frozen=True):
    """Data that has the right shape, and what was taken out: fields by (space, name), and whole spaces."""

    data: dict[str, Any]
    fields: dict[tuple[str, str], object]
    spaces: frozenset[str]


def pruned(data: object, mistakes: Sequence[Found]) -> Pruned:
    """`data` without what the `mistakes` of its shape concern, completed by the least that a world needs."""
    whole: dict[str, Any] = _copy(data) if isinstance(data, dict) else {}
    fields: dict[tuple[str, str], object] = {}
    for found in sorted(mistakes, key=lambda each: -len(each.steps)):
        if is_unknown_key(found):
            _drop(whole, found.steps)
        elif len(found.steps) > 1 and found.steps[0] in SPACES:
            space, name = str(found.steps[0]), str(found.steps[1])
            fields[space, name] = _drop(whole, (space, name)) or fields.get((space, name))
        elif found.steps:
            _drop(whole, found.steps[:1])
    spaces = frozenset(space for space in ("state", "action") if space not in whole)
    if isinstance(data, dict) and "outputs" in data and "outputs" not in whole:
        spaces |= {"outputs"}
    least: dict[str, Any] = {"worldtwin": FORMAT, "name": "unreadable", "version": "0.0.0", "state": {}, "action": {}}
    return Pruned({**least, **whole}, fields, spaces)


def _copy(value: Any) -> Any:  # noqa: ANN401 - plain data, at most 16 deep
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return [_copy(item) for item in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]


def _drop(data: Any, steps: Steps) -> object:  # noqa: ANN401 - plain data
    """What `steps` lead to, taken out of `data`; None when it is gone already."""
    for step in steps[:-1]:
        data = _inside(data, step)
    return data.pop(steps[-1], None) if isinstance(data, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _inside(data: Any, step: str | int) -> Any:  # noqa: ANN401 - plain data
    if isinstance(data, dict):
        return data.get(step)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return data[step] if isinstance(data, list) and isinstance(step, int) and step < len(data) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
