"""Whether what is left of a number is chance, or only what was not learned."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from worldtwin.exact.chance import LOG_BITS, LOGS
from worldtwin.exact.features import features
from worldtwin.exact.rounding import round_shift
from worldtwin.learning.regression.fitting import SILENCE, Lesson, Recorded, Trust, published
from worldtwin.learning.regression.ridge import Floats
from worldtwin.learning.regression.target import difference
from worldtwin.simulation import FINE_BITS, Function
from worldtwin.world import Angle, Lattice, Real, Spec, bounds

LEAST_ROWS: Final = 300
LEAST_SHARE: Final = 2.0**-8
"""Of one step's change: less is taken for what was not learned."""
LEAST_STEPS: Final = 2.0
KURTOSIS: Final = (2.4, 4.0)
"""A normal distribution has 3; what was not learned has rare large errors, and rounding 1.8."""
ALIKE: Final = 0.15
NEAREST: Final = 0.25


def noise_in(spec: Spec, lesson: Lesson, functions: tuple[Function, ...], aside: Recorded) -> Lattice:
    """The logarithms (base 2, in 2^-8) of the noise (targets,) in 2^-8 steps; empty where no target has any.

    A target is noisy when what the rows kept `aside` leave is more than 2^-8 of a step's change, roughly normal, and
    chance: alike neither in rows that follow each other (what was measured inexactly goes back and forth, what was not
    learned lasts) nor in the quarter of the rows whose inputs are nearest to another's (what was not learned is a
    function of them; the idea of the gamma test: Evans and Jones, 2002).
    """
    if len(aside.inputs) < LEAST_ROWS or not lesson.design.basis.features:
        return SILENCE
    left, free = _left(spec, lesson, functions, aside)
    pairs = (_following(spec, aside), _nearest(features(lesson.design.basis.features, aside.inputs).T))
    spread = lesson.spread
    logs = [
        _log(left[:, i], free[:, i], max(LEAST_STEPS, LEAST_SHARE * float(spread[i])), pairs)
        if isinstance(target.field, Real | Angle)
        else LOGS[0]
        for i, target in enumerate(lesson.targets)
    ]
    noise = np.array(logs, dtype=np.int64)
    return noise if (noise > LOGS[0]).any() else SILENCE


def _left(
    spec: Spec, lesson: Lesson, functions: tuple[Function, ...], aside: Recorded
) -> tuple[Floats, NDArray[np.bool_]]:
    """What the median member leaves (n, targets), and where neither it nor the truth was stopped at an edge.

    What is driven is counted from where its driver really went: the driver has noise of its own.
    """
    regressor = published(lesson, functions, Trust.none(len(lesson.targets)))
    middle = regressor.changes(aside.inputs).middle
    landed = regressor.land(spec, aside.inputs, middle)
    for i, target in enumerate(lesson.targets):
        if target.gear is not None:
            moved = target.moved(aside.inputs, aside.results) + round_shift(middle[:, i], FINE_BITS)
            landed[:, i] = moved if isinstance(target.field, Angle) else np.clip(moved, *bounds(target.field))
    truth = aside.results[:, [target.column for target in lesson.targets]]
    left, free = np.empty(truth.shape), np.ones(truth.shape, dtype=np.bool_)
    for i, target in enumerate(lesson.targets):
        left[:, i] = difference(target, truth[:, i] - landed[:, i])
        if isinstance(target.field, Real):
            low, high = bounds(target.field)
            free[:, i] = (low < truth[:, i]) & (truth[:, i] < high) & (low < landed[:, i]) & (landed[:, i] < high)
    return left, free


def _log(left: Floats, free: NDArray[np.bool_], least: float, pairs: tuple[Lattice, ...]) -> int:
    """The logarithm of the noise that is `left` (n,) where it is `free` (n,); the least one when it is none."""
    if free.sum() < LEAST_ROWS:
        return LOGS[0]
    own = left[free] - left[free].mean()
    variance = float(np.square(own).mean())
    if math.sqrt(variance) <= least:
        return LOGS[0]
    normal = KURTOSIS[0] < float((own**4).mean()) / variance**2 < KURTOSIS[1]
    if not normal or any(_alike(left, free, each) for each in pairs):
        return LOGS[0]
    return min(LOGS[1], round((0.5 * math.log2(variance) + FINE_BITS) * (1 << LOG_BITS)))


def _alike(left: Floats, free: NDArray[np.bool_], pairs: Lattice) -> bool:
    """Whether what is `left` (n,) in rows depends on what is left in their partners, both in `pairs` (m, 2)."""
    one, other = pairs[free[pairs].all(axis=1)].T
    if len(one) < LEAST_ROWS // 4:
        return False
    mean = left[free].mean()
    shared = float(((left[one] - mean) * (left[other] - mean)).mean() / np.square(left[free] - mean).mean())
    return abs(shared) > ALIKE + 1.0 / math.sqrt(len(one))


def _following(spec: Spec, aside: Recorded) -> Lattice:
    """The pairs (m, 2) of rows of which the second begins where the first ended."""
    count = len(spec.state)
    follows = (aside.inputs[1:, :count] == aside.results[:-1, :count]).all(axis=1)
    first = np.flatnonzero(follows)
    return np.stack([first, first + 1], axis=1)


def _nearest(parts: Floats) -> Lattice:
    """The pairs (m, 2) of rows with their nearest one, by `parts` (n, parts): the nearest quarter of them."""
    spread = parts.std(axis=0)
    seen = parts[:, spread > 0] / spread[spread > 0]
    if not seen.shape[1]:
        return np.zeros((0, 2), dtype=np.int64)
    apart, near = (np.asarray(each) for each in KDTree(seen).query(seen, 2))
    other = np.where(near[:, 0] == np.arange(len(seen)), near[:, 1], near[:, 0])
    first = np.argsort(apart[:, 1], kind="stable")[: int(NEAREST * len(seen))]
    return np.stack([first, other[first]], axis=1)
