"""Which recorded inputs a confidence remembers, and how far apart recorded inputs usually are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from worldtwin.exact import Feature
from worldtwin.exact.features import coarse, features
from worldtwin.simulation.models.confidence import MAX_KNOWN, NEIGHBOURS, distances
from worldtwin.world import Lattice

LEAST: Final = 10 * NEIGHBOURS
"""Fewer rows say nothing of what is far away."""


class Neighbourhood(Struct, frozen=True, eq=False):
    """Some recorded inputs `known` (k, parts) in 2^-12, and the distance `near` that is usual among recorded ones."""

    known: Lattice
    near: int

    @staticmethod
    def of(seen: Sequence[Feature], inputs: Lattice) -> Neighbourhood:
        """The neighbourhood of recorded `inputs` (n, [state row | action row]); an empty one when there are few."""
        if len(inputs) < LEAST:
            return Neighbourhood(np.zeros((0, 0), dtype=np.int64), 1)
        known = coarse(features(seen, _spread(inputs, MAX_KNOWN, 0.0))).astype(np.int64)
        among = distances(known, features(seen, _spread(inputs, MAX_KNOWN, 0.5)))
        return Neighbourhood(known, max(1, int(np.median(among))))


def _spread(rows: Lattice, most: int, shift: float) -> Lattice:
    """At most so many of the `rows` (n, columns), evenly over their order."""
    count = min(most, len(rows))
    return rows[np.minimum((np.arange(count) + shift) * (len(rows) / count), len(rows) - 1).astype(np.int64)]
