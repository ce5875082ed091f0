"""What `fit` says about the simulator that it made."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from worldtwin.exact import Key, RowIndex
from worldtwin.exact.table import tally
from worldtwin.learning.calibration import mean_gap
from worldtwin.learning.contradicting import contradictions
from worldtwin.learning.explaining import Trusted, gap_reports, levels, region_report, trusted
from worldtwin.learning.folds import Held, held_out_errors
from worldtwin.learning.memory import memory_report, numbered
from worldtwin.learning.predictability import predictability
from worldtwin.learning.predicting import Trial, Way
from worldtwin.learning.reading import Record
from worldtwin.learning.regimes import regime_report
from worldtwin.learning.sample import Sample
from worldtwin.learning.scoring import drift, in_spreads, naive_misses
from worldtwin.learning.tables import Pair, counts_everything, edges_of
from worldtwin.learning.unseen import Unseen, blocks, coverage, unseen_mass
from worldtwin.simulation import FieldReport, MemoryReport, Report, Simulator, Table
from worldtwin.world import Lattice, Spec, is_discrete, size

MOST_ACTIONS: Final = 4096
STEPS: Final = 50
MOST_STEPS: Final = 1000


def report_of(tested: Simulator, sample: Sample, trial: Trial, record: Record, tables: Pair, *, key: Key) -> Report:
    """How good a simulator is that learned from `sample` without the rows kept aside; `tables` count all rows."""
    spec, rows = tested.spec, sample.rows
    steps = spec.done.horizon_error.steps if spec.done.horizon_error else STEPS
    held = held_out_errors(tested, trial.way, sample, steps, key)
    far = None if held is None else held.drift
    unseen = _unseen(spec, sample, None if record.fresh is None else tables)
    memory = record.memory or _memory(spec, sample, held, key.child("memory"))
    told = trusted(tested, sample.everything.at(sample.aside), rows.episodes[sample.aside])
    return Report(
        transitions=record.sizes.transitions,
        synthetic=record.sizes.synthetic,
        episodes=record.sizes.episodes,
        held_out=0 if held is None else len(held.rows),
        excluded=dict(record.excluded),
        traces_version=record.version,
        fields=_fields(tested, sample, trial.way, held),
        known=None if unseen is None else 1.0 - unseen.bound,
        known_estimate=None if unseen is None else 1.0 - unseen.estimate,
        coverage=_coverage(spec, tables),
        horizon_steps=None if far is None else far.steps,
        horizon_error=None if far is None else float(far.errors.max()),
        calibration=_calibration(tested, told, trial),
        memory=memory,
        regime=record.dated(regime_report(tested, rows, sample.states, memory, key.child("regimes"))),
        contradictions=contradictions(spec, record.rows),
        basis=record.basis,
        gaps=gap_reports(spec, rows, sample.states),
        levels=() if told is None else levels(told),
        folds=0 if held is None else held.folds,
        notes=(*_notes(tested, sample, held, steps, key), *_began(trial.way, record, sample)),
    )


def _notes(tested: Simulator, sample: Sample, held: Held | None, steps: int, key: Key) -> tuple[str, ...]:
    """What the numbers do not say."""
    notes = ["errors are those of the simulator without the held-out rows; what is published learned from them too"]
    if held is None:
        notes = ["too few rows to keep any aside: no error was measured"]
    elif held.folds > 1:
        notes.append(f"few episodes: {held.folds} parts of them were judged in turn, each by what the others teach")
    elif not sample.parted:
        notes.append("the held-out episodes chose the way of learning too: errors may be a little too small")
    notes += [f"{name} cannot be predicted: nothing discrete to count by" for name in _unpredicted(tested)]
    near = None if held is None else held.drift
    if near is not None and near.steps < steps:
        notes.append(f"held-out runs are too short for {steps} steps: measured after {near.steps}")
    if held is not None and near is not None and held.folds == 1:
        far = drift(tested, sample.rows, sample.telling, min(tested.spec.horizon, MOST_STEPS), key)
        if far is not None and far.steps > near.steps:
            errors = zip(tested.spec.state.names, far.errors.tolist(), strict=True)
            notes.append(f"error after {far.steps} steps: {', '.join(f'{name} {error:.2g}' for name, error in errors)}")
    return tuple(notes)


def _began(way: Way, record: Record, sample: Sample) -> tuple[str, ...]:
    """Where networks began, when a base was given, and whether it may have learned what is held out now."""
    training = way.training
    if training is None or not training.told:
        return ()
    if training.warm and (sample.rows.episodes[sample.aside] <= record.learned).any():
        return (f"{training.told}; `base` may have learned from held-out rows: errors may be too small",)
    return (training.told,)


def _memory(spec: Spec, sample: Sample, held: Held | None, key: Key) -> MemoryReport:
    """Whether the fields are all that matters: counted where states can be equal, else predicted."""
    if spec.state.discrete and spec.action.discrete:
        return memory_report(spec, sample.rows, sample.aside)
    ahead = None if held is None else in_spreads(spec, held.misses, sample.rows)
    return predictability(spec, sample.rows, ahead, key)


def _fields(tested: Simulator, sample: Sample, way: Way, held: Held | None) -> tuple[FieldReport, ...]:
    spec = tested.spec
    names = (*spec.state.names, *spec.outputs.names)
    if held is None:
        return tuple(FieldReport(name=name, model=_model(tested, way, i)) for i, name in enumerate(names))
    rows = sample.rows.select(held.rows)
    near = in_spreads(spec, held.misses, sample.rows)
    naive = in_spreads(spec, naive_misses(spec, rows, sample.rows), sample.rows)
    inputs, far = sample.everything.inputs[held.rows], held.drift
    return tuple(
        FieldReport(
            name=name,
            model=_model(tested, way, column),
            one_step_error=float(near[column]),
            open_loop_error=float(far.errors[column]) if far is not None and column < len(spec.state) else None,
            candidates=tried if len(tried := way.errors.get(column, {})) > 1 else UNSET,
            naive_error=float(naive[column]),
            region=region_report(spec, inputs, np.square(held.misses[:, column])),
        )
        for column, name in enumerate(names)
    )


def _model(tested: Simulator, way: Way, column: int) -> str:
    """What answers for one column, in words."""
    counted = "counts, else " if tested.observed is not None or tested.synthetic is not None else ""
    described = way.described(column)
    if described is not None:
        return f"{counted}{described}"
    guessed = any(column in model.targets for model in tested.predictors)
    return f"{counted}{'coarser counts' if guessed else 'nothing'}"


def _unpredicted(tested: Simulator) -> list[str]:
    """The next fields and outputs that only tables answer for."""
    covered = {target for model in tested.predictors for target in model.targets}
    names = (*tested.spec.state.names, *tested.spec.outputs.names)
    return [name for column, name in enumerate(names) if column not in covered]


def _unseen(spec: Spec, sample: Sample, tables: Pair | None) -> Unseen | None:
    """How much of a new episode was never seen; None in worlds with real numbers.

    `tables` count more than the rows of the sample, when there are more.
    """
    if not counts_everything(spec):
        return None
    results = [column for column, field in enumerate((*spec.inner.fields, *spec.outputs.fields)) if is_discrete(field)]
    first = spec.width if spec.stateless else 0
    events = np.concatenate([sample.everything.inputs[:, first:], sample.everything.results[:, results]], axis=1)
    measured = ~sample.rows.synthetic | sample.rows.synthetic.all()
    events, episodes = events[measured], blocks(sample.rows.episodes[measured])
    table = None if tables is None else tables[0] or tables[1]
    elsewhere = None if table is None else _elsewhere(events, table, [len(table.inputs) + each for each in results])
    return unseen_mass(numbered(events), episodes, elsewhere)


def _elsewhere(events: Lattice, table: Table, results: list[int]) -> NDArray[np.bool_]:
    """Which of the `events` (n, columns) a `table` counted more often than they are here."""
    counted = edges_of(table)[:, [*range(len(table.inputs)), *results]]
    every, times = tally(list(counted.T), table.counts)
    place = RowIndex(every).find(events)
    return times[place] > np.bincount(place, minlength=len(every))[place]


def _coverage(spec: Spec, tables: Pair) -> float | None:
    """The share of visits to states whose possible actions were tried; None where they cannot be counted."""
    choices = math.prod(size(field) for field in spec.action.fields)
    found = [table for table in tables if table is not None]
    if not counts_everything(spec) or choices > MOST_ACTIONS or not found:
        return None
    keys = np.concatenate([table.keys for table in found])
    times = np.concatenate([table.edges.totals for table in found])
    wide = keys.shape[1] - len(spec.action)
    actions = np.zeros(len(keys), dtype=np.int64)
    for column, field in enumerate(spec.action.fields):
        actions = actions * size(field) + keys[:, wide + column] - spec.action.low[column]
    possible = None if spec.stateless else spec.possible_actions(keys[:, :wide])
    if possible is None:
        possible = np.broadcast_to(np.True_, (len(actions), choices))
    states = np.zeros(len(actions), dtype=np.int64) if spec.stateless else numbered(keys[:, :wide])
    return coverage(states, actions, possible, times)


def _calibration(tested: Simulator, told: Trusted | None, trial: Trial) -> float | None:
    """How far confidence is from the truth on the rows kept aside; None where there are too few."""
    if tested.observed is None:
        return trial.calibration
    return None if told is None else mean_gap(told.confidence, told.right)
