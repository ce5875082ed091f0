"""How values are written in sentences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worldtwin.world import Space, Value, decode


def values_in(space: Space, row: NDArray[np.int64]) -> list[str]:
    """The values of one point (fields,), with names where there are several."""
    pairs = zip(space.names, space.fields, row.tolist(), strict=True)
    shown = [(name, in_words(decode(field, value))) for name, field, value in pairs]
    return [value for _, value in shown] if len(space) == 1 else [f"{name}={value}" for name, value in shown]


def in_words(value: Value) -> str:
    """`{e, n}` for a set, few digits for a number."""
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(value)) + "}"
    return f"{value:g}" if isinstance(value, float) else str(value)
