"""What `fit` says about the simulator that it made."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import UNSET

from worldtwin.exact import Key
from worldtwin.learning.calibration import mean_gap
from worldtwin.learning.contradicting import contradictions
from worldtwin.learning.counted import counted_of, coverage_of, plateau_of, unseen_of, width_of
from worldtwin.learning.explaining import Trusted, gap_reports, levels, region_report, trusted
from worldtwin.learning.folds import Held, held_out_errors
from worldtwin.learning.memory import memory_report
from worldtwin.learning.predictability import predictability
from worldtwin.learning.predicting import Trial, Way
from worldtwin.learning.reading import Record
from worldtwin.learning.regimes import regime_report
from worldtwin.learning.sample import Sample
from worldtwin.learning.scoring import drift, in_spreads, naive_misses
from worldtwin.learning.tables import Pair
from worldtwin.simulation import FieldReport, MemoryReport, Report, Simulator
from worldtwin.world import Spec

STEPS: Final = 50
MOST_STEPS: Final = 1000


def report_of(tested: Simulator, sample: Sample, trial: Trial, record: Record, tables: Pair, *, key: Key) -> Report:
    """How good a simulator is that learned from `sample` without the rows kept aside; `tables` count all rows."""
    spec, rows = tested.spec, sample.rows
    steps = spec.done.horizon_error.steps if spec.done.horizon_error else STEPS
    held = held_out_errors(tested, trial.way, sample, steps, key)
    far = None if held is None else held.drift
    counted = counted_of(spec, sample)
    unseen = None if counted is None else unseen_of(counted, None if record.fresh is None else tables)
    memory = record.memory or _memory(spec, sample, held, key.child("memory"))
    telling = sample.telling
    told = trusted(tested, sample.everything.at(telling), rows.episodes[telling], fresh=sample.parted)
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
        coverage=coverage_of(spec, tables),
        horizon_steps=None if far is None else far.steps,
        horizon_error=None if far is None else float(far.errors.max()),
        calibration=_calibration(tested, told, trial),
        width=width_of(spec, tables),
        plateau=plateau_of(counted, unseen, tables, key.child("plateau")),
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
        driver = way.driver(column)
        return f"{counted}{described}" + ("" if driver is None else f", driven by {tested.spec.state.names[driver]}")
    guessed = any(column in model.targets for model in tested.predictors)
    return f"{counted}{'coarser counts' if guessed else 'nothing'}"


def _unpredicted(tested: Simulator) -> list[str]:
    """The next fields and outputs that only tables answer for."""
    covered = {target for model in tested.predictors for target in model.targets}
    names = (*tested.spec.state.names, *tested.spec.outputs.names)
    return [name for column, name in enumerate(names) if column not in covered]


def _calibration(tested: Simulator, told: Trusted | None, trial: Trial) -> float | None:
    """How far confidence is from the truth on the rows that tell; None where there are too few."""
    if told is None:
        return trial.calibration if tested.observed is None else None
    return mean_gap(told.confidence, told.right)
