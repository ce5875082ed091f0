"""Optimism: what the pairs of a little known world may be worth at best, so that a plan goes where that pays.

What is hardly known is worth the highest return there is (R-max; Brafman and Tennenholtz 2002). What is known by chance
only is worth more than on average by its own spread, the less often it was seen (Audibert, Munos and Szepesvari 2009).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.improving.planning.values import END, SWEEPS, TOLERANCE, Graph

DEVIATIONS: Final = 2.0
"""By how many standard errors a mean may be better than it looks."""


class Seen(Struct, frozen=True, eq=False):
    """How often pairs were seen (`visits`, pairs), and which are `hardly` known (pairs,)."""

    visits: NDArray[np.int64]
    hardly: NDArray[np.bool_]


def hoped(graph: Graph, seen: Seen, *, horizon: int, returns: tuple[float, float]) -> NDArray[np.float64]:
    """What each pair (pairs,) may be worth with `horizon` steps to live, within the `returns` that there are.

    No further than `SWEEPS` steps are looked ahead.
    What comes later counts a little less, as in a plan. A pair that was tried, but of which nothing was recorded, is
    worth the lowest return.
    """
    low, top = returns
    first = np.flatnonzero(np.diff(graph.states, prepend=-1))
    discount, pairs = 1.0 - 1.0 / horizon, len(graph.states)
    known, errors = graph.known, DEVIATIONS / np.sqrt(np.maximum(seen.visits, 1))
    values, worth = np.zeros(len(first)), np.full(pairs, top)
    scale = 1.0 + max(abs(low), abs(top))
    for _ in range(min(horizon, SWEEPS)):
        paid = graph.rewards + np.where(graph.nexts == END, 0.0, values[graph.nexts]) * discount
        mean = np.bincount(graph.pairs, graph.shares * paid, minlength=pairs)
        spread = np.bincount(graph.pairs, graph.shares * (paid - mean[graph.pairs]) ** 2, minlength=pairs)
        worth = np.where(known, np.minimum(mean + errors * np.sqrt(spread), top), low)
        worth = np.where(seen.hardly, top, worth)
        before, values = values, np.maximum.reduceat(worth, first)
        if np.abs(values - before).max() <= TOLERANCE * scale:
            break
    return worth
