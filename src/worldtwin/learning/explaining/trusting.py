"""Confidence against truth, on rows that were kept aside."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.learning.calibration import BINS, crossed, shares
from worldtwin.learning.guessing import modes
from worldtwin.learning.regression.fitting import Recorded, distances
from worldtwin.simulation import FINE_BITS, LevelReport, Regressor, Simulator, Table
from worldtwin.world import Lattice


class Trusted(Struct, frozen=True, eq=False):
    """How sure some answers were (n,), in [0, 1], and which were right (n,)."""

    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]


def trusted(tested: Simulator, aside: Recorded, episodes: Lattice, *, fresh: bool) -> Trusted | None:
    """The confidence of `tested` on rows kept `aside`, from `episodes` (n,): of counts if it counts, else of numbers.

    Where the confidence of numbers was learned on these rows, so that they are not `fresh`, each half of the episodes
    is told by the other half.
    """
    if tested.observed is not None:
        return _counted(tested.observed, aside)
    models = [model for model in tested.predictors if isinstance(model, Regressor)]
    if not models or not len(aside.inputs):
        return None
    scores, right = zip(*(_measured(tested, model, aside) for model in models), strict=True)
    each = zip(models, scores, right, strict=True)
    found = [shares(m.confidence, score) if fresh else crossed(score, good, episodes) for m, score, good in each]
    told = [confidence for confidence in found if confidence is not None]
    if len(told) < len(models):
        return None
    return Trusted(confidence=np.min(told, axis=0), right=np.all(right, axis=0))


def levels(found: Trusted) -> tuple[LevelReport, ...]:
    """The mean confidence and the share that was right in at most ten groups of equal size, rising."""
    order = np.argsort(found.confidence, kind="stable")
    groups = [group for group in np.array_split(order, BINS) if len(group)]
    return tuple(
        LevelReport(
            confidence=float(found.confidence[group].mean()), right=float(found.right[group].mean()), rows=len(group)
        )
        for group in groups
    )


def _counted(table: Table, aside: Recorded) -> Trusted | None:
    row = table.lookup(aside.inputs[:, table.inputs])
    seen = row >= 0
    if not seen.any():
        return None
    edge = modes(table)[row[seen]]
    confidence = table.counts[edge] / (table.edges.totals[row[seen]] + 1)
    return Trusted(confidence, (table.values[edge] == aside.results[seen]).all(axis=1))


def _measured(tested: Simulator, model: Regressor, aside: Recorded) -> tuple[Lattice, NDArray[np.bool_]]:
    """The score (n,) of each answer, and whether all its numbers are within their tolerance."""
    found = model.changes(aside.inputs)
    missed = distances(tested.spec, model, aside, found)
    return model.doubts(aside.inputs, found), np.all(missed <= model.tolerances >> FINE_BITS, axis=1)
