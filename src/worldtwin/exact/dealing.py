"""Rows that are dealt to hands, so that the rows of each hand can be computed together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Lattice = NDArray[np.int64]


def dealt(hand: Lattice, hands: int) -> tuple[Lattice, Lattice]:
    """The place (n,) of each row among those of its own `hand` (n,), in their order, and how many each of `hands` has.

    Both are counted from 0 on; `hand` is below `hands`.
    """
    counts = np.bincount(hand, minlength=hands)
    order = np.argsort(hand, kind="stable")
    place = np.empty(len(hand), dtype=np.int64)
    place[order] = np.arange(len(hand)) - np.repeat(np.cumsum(counts) - counts, counts)
    return place, counts
