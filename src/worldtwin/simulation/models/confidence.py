"""`Confidence`: how far an answer may be trusted, by a score that says how unsure it is."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.simulation.models.checks import require, require_array, seal
from worldtwin.world import Lattice

CONFIDENCE_BITS: Final = 16
MAX_STEPS: Final = 4096


class Confidence(Struct, frozen=True, kw_only=True, eq=False, forbid_unknown_fields=True):
    """A falling staircase: a score of at least `edges[i]` deserves `levels[i]` / 2^16; both (steps,)."""

    edges: Lattice
    levels: Lattice

    def __post_init__(self) -> None:
        """Refuse what is no falling staircase. Raises `InvalidFile`."""
        require_array("edges", self.edges, (-1,))
        require(
            1 <= len(self.edges) <= MAX_STEPS, f"{len(self.edges)} steps of confidence: 1 to {MAX_STEPS} are allowed"
        )
        require_array("levels", self.levels, (len(self.edges),), low=0, high=1 << CONFIDENCE_BITS)
        require((self.edges[1:] > self.edges[:-1]).all(), "edges: the steps of confidence must rise")
        require((self.levels[1:] <= self.levels[:-1]).all(), "levels: a higher score must not deserve more confidence")
        seal(self)

    def of(self, scores: Lattice, beyond: NDArray[np.bool_]) -> Lattice:
        """What `scores` (n,) deserve, in 2^-16; the least in rows (n,) that are `beyond` what was recorded."""
        step = np.maximum(np.searchsorted(self.edges, scores, side="right") - 1, 0)
        return self.levels[np.where(beyond, len(self.levels) - 1, step)]
