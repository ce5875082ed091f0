"""Names numbered by how frequent they are."""

from __future__ import annotations

import numpy as np

from worldtwin.world import Lattice


def by_frequency(names: Lattice, most: int) -> Lattice:
    """The place (n,) of each of the `names` (n,), numbers from 0 on, among them: 0 for the most frequent one.

    All but the `most` most frequent ones share the place `most`. Of equally frequent ones the lower name comes first.
    """
    places = np.argsort(np.argsort(-np.bincount(names), kind="stable"), kind="stable")
    return np.minimum(places[names], most)
