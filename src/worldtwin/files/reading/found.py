"""Mistakes on their way to becoming problems: where they are in the tree of values, and what they are."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from msgspec import Struct

Steps: TypeAlias = tuple[str | int, ...]
"""The way from the top of a file to a value: keys and positions."""

_SHOWN: Final = 60


class Found(Struct, frozen=True):
    """One mistake, at the value that `steps` lead to, or `lines_below` it."""

    steps: Steps
    message: str
    lines_below: int = 0


def shown(value: object) -> str:
    """A value as its writer would recognise it, shortened."""
    text = _plain(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def dotted(steps: Steps) -> str:
    """`state.position.range`, `objective[1]`."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def as_mapping(value: object) -> dict[str, Any]:
    """`value` when it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType] - keys are texts


def as_list(value: object) -> list[Any]:
    """`value` as a list when it is one, or a tuple, else an empty one."""
    return list(value) if isinstance(value, list | tuple) else []  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _plain(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_plain(item) for item in as_list(value)[:8])}]"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, dict):
        entries = as_mapping(value)  # pyright: ignore[reportUnknownArgumentType]
        return "{" + ", ".join(f"{key}: {_plain(entries[key])}" for key in list(entries)[:4]) + "}"
    return str(value)
