"""`Confidence`: how far an answer may be trusted, by a score that says how unsure it is and by how far away it is."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from worldtwin.exact.features import Floats, coarse
from worldtwin.simulation.models.checks import require, require_array, seal
from worldtwin.world import Lattice

CONFIDENCE_BITS: Final = 16
SCORE_BITS: Final = 8
MAX_STEPS: Final = 4096
MAX_KNOWN: Final = 1024
NEIGHBOURS: Final = 5
_PART_LIMIT: Final = 1 << 15
_LEAST: Final = 26
"""What is added to a score before it is stretched, a tenth in 2^-8: members that agree far away may all be wrong."""
_MOST: Final = 1 << 40
_FAR: Final = 1 << 20


def _nothing() -> Lattice:
    return np.zeros((0, 0), dtype=np.int64)


class Confidence(Struct, frozen=True, kw_only=True, eq=False, dict=True, forbid_unknown_fields=True):
    """A falling staircase: a score of at least `edges[i]` deserves `levels[i]` / 2^16; both (steps,).

    Scores are stretched far from what was recorded: by the distance to the 5th nearest of the `known` inputs
    (k, parts), in 2^-12, over the distance `near` that is usual among recorded ones, when it is larger. Nothing is
    stretched where no inputs are known.
    """

    edges: Lattice
    levels: Lattice
    known: Lattice = field(default_factory=_nothing)
    near: int = 1

    def __post_init__(self) -> None:
        """Refuse what is no falling staircase, and inputs that are none. Raises `InvalidFile`."""
        require_array("edges", self.edges, (-1,))
        require(
            1 <= len(self.edges) <= MAX_STEPS, f"{len(self.edges)} steps of confidence: 1 to {MAX_STEPS} are allowed"
        )
        require_array("levels", self.levels, (len(self.edges),), low=0, high=1 << CONFIDENCE_BITS)
        require((self.edges[1:] > self.edges[:-1]).all(), "edges: the steps of confidence must rise")
        require((self.levels[1:] <= self.levels[:-1]).all(), "levels: a higher score must not deserve more confidence")
        require_array("known", self.known, (-1, -1), low=-_PART_LIMIT, high=_PART_LIMIT)
        count = len(self.known)
        require(count == 0 or NEIGHBOURS <= count <= MAX_KNOWN, f"known: {count} inputs: {NEIGHBOURS} to {MAX_KNOWN}")
        require(1 <= self.near < 1 << 32, f"near: {self.near} is no distance")
        seal(self)

    def of(self, scores: Lattice, parts: Floats, beyond: NDArray[np.bool_]) -> Lattice:
        """What `scores` (n,) of inputs with `parts` (parts, n) deserve, in 2^-16; the least in rows `beyond` (n,)."""
        return np.where(beyond, self.levels[-1], self.level(self.stretched(scores, parts)))

    def level(self, scores: Lattice) -> Lattice:
        """What `scores` (n,) deserve as they are, in 2^-16."""
        return self.levels[np.maximum(np.searchsorted(self.edges, scores, side="right") - 1, 0)]

    def stretched(self, scores: Lattice, parts: Floats) -> Lattice:
        """The `scores` (n,) as they are where inputs with the `parts` (parts, n) are far from all that is known."""
        if not len(self.known):
            return scores
        away = np.minimum(distances(self.known, parts) * (1 << SCORE_BITS) // self.near, float(_FAR)).astype(np.int64)
        return ((np.minimum(scores, _MOST) + _LEAST) * np.maximum(away, 1 << SCORE_BITS)) >> SCORE_BITS

    def require_parts(self, parts: int) -> None:
        """Refuse known inputs with another number of `parts`. Raises `InvalidFile`."""
        fits = not len(self.known) or self.known.shape[1] == parts
        require(fits, f"known: {self.known.shape[1]} parts, the features have {parts}")


def distances(known: Lattice, parts: Floats) -> Floats:
    """The distance (n,) from inputs with the `parts` (parts, n) to the 5th nearest of `known` (k, parts), in 2^-12.

    Squares are whole numbers below 2^53, so that every machine finds the same ones.
    """
    inputs, rows = coarse(parts), known.astype(np.float64)
    squares = (inputs**2).sum(axis=1)[:, None] + (rows**2).sum(axis=1) - 2.0 * (inputs @ rows.T)
    return np.floor(np.sqrt(np.partition(squares, NEIGHBOURS - 1, axis=1)[:, NEIGHBOURS - 1]))
