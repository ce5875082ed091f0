"""Whether the answer depends on the action alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from worldtwin.learning.memory.course import Course, numbered
from worldtwin.learning.memory.evidence import evidence, rejected
from worldtwin.world import Lattice

ENOUGH_VISITS: Final = 80
"""How often each state met each action, on average, before silence says anything."""
_TRUST_IN_ACTIONS: Final = 2.0


def looks_stateless(course: Course, aside: NDArray[np.bool_]) -> bool:
    """Whether the state adds nothing to the action: no evidence that it does, and no gain on rows kept `aside` (n,).

    Evidence is weighed for each action as in `aliasing`, with the state as its history. No evidence is no proof, so
    the results kept aside must not be told better, in nats, by counts that know the state.
    """
    pairs = numbered(np.stack([course.states, course.actions], axis=1))
    if not aside.any() or len(np.unique(course.states)) < 2 or len(course) < ENOUGH_VISITS * (pairs.max() + 1):
        return False
    shown = evidence(course.actions, course.states, course.results, int(course.actions.max()) + 1)
    if len(rejected(shown.logs)):
        return False
    by_action, by_both = _losses(course, pairs, aside)
    return by_action <= by_both


def _losses(course: Course, pairs: Lattice, aside: NDArray[np.bool_]) -> tuple[float, float]:
    """The mean surprise in nats of the rows `aside` for counts by action, and for those by state and action too."""
    kinds = int(course.results.max()) + 1
    seen, whole = _counts(course.actions, course.results, ~aside)
    likely = (seen + 0.5) / (whole + 0.5 * kinds)
    near, total = _counts(pairs, course.results, ~aside)
    nearer = (near + _TRUST_IN_ACTIONS * likely) / (total + _TRUST_IN_ACTIONS)
    return -float(np.log(likely[aside]).mean()), -float(np.log(nearer[aside]).mean())


def _counts(rows: Lattice, results: Lattice, kept: NDArray[np.bool_]) -> tuple[Lattice, Lattice]:
    """How often each step's result, and any result, followed its row among the `kept` ones: two (n,)."""
    cells = numbered(np.stack([rows, results], axis=1))
    both = np.bincount(cells[kept], minlength=cells.max() + 1)
    return both[cells], np.bincount(rows[kept], minlength=rows.max() + 1)[rows]
