"""How far beyond the record polynomials are believed: as much further as the inner half of the record predicts."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.learning.regression.fitting import Lesson, Recorded, values_of
from worldtwin.learning.regression.ridge import Choice, Floats, gram
from worldtwin.learning.regression.target import changes, limits
from worldtwin.simulation import input_fields
from worldtwin.world import Integer, Real, Spec

MOST_ROWS: Final = 20_000
PER_TERM: Final = 4
"""So many rows a term, at least, must be in the inner half."""
LEAST_OUTER: Final = 10
HOLDING: Final = 2.0**-7
"""No row of the outer half may be missed by more than this share of the spread of one step's change."""
ROUNDING: Final = 1.0


def far_columns(spec: Spec, lesson: Lesson, choices: tuple[Choice, ...], key: Key) -> tuple[int, ...]:
    """The input columns beyond whose recorded values the lesson's polynomials, learned as `choices` say, hold.

    1. Of each column that is a number, the rows in the middle half of its recorded range are learned from.
    2. Every other row, up to twice as far from the middle, must be predicted nearly exactly in every target.

    Then all rows, which reach to the ends of the range, may be believed to twice as far. A world that is noisy, or
    bends anywhere in its record, fails. Rows that were stopped at an edge of the declared range say nothing.
    """
    rows = lesson.recorded.thinned(MOST_ROWS, key)
    rows = rows.at(lesson.within("inside", rows))
    numbers = [i for i, field in enumerate(input_fields(spec)) if isinstance(field, Real | Integer)]
    seen = [f.column for f in lesson.design.basis.features if f.column in numbers]
    if not seen or not lesson.targets:
        return ()
    terms, truth = values_of(lesson.design, rows.inputs), changes(lesson.targets, rows.inputs, rows.results)
    enough = np.maximum(ROUNDING, HOLDING * lesson.spread)
    return tuple(
        column
        for column in seen
        if (_missed(lesson, choices, rows, terms, truth.astype(np.float64), column) <= enough).all()
    )


def _missed(
    lesson: Lesson, choices: tuple[Choice, ...], rows: Recorded, terms: Floats, truth: Floats, column: int
) -> Floats:
    """The largest error (targets,) in the outer half of a column by polynomials of its inner half; infinite if few."""
    inner = _inner(rows, column)
    if inner.sum() < PER_TERM * terms.shape[1] or (~inner).sum() < LEAST_OUTER:
        return np.full(len(choices), np.inf)
    low, high = limits(lesson.targets, rows.inputs[~inner], rows.results[~inner])
    missed, equations = np.empty(len(choices)), gram(terms[inner], truth[inner])
    for i, choice in enumerate(choices):
        count = lesson.design.counts[min(choice.degree, len(lesson.design.counts)) - 1]
        weights = equations.head(count).of(i).solution(choice)
        told = np.clip(terms[~inner, :count] @ weights, low[:, i], high[:, i])
        missed[i] = np.abs(told - truth[~inner, i]).max()
    return missed


def _inner(rows: Recorded, column: int) -> NDArray[np.bool_]:
    """Which rows (n,) are in the middle half of a column's recorded range."""
    values = rows.inputs[:, column].astype(np.float64)
    low, high = values.min(), values.max()
    return np.abs(values - (low + high) / 2) <= (high - low) / 4
