"""What people are told when a world seems to have changed while it was recorded."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.learning.holdout import chance
from worldtwin.learning.memory import Course, numbered
from worldtwin.learning.regimes.counted import Counted, counted_change
from worldtwin.learning.regimes.measured import changed_shares, measured_change
from worldtwin.learning.regimes.order import Order, order_of
from worldtwin.learning.scoring import differences, spreads
from worldtwin.learning.wording import values_in
from worldtwin.simulation import MemoryReport, RegimeReport, Regressor, Simulator
from worldtwin.world import Category, Lattice, Set, Spec, Transitions, is_discrete

MOST_COUNTED: Final = 200_000
MOST_MEASURED: Final = 40_000
MOST_VALUES: Final = 8

Floats = NDArray[np.float64]


class _Change(NamedTuple):
    """The part that newer data begin with, the field that differs most (or none in particular), and what shows it."""

    part: int
    field: str
    example: str


def regime_report(
    tested: Simulator, rows: Transitions, states: Lattice, memory: MemoryReport, key: Key
) -> RegimeReport:
    """Whether the newer of the measured `rows` contradict the older ones; `states` (n, width) are their state rows.

    Discrete worlds are compared count by count, others by what the predictors of `tested` leave unexplained. What the
    fields do not say, by `memory`, stays the same for a while: then only whole episodes can be compared.
    """
    if tested.spec.hidden:
        return RegimeReport(text="not tested for a change over time: the hidden states were learned from all of it")
    counted = Course.fits(tested.spec)
    measured = np.flatnonzero(~rows.synthetic | rows.synthetic.all())
    kept = _some(measured, MOST_COUNTED if counted else MOST_MEASURED, key.child("rows"))
    rows, states = rows.select(kept), states[kept]
    order = order_of(rows.episodes)
    if order is None or not (counted or tested.predictors):
        return RegimeReport(text="not tested for a change over time: too few rows")
    if memory.rejected and not (order.apart and _begin_anew(rows)):
        return RegimeReport(text="not tested for a change over time: hidden state would look like one")
    found = _counted(tested.spec, rows, order, memory, key) if counted else _measured(tested, rows, states, order, key)
    times = len(order) - 1
    if found is None:
        return RegimeReport(tested=times, text="newer data agree with older ones")
    return _told(tested.spec, rows, int(order.begins[found.part]), times, found)


def _begin_anew(rows: Transitions) -> bool:
    """Whether most episodes begin elsewhere than where the one before ended: they are no stream that was cut."""
    first = np.flatnonzero(rows.episodes[1:] != rows.episodes[:-1]) + 1
    return bool((rows.states[first] == rows.nexts[first - 1]).all(axis=1).mean() < 0.5)


def _told(spec: Spec, rows: Transitions, first: int, times: int, found: _Change) -> RegimeReport:
    episode, step = int(rows.episodes[first]), int(rows.steps[first])
    began = step == int(rows.steps[rows.episodes == episode].min())
    since = f"{episode}" if began else f"{episode}:{step}"
    place = f"episode {episode}" if began else f"step {step:,} of episode {episode}"
    return RegimeReport(
        tested=times,
        changed=True,
        episode=episode,
        step=0 if began else step,
        field=found.field,
        text=f"since {place} the data of {spec.name} contradict the older ones",
        example=found.example,
        advice=f"learn from the newer ones only: `fit --since {since}`",
    )


def _counted(spec: Spec, rows: Transitions, order: Order, memory: MemoryReport, key: Key) -> _Change | None:
    course = Course.of(spec, rows)
    pairs = numbered(np.stack([course.states, course.actions], axis=1))
    found = None if memory.rejected else counted_change(pairs, course.results, order)
    if found is not None:
        row = int(np.argmax((pairs == found.pair) & (course.results == found.result)))
        return _Change(part=found.part, field="", example=_contrast(spec, rows, row, found))
    columns, fields = _indicators(spec, rows)
    change = changed_shares(columns, pairs, order, key.child("order"))
    if change is None:
        return None
    name = (*spec.state.names, *spec.outputs.names)[fields[change.target]]
    example = f"after equal states and actions, the shares of the values of `{name}` differ by {change.effect:.2g}"
    return _Change(part=change.part, field=name, example=example)


def _contrast(spec: Spec, rows: Transitions, row: int, found: Counted) -> str:
    """`after (idle, start), 3 followed in 10 of 200 rows before, in 90 of 210 since (e-value 2^41)`."""
    before = values_in(spec.state, rows.states[row]) + values_in(spec.action, rows.actions[row])
    after = values_in(spec.state, rows.nexts[row])
    if len(spec.outputs):
        after += values_in(spec.outputs, rows.outputs[row])
    (old, new), (most, least) = found.followed, found.seen
    return (
        f"after ({', '.join(before)}), ({', '.join(after)}) followed in {old:,} of {most:,} rows before, "
        f"in {new:,} of {least:,} since (e-value 2^{found.bits:.0f})"
    )


def _indicators(spec: Spec, rows: Transitions) -> tuple[Floats, list[int]]:
    """Which of the first values each next field and discrete output has (n, values), and the field of each column."""
    results = np.concatenate([rows.nexts, rows.outputs], axis=1)
    columns, fields = list[NDArray[np.bool_]](), list[int]()
    for column, field in enumerate((*spec.state.fields, *spec.outputs.fields)):
        if is_discrete(field):
            values, counts = np.unique(results[:, column], return_counts=True)
            frequent = values[np.argsort(-counts, kind="stable")[:MOST_VALUES]]
            columns += [results[:, column] == value for value in frequent]
            fields += [column] * len(frequent)
    return np.stack(columns, axis=1).astype(np.float64), fields


def _measured(tested: Simulator, rows: Transitions, states: Lattice, order: Order, key: Key) -> _Change | None:
    residuals = _residuals(tested, rows, states, key.child("ahead"))
    inputs = np.concatenate([states, rows.actions], axis=1).astype(np.float64)
    found = measured_change(inputs, residuals, order, key.child("order"))
    if found is None:
        return None
    spec = tested.spec
    name = (*spec.state.names, *spec.outputs.names)[found.target]
    usual = "a usual step" if found.target < len(spec.state) else "its usual spread"
    example = f"from equal states and actions, `{name}` now lands {found.effect:.2g} of {usual} away from before"
    return _Change(part=found.part, field=name, example=example)


def _residuals(tested: Simulator, rows: Transitions, states: Lattice, key: Key) -> Floats:
    """How far (n, next fields and outputs) the rows are from what is predicted, in spreads of one step; names 0 or 1.

    Of numbers it is the median member's answer, without noise.
    """
    spec = tested.spec
    keys = key.episodes(np.arange(len(rows)))
    ahead = Simulator(spec=spec, predictors=tested.predictors).advance(states, rows.actions, keys, 0)
    told = np.concatenate([ahead.next_fields, ahead.outputs], axis=1)
    inputs = np.concatenate([states, rows.actions], axis=1)
    for model in tested.predictors:
        if isinstance(model, Regressor):
            told[:, model.targets] = model.land(spec, inputs, model.changes(inputs).middle)
    missed = differences(spec, told, np.concatenate([rows.nexts, rows.outputs], axis=1))
    names = [isinstance(field, Category | Set) for field in spec.state.fields + spec.outputs.fields]
    return missed / np.where(names, 1.0, spreads(spec, rows))


def _some(rows: NDArray[np.int64], most: int, key: Key) -> NDArray[np.int64]:
    return rows if len(rows) <= most else np.sort(chance(key).choice(rows, size=most, replace=False))
