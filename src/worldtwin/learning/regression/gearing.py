"""Which numbers go where others take them: a position follows the speed that the step has led to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from worldtwin.exact import Key, round_shift
from worldtwin.learning.regression.fitting import (
    Lesson,
    Recorded,
    Trust,
    distances,
    exactly,
    polynomial,
    published,
    values_of,
)
from worldtwin.learning.regression.ridge import MARGIN, Floats, Gram, Part
from worldtwin.learning.regression.target import Target, changes
from worldtwin.simulation import FINE_BITS, RATIO_BITS, Changes, Gear, Regressor
from worldtwin.world import Angle, Real, Spec

ROWS: Final = 20_000
LEAST_ASIDE: Final = 20
TIGHT: Final = 0.25
"""The share of the error that a gear may leave."""
RIDGE: Final = 1e-6
SAME: Final = 1.0 + 2.0**-10
"""Steps that are finer by less are as fine."""


class _Candidate(Struct, frozen=True):
    """A gear for the target at `place`, and its squared error with it over that without it."""

    place: int
    gear: Gear
    left: float


def geared(spec: Spec, lesson: Lesson, aside: Recorded, key: Key) -> tuple[Lesson, dict[Part, Gram]]:
    """The lesson whose targets have those gears that the rows kept `aside` confirm, and its normal equations.

    1. What polynomials leave of two targets is compared (partial regression: Frisch and Waugh, 1933). Where that of one
       is a multiple of the other's, what they miss has one cause, and one of the two follows the other.
    2. The driver has the finer steps, as its rounding would be multiplied otherwise: no ratio is above 1.
    3. The driven one must be predicted better for it by 2 %. That tells which one drives: where a speed is stopped at
       its limit, only a position that follows it is right.

    What polynomials predict exactly needs no gear, and drives nothing.
    """
    equations = lesson.equations(key)
    if not lesson.targets or len(aside.inputs) < LEAST_ASIDE or not lesson.design.basis.features:
        return lesson, equations
    targets = list(lesson.targets)
    for candidate in sorted(_candidates(spec, lesson, equations, aside, key), key=lambda each: each.left):
        taken = [target.gear for target in targets if target.gear is not None]
        if not _chained(taken, candidate.gear):
            targets[candidate.place] = replace(targets[candidate.place], gear=candidate.gear)
    if tuple(targets) == lesson.targets:
        return lesson, equations
    found = Lesson.of(spec, tuple(targets), lesson.recorded, lesson.far)
    return found, found.equations(key)


def _candidates(
    spec: Spec, lesson: Lesson, equations: dict[Part, Gram], aside: Recorded, key: Key
) -> Iterator[_Candidate]:
    """The gears that rows to learn from suggest and rows kept `aside` confirm."""
    weights = equations["all"].at(0).solve(RIDGE)
    seen, judged = (_left(lesson, weights, rows) for rows in (lesson.recorded.thinned(ROWS, key), aside))
    inexact = np.sqrt(np.square(judged).mean(axis=0)) > exactly(lesson)
    alone = published(lesson, (polynomial(lesson, _undisturbed(equations)),), Trust.none(len(lesson.targets)))
    said = alone.changes(aside.inputs)
    without = _squared(spec, alone, aside, said)
    for place, other in itertools.permutations(np.flatnonzero(inexact).tolist(), 2):
        driven, driver = lesson.targets[place], lesson.targets[other]
        if not _possible(driven, driver):
            continue
        ratio = _ratio(seen[:, place], seen[:, other])
        missed = np.abs(judged[:, place] - ratio * judged[:, other]).sum() / np.abs(judged[:, place]).sum()
        gear = Gear(driven=driven.column, driver=driver.column, ratio=round(ratio * (1 << RATIO_BITS)))
        if abs(ratio) > SAME or missed > TIGHT or not gear.is_exact(driver.field):
            continue
        values = said.values.copy()
        values[:, place] -= gear.turned(round_shift(said.values[:, other], FINE_BITS), FINE_BITS)
        squared = _squared(spec, replace(alone, gears=(gear,)), aside, Changes(values))
        left = float(squared[place] / max(1.0, without[place]))
        if left < MARGIN:
            yield _Candidate(place=place, gear=gear, left=left)


def _squared(spec: Spec, regressor: Regressor, aside: Recorded, said: Changes) -> Floats:
    """The mean squared error (targets,) of what a regressor `said` of the rows kept `aside`, in lattice steps."""
    return np.square(distances(spec, regressor, aside, said).astype(np.float64)).mean(axis=0)


def _undisturbed(equations: dict[Part, Gram]) -> Floats:
    """The weights (1, terms, targets) that rows in which nothing was stopped or leapt give."""
    return list(equations.values())[-1].at(0).solve(RIDGE)[None]


def _possible(driven: Target, driver: Target) -> bool:
    """Whether both are numbers that a state keeps, and the driver's are no angles: these have no whole range."""
    kept = driven.base == driven.column and driver.base == driver.column
    return kept and isinstance(driven.field, Real | Angle) and isinstance(driver.field, Real)


def _chained(taken: list[Gear], gear: Gear) -> bool:
    """Whether a gear, beside those that are `taken`, would drive what drives or is driven."""
    driven, drivers = {each.driven for each in taken}, {each.driver for each in taken}
    return gear.driven in driven | drivers or gear.driver in driven


def _left(lesson: Lesson, weights: Floats, rows: Recorded) -> Floats:
    """What polynomials with `weights` (terms, targets) leave (n, targets) of some rows, in lattice steps."""
    return changes(lesson.targets, rows.inputs, rows.results) - values_of(lesson.design, rows.inputs) @ weights


def _ratio(driven: Floats, driver: Floats) -> float:
    """By which the `driver` (n,) is multiplied to come closest to `driven` (n,), in absolute distance.

    Leaps say little then: it is the median of all quotients, each weighed by its driver.
    """
    sizes = np.abs(driver)
    if not sizes.any():
        return 0.0
    moved = sizes > 0
    quotients, sizes = driven[moved] / driver[moved], sizes[moved]
    order = np.argsort(quotients)
    heaped = np.cumsum(sizes[order])
    return float(quotients[order][np.searchsorted(heaped, heaped[-1] / 2)])
