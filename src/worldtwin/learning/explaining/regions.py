"""Where the error of a field is: the tenth of the inputs that holds most of it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from worldtwin.learning.explaining.parts import seen_parts
from worldtwin.simulation import RegionReport, input_fields
from worldtwin.world import Lattice, Spec

DECILES: Final = tuple(number / 10 for number in range(1, 10))
LEAST_ROWS: Final = 50


def region_report(spec: Spec, inputs: Lattice, errors: NDArray[np.float64]) -> RegionReport | None:
    """Where the `errors` (n,), not negative, of rows with `inputs` (n, [state row | action row]) are largest.

    Of all fields' tenths (or values) the one with the most error for its rows, when it has twice its share; else None.
    """
    total = float(errors.sum())
    if len(errors) < LEAST_ROWS or total <= 0:
        return None
    names = [*spec.state.names, *(f"earlier {i}" for i in range(spec.width - len(spec.state))), *spec.action.names]
    found: list[tuple[float, RegionReport]] = []
    for column, (name, field) in enumerate(zip(names, input_fields(spec), strict=True)):
        parts = seen_parts(name, field, inputs[:, column], DECILES)
        if parts is None or (spec.stateless and column < spec.width):
            continue
        place = parts.of(inputs[:, column])
        rows = np.bincount(place, minlength=len(parts)) / len(errors)
        shares = np.bincount(place, weights=errors, minlength=len(parts)) / total
        best = int(np.argmax(shares - rows))
        region = RegionReport(text=parts.text(best), share=float(shares[best]), rows=float(rows[best]))
        found.append((region.share - region.rows, region))
    worst = max(found, key=lambda pair: pair[0], default=None)
    return worst[1] if worst is not None and worst[1].share >= 2 * worst[1].rows else None
