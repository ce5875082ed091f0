"""Values as they are recorded: numbers, texts, names, and parts of what has parts."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

import numpy as np

from worldtwin.script.parameter import FloatParameter, IntParameter

SIMPLE: Final = frozenset(
    {
        int, float, str, bool, type(None), np.float64, np.float32, np.int64, np.int32, np.bool_, FloatParameter,
        IntParameter,
    }
)  # fmt: skip
"""Types of values that cannot change after they were seen, and fill one column."""


def parts_of(name: str, value: object) -> dict[str, object]:
    """`value` as columns: itself; of a mapping NAME_key, of a list or an array of numbers NAME_0, NAME_1, ...

    A set or a list of texts stays one value. What is none of these is recorded as its text.
    """
    if type(value) in SIMPLE:
        return {name: value}
    if isinstance(value, Enum):
        return {name: value.name}
    if isinstance(value, np.generic):
        return {name: value.item()}
    if isinstance(value, Mapping):
        return _joined(name, value.items())
    if isinstance(value, np.ndarray):
        return {name: value.item()} if value.ndim == 0 else _joined(name, enumerate(value.ravel().tolist()))
    if isinstance(value, set | frozenset):
        return {name: sorted(map(str, value))}
    if isinstance(value, list | tuple):
        texts = bool(value) and all(isinstance(item, str) for item in value)
        return {name: list(value)} if texts else _joined(name, enumerate(value))
    return {name: float(value) if isinstance(value, int | float) else str(value)}


def _joined(name: str, items: object) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, item in items:  # pyright: ignore[reportGeneralTypeIssues] - pairs of any mapping or enumeration
        found.update(parts_of(f"{name}_{key}", item))
    return found
