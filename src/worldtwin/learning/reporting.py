"""What `fit` says about the simulator that it made."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.learning.calibration import mean_gap
from worldtwin.learning.guessing import modes
from worldtwin.learning.memory import memory_report, numbered
from worldtwin.learning.predictability import predictability
from worldtwin.learning.predicting import Trial, Way
from worldtwin.learning.reading import Record
from worldtwin.learning.regression.fitting import Recorded
from worldtwin.learning.scoring import Drift, drift, one_step_errors
from worldtwin.learning.tables import counts_everything
from worldtwin.learning.unseen import Unseen, blocks, coverage, unseen_mass
from worldtwin.simulation import FieldReport, MemoryReport, Report, Simulator
from worldtwin.world import Lattice, Spec, Transitions, is_discrete, size

MOST_ACTIONS: Final = 4096
STEPS: Final = 50
MOST_STEPS: Final = 1000
FEW_EPISODES: Final = 5


class Sample(Struct, frozen=True, kw_only=True, eq=False):
    """Recorded `rows`, their state rows (n, width), what goes in and comes out of each, and which are kept `aside`."""

    rows: Transitions
    states: Lattice
    everything: Recorded
    aside: NDArray[np.bool_]

    @staticmethod
    def of(spec: Spec, rows: Transitions, aside: NDArray[np.bool_]) -> Sample:
        """The sample of `rows`, of which the mask `aside` (n,) is for scoring only."""
        states = rows.full_states(spec)
        everything = Recorded(
            inputs=np.concatenate([states, rows.actions], axis=1),
            results=np.concatenate([rows.nexts, rows.outputs], axis=1),
        )
        return Sample(rows=rows, states=states, everything=everything, aside=aside)


def report_of(tested: Simulator, sample: Sample, trial: Trial, record: Record, *, key: Key) -> Report:
    """How good a simulator is that learned from `sample` without the rows kept aside."""
    spec, rows = tested.spec, sample.rows
    steps = spec.done.horizon_error.steps if spec.done.horizon_error else STEPS
    near = drift(tested, rows, sample.aside, steps, key)
    unseen = _unseen(spec, sample)
    ahead = _ahead(tested, sample, key)
    return Report(
        transitions=len(rows),
        synthetic=int(rows.synthetic.sum()),
        episodes=len(np.unique(rows.episodes)),
        held_out=int(sample.aside.sum()),
        excluded=dict(record.excluded),
        traces_version=record.version,
        fields=_fields(tested, trial.way, near, ahead),
        known=None if unseen is None else 1.0 - unseen.bound,
        known_estimate=None if unseen is None else 1.0 - unseen.estimate,
        coverage=_coverage(spec, sample),
        horizon_steps=None if near is None else near.steps,
        horizon_error=None if near is None else float(near.errors.max()),
        calibration=_calibration(tested, sample, trial),
        memory=_memory(spec, sample, ahead, key.child("memory")),
        notes=_notes(tested, sample, near, steps, key),
    )


def _notes(tested: Simulator, sample: Sample, near: Drift | None, steps: int, key: Key) -> tuple[str, ...]:
    """What the numbers do not say."""
    notes = ["errors are those of the simulator without the held-out rows; what is published learned from them too"]
    if not sample.aside.any():
        notes = ["too few rows to keep any aside: no error was measured"]
    episodes = len(np.unique(sample.rows.episodes[sample.aside]))
    if 0 < episodes < FEW_EPISODES:
        notes.append(
            f"measured on {episodes} episode{'s' if episodes > 1 else ''} only: another choice may differ much"
        )
    notes += [f"{name} cannot be predicted: nothing discrete to count by" for name in _unpredicted(tested)]
    if near is not None and near.steps < steps:
        notes.append(f"held-out runs are too short for {steps} steps: measured after {near.steps}")
    far = drift(tested, sample.rows, sample.aside, min(tested.spec.horizon, MOST_STEPS), key)
    if far is not None and near is not None and far.steps > near.steps:
        errors = zip(tested.spec.state.names, far.errors.tolist(), strict=True)
        notes.append(f"error after {far.steps} steps: {', '.join(f'{name} {error:.2g}' for name, error in errors)}")
    return tuple(notes)


def _ahead(tested: Simulator, sample: Sample, key: Key) -> NDArray[np.float64] | None:
    """The error of each next field and output one step ahead; None when no row was kept aside."""
    if not sample.aside.any():
        return None
    rows, states = sample.rows.select(sample.aside), sample.states[sample.aside]
    return one_step_errors(tested, rows, states, sample.rows, key)


def _memory(spec: Spec, sample: Sample, ahead: NDArray[np.float64] | None, key: Key) -> MemoryReport:
    """Whether the fields are all that matters: counted where states can be equal, else predicted."""
    if spec.state.discrete and spec.action.discrete:
        return memory_report(spec, sample.rows, sample.aside)
    return predictability(spec, sample.rows, ahead, key)


def _fields(
    tested: Simulator, way: Way, far: Drift | None, ahead: NDArray[np.float64] | None
) -> tuple[FieldReport, ...]:
    spec = tested.spec
    names = (*spec.state.names, *spec.outputs.names)
    return tuple(
        FieldReport(
            name=name,
            model=_model(tested, way, column),
            one_step_error=None if ahead is None else float(ahead[column]),
            open_loop_error=float(far.errors[column]) if far is not None and column < len(spec.state) else None,
        )
        for column, name in enumerate(names)
    )


def _model(tested: Simulator, way: Way, column: int) -> str:
    """What answers for one column, in words."""
    counted = "counts, else " if tested.observed is not None or tested.synthetic is not None else ""
    for target, choice in zip(way.targets, way.choices, strict=True):
        if target.column == column:
            return f"{counted}polynomial of degree {choice.degree}"
    guessed = any(column in model.targets for model in tested.predictors)
    return f"{counted}{'coarser counts' if guessed else 'nothing'}"


def _unpredicted(tested: Simulator) -> list[str]:
    """The next fields and outputs that only tables answer for."""
    covered = {target for model in tested.predictors for target in model.targets}
    names = (*tested.spec.state.names, *tested.spec.outputs.names)
    return [name for column, name in enumerate(names) if column not in covered]


def _unseen(spec: Spec, sample: Sample) -> Unseen | None:
    """How much of a new episode was never seen; None in worlds with real numbers."""
    if not counts_everything(spec):
        return None
    discrete = [column for column, field in enumerate((*spec.state.fields, *spec.outputs.fields)) if is_discrete(field)]
    first = spec.width if spec.stateless else 0
    events = np.concatenate([sample.everything.inputs[:, first:], sample.everything.results[:, discrete]], axis=1)
    measured = ~sample.rows.synthetic | sample.rows.synthetic.all()
    return unseen_mass(numbered(events[measured]), blocks(sample.rows.episodes[measured]))


def _coverage(spec: Spec, sample: Sample) -> float | None:
    """The share of visits to states whose possible actions were tried; None where they cannot be counted."""
    choices = math.prod(size(field) for field in spec.action.fields)
    if not counts_everything(spec) or choices > MOST_ACTIONS:
        return None
    actions = np.zeros(len(sample.rows), dtype=np.int64)
    for column, field in enumerate(spec.action.fields):
        actions = actions * size(field) + sample.rows.actions[:, column] - spec.action.low[column]
    possible = spec.possible_actions(sample.states)
    if possible is None:
        possible = np.broadcast_to(np.True_, (len(actions), choices))
    states = np.zeros(len(actions), dtype=np.int64) if spec.stateless else numbered(sample.states)
    return coverage(states, actions, possible, choices)


def _calibration(tested: Simulator, sample: Sample, trial: Trial) -> float | None:
    """How far confidence is from the truth on the rows kept aside; None where there are too few."""
    rows = sample.everything.at(sample.aside)
    if tested.observed is None:
        return trial.calibration
    row = tested.observed.lookup(rows.inputs[:, tested.observed.inputs])
    seen = row >= 0
    if not seen.any():
        return None
    edge = modes(tested.observed)[row[seen]]
    confidence = tested.observed.counts[edge] / (tested.observed.edges.totals[row[seen]] + 1)
    right = (tested.observed.values[edge] == rows.results[seen]).all(axis=1)
    return mean_gap(confidence, right)
