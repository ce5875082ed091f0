"""How large changes usually are, so that a few leaps do not decide what is learned of all others."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.learning.regression.ridge import Floats
from worldtwin.learning.regression.target import Target
from worldtwin.world import Integer, Lattice

RARE: Final = 0.025
"""The share of the changes at each end that says nothing of how large they usually are."""
LEAST: Final = 1 / 8
"""Of the spread of all changes: a smaller error always counts in full."""
MOST_LEAPS: Final = 0.25


class Usual(Struct, frozen=True, eq=False):
    """The range (targets,) of the changes without the rarest on each side; errors count as no larger than `most`."""

    low: Floats
    high: Floats
    most: Floats

    @staticmethod
    def of(targets: tuple[Target, ...], changes: Lattice) -> Usual:
        """What `changes` (n, targets) say; of whole numbers, and of what rarely changes at all, nothing is unusual."""
        low, high = np.quantile(changes, (RARE, 1 - RARE), axis=0)
        told = np.array([not isinstance(target.field, Integer) for target in targets], dtype=np.bool_) & (low < high)
        most = np.maximum(high - low, LEAST * changes.std(axis=0))
        return Usual(
            low=np.where(told, low, -np.inf), high=np.where(told, high, np.inf), most=np.where(told, most, np.inf)
        )

    def leaps(self, changes: Lattice) -> NDArray[np.bool_]:
        """In which rows (n,) any of the `changes` (n, targets) is beyond the usual range by `most`.

        None where that would be a quarter of them.
        """
        beyond = (changes < self.low - self.most) | (changes > self.high + self.most)
        leaping = np.flatnonzero(beyond.any(axis=1))
        found = np.zeros(len(changes), dtype=np.bool_)
        found[leaping] = len(leaping) < MOST_LEAPS * len(changes)
        return found
