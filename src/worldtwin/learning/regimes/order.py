"""The order in which rows were recorded, in a few dozen parts that could each be the first of something new."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.world import Lattice

MOST_PARTS: Final = 64
LEAST_PARTS: Final = 16
LEAST_ROWS: Final = 25
"""A long stream is cut into parts of at least so many rows: the steps inside of one depend on each other."""


class Order(Struct, frozen=True, eq=False):
    """The part (n,) of each row, from 0 on in order of time, and where each of the parts (m,) begins.

    `apart`: they are whole episodes, so that one says nothing about the next.
    """

    parts: Lattice
    begins: Lattice
    apart: bool

    def __len__(self) -> int:
        """The number of parts."""
        return len(self.begins)


def order_of(episodes: Lattice) -> Order | None:
    """The order of rows that are in order of time, and from `episodes` (n,).

    A part is one episode, or several when there are more than 64; blocks of a stream when there are fewer than 16.
    None when there are too few rows to tell one time from another.
    """
    count = len(episodes)
    if not count:
        return None
    first = np.flatnonzero(np.r_[True, episodes[1:] != episodes[:-1]])
    if len(first) < LEAST_PARTS:
        blocks = min(MOST_PARTS, count // LEAST_ROWS)
        return _order(np.arange(count) * blocks // count, apart=False) if blocks >= LEAST_PARTS else None
    place = np.repeat(first, np.diff(np.r_[first, count]))
    return _order(place if len(first) <= MOST_PARTS else place * MOST_PARTS // count, apart=True)


def _order(marks: NDArray[np.int64], *, apart: bool) -> Order:
    """The order of rows whose `marks` (n,) rise from part to part."""
    _, begins, parts = np.unique(marks, return_index=True, return_inverse=True)
    return Order(parts=parts.astype(np.int64), begins=begins.astype(np.int64), apart=apart)
