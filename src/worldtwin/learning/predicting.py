"""What answers where nothing was seen, and which way of learning it held-out rows prefer."""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct

from worldtwin.exact import Key
from worldtwin.learning.calibration import calibration_error
from worldtwin.learning.guessing import discrete_columns, guesses, likeliest
from worldtwin.learning.regression.fitting import (
    MOST_ROWS,
    Lesson,
    Recorded,
    Trust,
    choices_of,
    distances,
    published,
    solved,
    trust_in,
)
from worldtwin.learning.regression.ridge import MARGIN, Choice, Floats
from worldtwin.learning.regression.target import Target, numeric_targets
from worldtwin.simulation import Regressor, Table
from worldtwin.world import Integer, Lattice, Spec


class Way(Struct, frozen=True, kw_only=True, eq=False):
    """How each column of [next fields | outputs] is predicted where nothing was seen.

    `targets` by a polynomial, each as its choice says, with as much `trust`; the columns `guessed` by coarser tables.
    """

    targets: tuple[Target, ...]
    choices: tuple[Choice, ...]
    trust: Trust
    guessed: tuple[int, ...]


class Trial(Struct, frozen=True, kw_only=True, eq=False):
    """The best way, what it gave on the rows to learn from, and how far its confidence is from the truth."""

    way: Way
    predictors: tuple[Regressor | Table, ...]
    calibration: float | None


def trial_of(spec: Spec, train: Recorded, aside: Recorded, episodes: Lattice, key: Key) -> Trial:
    """The way of learning from `train` that is closest to the rows kept `aside`, which are from `episodes` (n,)."""
    lesson = Lesson.of(spec, numeric_targets(spec), train.thinned(MOST_ROWS, key.child("train")))
    equations = lesson.equations(key.child("trial"))
    choices = choices_of(lesson, equations, aside)
    weights = solved(lesson, equations, choices)
    kept = _not_better_guessed(spec, lesson, weights, aside)
    lesson, weights = lesson.only(kept), weights[:, :, kept]
    trust, scores, right = trust_in(spec, lesson, weights, aside)
    columns = tuple(target.column for target in lesson.targets)
    way = Way(
        targets=lesson.targets,
        choices=tuple(choices[i] for i in kept),
        trust=trust,
        guessed=tuple(column for column in discrete_columns(spec) if column not in columns),
    )
    predictors = (*_polynomials(lesson, weights, trust), *_tables(spec, way, train))
    return Trial(way=way, predictors=predictors, calibration=calibration_error(scores, right, episodes))


def predictors_of(spec: Spec, way: Way, recorded: Recorded, key: Key) -> tuple[Regressor | Table, ...]:
    """The predictors that all `recorded` rows give in the way that a trial found."""
    lesson = Lesson.of(spec, way.targets, recorded.thinned(MOST_ROWS, key.child("all")))
    weights = solved(lesson, lesson.equations(key.child("final")), way.choices)
    return (*_polynomials(lesson, weights, way.trust), *_tables(spec, way, recorded))


def _polynomials(lesson: Lesson, weights: Floats, trust: Trust) -> tuple[Regressor, ...]:
    return (published(lesson, weights, trust),) if lesson.targets else ()


def _tables(spec: Spec, way: Way, recorded: Recorded) -> tuple[Table, ...]:
    tables = (guesses(spec, column, recorded) for column in way.guessed)
    return tuple(table for table in tables if table is not None)


def _not_better_guessed(spec: Spec, lesson: Lesson, weights: Floats, aside: Recorded) -> list[int]:
    """The positions of targets to leave to the polynomial: whole numbers only when it beats counting by 2 %.

    By the mean distance of the one most likely value on the rows kept `aside`; what no table knows is infinitely wrong.
    """
    whole = [i for i, target in enumerate(lesson.targets) if isinstance(target.field, Integer)]
    kept = [i for i in range(len(lesson.targets)) if i not in whole]
    if whole and len(aside.inputs):
        part = lesson.only(whole)
        regressor = published(part, weights[:, :, whole], Trust.none(len(whole)))
        missed = distances(spec, regressor, part, aside, regressor.changes(aside.inputs)).mean(axis=0)
        kept += [
            i
            for i, target, distance in zip(whole, part.targets, missed.tolist(), strict=True)
            if distance < MARGIN * _guessed_distance(spec, target.column, lesson.recorded, aside)
        ]
    return sorted(kept)


def _guessed_distance(spec: Spec, column: int, train: Recorded, aside: Recorded) -> float:
    """How far the most likely counted value of a whole number is from the truth on average."""
    table = guesses(spec, column, train)
    if table is None:
        return math.inf
    return float(np.abs(likeliest(table, aside.inputs) - aside.results[:, column]).mean())
