"""How far a way of learning is from episodes it did not see: those kept aside, or all in turn when there are few."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.learning.holdout import chance, runs
from worldtwin.learning.predicting import Way, predictors_of
from worldtwin.learning.sample import Sample
from worldtwin.learning.scoring import Drift, Floats, drift, misses, reachable
from worldtwin.learning.tables import tables_of
from worldtwin.simulation import Simulator
from worldtwin.world import Category, Set, Spec

FEW_EPISODES: Final = 20
FOLDS: Final = 5
MOST_TAUGHT: Final = 20_000
"""Rows that each fold's predictors learn from, so that judging all in turn costs about as much as learning once."""

MOST_JUDGED: Final = 4_000


class Held(Struct, frozen=True, kw_only=True, eq=False):
    """The `rows` (m,) that were judged one step ahead, how far off each was (m, columns), and how far runs drift.

    `folds` is the number of parts that were judged in turn; 1 when it was those kept aside.
    """

    rows: NDArray[np.int64]
    misses: Floats
    drift: Drift | None
    folds: int = 1


def held_out_errors(tested: Simulator, way: Way, sample: Sample, steps: int, key: Key) -> Held | None:
    """How far off `tested` is on the rows that tell, and after `steps` steps; None when none are.

    With fewer than 20 episodes one choice of those kept aside may be far too kind, so five parts of the episodes are
    judged in turn, each by what the others teach in the same `way`, if that is quick: whole episodes, or fifths of a
    single one.
    """
    if not sample.aside.any():
        return None
    folds = _folds(sample, key.child("folds")) if sample.whole and way.quick else []
    if not folds:
        rows = np.flatnonzero(sample.telling)
        return Held(
            rows=rows,
            misses=misses(tested, sample.rows.select(rows), sample.states[rows], key),
            drift=drift(tested, sample.rows, sample.telling, steps, key),
        )
    lengths = [reachable(runs(sample.rows, fold), steps, len(folds)) for fold in folds]
    length = min((length for length in lengths if length), default=0)
    held = [_judged(tested.spec, way, sample, fold, length, key.child("fold", i)) for i, fold in enumerate(folds)]
    drifts = [each.drift for each in held if each.drift is not None]
    return Held(
        rows=np.concatenate([each.rows for each in held]),
        misses=np.concatenate([each.misses for each in held]),
        drift=_pooled(tested.spec, drifts) if drifts else None,
        folds=len(folds),
    )


def _judged(spec: Spec, way: Way, sample: Sample, fold: NDArray[np.bool_], length: int, key: Key) -> Held:
    """How far off a simulator is on the rows in `fold` (n,) that learned from all others."""
    taught = sample.everything.at(~fold).thinned(MOST_TAUGHT, key.child("taught"))
    tables = tables_of(spec, sample.rows.select(~fold))
    predictors = predictors_of(spec, way, taught, key.child("predictors"))
    tested = Simulator(spec=spec, observed=tables[0], synthetic=tables[1], predictors=predictors)
    rows = np.flatnonzero(fold)
    rows = rows[:: max(1, -(-len(rows) // MOST_JUDGED))]
    return Held(
        rows=rows,
        misses=misses(tested, sample.rows.select(rows), sample.states[rows], key),
        drift=drift(tested, sample.rows, fold, length, key, share=FOLDS) if length else None,
    )


def _folds(sample: Sample, key: Key) -> list[NDArray[np.bool_]]:
    """The parts (n,) to judge in turn; none when there are many episodes."""
    measured = ~sample.rows.synthetic | sample.rows.synthetic.all()
    names = np.unique(sample.rows.episodes[measured])
    if len(names) >= FEW_EPISODES:
        return []
    if len(names) == 1:
        place = np.cumsum(measured) - 1
        return [measured & (place * FOLDS // int(measured.sum()) == part) for part in range(FOLDS)]
    dealt = np.array_split(chance(key).permutation(names), min(FOLDS, len(names)))
    return [measured & np.isin(sample.rows.episodes, part) for part in dealt]


def _pooled(spec: Spec, drifts: list[Drift]) -> Drift:
    """The errors of all: root mean squares of numbers, means of names."""
    errors = np.stack([each.errors for each in drifts])
    names = np.array([isinstance(field, Category | Set) for field in spec.state.fields])
    pooled = np.where(names, errors.mean(axis=0), np.sqrt(np.square(errors).mean(axis=0)))
    return Drift(steps=drifts[0].steps, errors=pooled)
