"""From recorded transitions to a simulator that says how good it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from worldtwin.errors import InvalidSpec
from worldtwin.exact import Key
from worldtwin.learning.holdout import chance
from worldtwin.learning.latent import Ground, ground_of, trial_beyond
from worldtwin.learning.predicting import Trial, Way, predictors_of, trial_of
from worldtwin.learning.reading import Record, Since, Sources, Wanted, learned_by, record_of
from worldtwin.learning.regression.fitting import Recorded
from worldtwin.learning.reporting import STEPS, report_of
from worldtwin.learning.sample import Sample
from worldtwin.learning.scoring import drift
from worldtwin.learning.seeing import sighted
from worldtwin.learning.tables import NOTHING, Pair, merged, tables_of, without
from worldtwin.simulation import ImageReport, Model, Report, Simulator
from worldtwin.traces import Traces
from worldtwin.world import Lattice, Spec, Transitions

MOST_STATES: Final = 4096
MOST_HELD_OUT: Final = 20_000

Listener: TypeAlias = Callable[[float, str], None]
"""Whoever wants to know which share of the work is done, and what comes next."""


def fit(
    spec: Spec,
    traces: Traces | Transitions,
    *,
    base: Simulator | None = None,
    sources: Sources = "auto",
    since: Since | None = None,
    progress: Listener | None = None,
    key: Key | int,
) -> Simulator:
    """The simulator of the world that `traces` were recorded in; its report says how far it is from held-out episodes.

    1. Where the spec has images, and neither it nor `base` says how to see them, that is learned first. Usable rows are
       read, all or those `since` an episode or a time; 15 % of the recorded episodes are kept aside, of those that
       networks of `base` did not learn from, where there are ten or more. With `latent: auto`, where a past step still
       matters, a machine with hidden states is learned; if it predicts better, they are a column of the rows from then
       on, and what is kept aside is the end of the record.
    2. What is discrete is counted, recorded and synthetic apart, on top of what `base` counted: fitting a, then b on
       top, counts as fitting both, byte for byte. Of transitions at hand, predictors and report are then of b alone. Of
       the store that `base` was fitted to, when that had more than 200,000 rows, only the rows that came after are read
       and counted; predictors and errors are of these and of 200,000 older ones.
    3. Each number is predicted by what the kept rows prefer: a polynomial, residual networks on top of it, or trees;
       each name by coarser counts, or trees. Half of the kept episodes choose when there are many. Networks go
       on from those of `base`, with a quarter of the steps, where these are of the same inputs and fit the new rows.
    4. The published integers are scored on the other half, one step ahead and on their own.
    5. All rows are learned from in the way that was found. The report stays that of step 4: it errs on the safe side.

    Raises `TracesError` when there is nothing to learn from, `InvalidSpec` when `base` is of another world, or cannot
    be added to.
    """
    tell, root = progress or _silent, Key.of(key)
    tell(0.0, "reading")
    spec, images = _seeing(spec, base, traces, root.child("images"))
    record = record_of(spec, traces, Wanted(sources=sources, since=since), _grows(spec, base), root.child("older"))
    record = replace(record, learned=learned_by(base, traces))
    ground = ground_of(spec, record, root.child("held out"))
    spec, sample, record = ground.spec, ground.sample, ground.record
    tell(0.2, "learning from most episodes")
    past = (base.observed, base.synthetic) if base is not None and _goes_on(record) else NOTHING
    train, tables = _counted(spec, sample, record, past)
    trial = _trial(spec, sample, train, () if base is None else base.predictors, root)
    tell(0.5, "scoring on the others")
    tested = Simulator(spec, *train, predictors=trial.predictors, begins=ground.begins)
    report = report_of(tested, sample, trial, record, tables, key=root.child("report"))
    report = replace(report, images=images) if images else report
    tell(0.8, "learning from all")
    simulator = _learned(ground, tables, trial.way, report, root)
    tell(1.0, "done")
    return simulator


def _seeing(
    spec: Spec, base: Simulator | None, traces: Traces | Transitions, key: Key
) -> tuple[Spec, tuple[ImageReport, ...]]:
    """The declared spec that knows how to see its images, and how well; only what can be added to `base`."""
    if base is None:
        return sighted(spec, base, traces, key)
    _require_same_world(spec.declared, base.spec.declared)
    seeing, images = sighted(spec, base, traces, key)
    _require_same_world(seeing, base.spec)
    _require_addable(seeing, base, traces)
    return seeing, images


def _learned(ground: Ground, tables: Pair, way: Way, report: Report, root: Key) -> Simulator:
    """The simulator of all rows in the way that was found."""
    sample = ground.sample
    return Simulator(
        spec=ground.spec,
        observed=tables[0],
        synthetic=tables[1],
        predictors=_predictors(ground.spec, way, sample, root),
        recorded=_some(sample.states[_measured(sample.rows)], root.child("recorded")),
        starts=_some(_starts(ground.rows, ground.states), root.child("starts")),
        report=report,
        begins=ground.begins,
    )


def _predictors(spec: Spec, way: Way, sample: Sample, root: Key) -> tuple[Model, ...]:
    if spec.hidden:
        return trial_beyond(spec, sample.everything).predictors
    return predictors_of(spec, way, sample.everything, root.child("predictors"))


def _require_same_world(spec: Spec, base: Spec) -> None:
    for name in ("state", "action", "outputs", "history", "stateless"):
        if getattr(base, name) != getattr(spec, name):
            raise InvalidSpec(f"`base` is a simulator of another world than `{spec.name}`: its {name} differs")


def _require_addable(spec: Spec, base: Simulator, traces: Traces | Transitions) -> None:
    """Refuse to add new transitions to a world whose hidden states each fit numbers anew. Raises `InvalidSpec`."""
    if isinstance(traces, Transitions) and (base.spec.hidden or spec.latent == "auto"):
        raise InvalidSpec(
            f"transitions cannot be added to `base` in `{spec.name}`: with `latent: auto` each fit numbers the hidden "
            "states anew; give all of the record, without `base`"
        )


def _grows(spec: Spec, base: Simulator | None) -> Simulator | None:
    """The base whose tables may go on; not one with hidden states, which each fit numbers anew."""
    return None if base is None or base.spec.hidden or spec.latent == "auto" else base


def _goes_on(record: Record) -> bool:
    """Whether a base counted what is not here: older transitions than those at hand, or all but the fresh rows."""
    return record.store is None or record.fresh is not None


def _counted(spec: Spec, sample: Sample, record: Record, past: Pair) -> tuple[Pair, Pair]:
    """The tables to judge by, without the rows kept aside; and those of all rows, on top of the `past`."""
    aside = tables_of(spec, sample.rows.select(sample.aside))
    if record.fresh is not None:
        tables = merged(past, tables_of(spec, sample.rows.select(record.fresh)))
        return without(tables, aside), tables
    train = tables_of(spec, sample.rows.select(~sample.aside))
    if spec.history:  # a past may reach over from rows kept aside, so parts do not add up
        return train, merged(past, tables_of(spec, sample.rows))
    return train, merged(past, merged(train, aside))


def _trial(spec: Spec, sample: Sample, tables: Pair, base: tuple[Model, ...], root: Key) -> Trial:
    """The best way of learning, given what the `tables` know of the rows kept aside, and the predictors of a `base`."""
    if spec.hidden:
        return trial_beyond(spec, sample.everything.at(~sample.aside))
    aside = np.flatnonzero(sample.choosing)
    if len(aside) > MOST_HELD_OUT:
        aside = np.sort(chance(root.child("aside")).choice(aside, size=MOST_HELD_OUT, replace=False))
    kept = sample.everything.at(aside)

    def drifts(predictors: tuple[Model, ...]) -> NDArray[np.float64] | None:
        found = drift(Simulator(spec, predictors=predictors), sample.rows, sample.choosing, STEPS, root.child("drifts"))
        return None if found is None else found.errors

    return trial_of(
        spec,
        sample.everything.at(~sample.aside),
        kept,
        asked=_asked(tables, kept),
        episodes=sample.rows.episodes[aside],
        drifts=drifts,
        base=base,
        key=root.child("predictors"),
    )


def _asked(tables: Pair, kept: Recorded) -> NDArray[np.bool_]:
    """The rows (n,) that no table answers, so that predictors are asked."""
    asked = np.ones(len(kept.inputs), dtype=np.bool_)
    for table in tables:
        if table is not None:
            asked &= table.lookup(kept.inputs[:, table.inputs]) < 0
    return asked


def _measured(rows: Transitions) -> NDArray[np.bool_]:
    """The rows (n,) that were not made up; all when all were."""
    return ~rows.synthetic if not rows.synthetic.all() else rows.synthetic


def _starts(rows: Transitions, states: Lattice) -> Lattice:
    """Those of the `states` (n, width) of `rows` where recorded episodes begin."""
    first = np.r_[True, rows.episodes[1:] != rows.episodes[:-1]]
    began = rows.steps == 0 if (rows.steps == 0).any() else first
    return states[began & _measured(rows)]


def _some(states: Lattice, key: Key) -> Lattice:
    """At most 4,096 of `states` (n, width), in their order."""
    if len(states) <= MOST_STATES:
        return states
    return states[np.sort(chance(key).choice(len(states), size=MOST_STATES, replace=False))]


def _silent(_done: float, _text: str) -> None:
    """Tell nobody."""
