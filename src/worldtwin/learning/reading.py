"""What there is to learn from: the usable rows of a store, or transitions at hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from worldtwin.errors import InvalidValue, TracesError
from worldtwin.exact import Key
from worldtwin.learning.holdout import chance
from worldtwin.simulation import BasisReport, Ensemble, MemoryReport, RegimeReport, Regressor, Report, Simulator
from worldtwin.traces import Traces
from worldtwin.world import Spec, Transitions

Sources: TypeAlias = Literal["auto", "recorded", "synthetic"]
Since: TypeAlias = int | str | datetime
"""An episode `41`, a step of it `"41:120"`, or a time `"2026-05-01 14:03"` (UTC, unless it says otherwise)."""

MOST_OLDER: Final = 200_000
"""So many rows that were counted before are read again, for predictors and errors."""


ANY_EPISODE: Final = 2**63 - 1


class Wanted(Struct, frozen=True, kw_only=True):
    """Which rows: of which sources, and from when on (None: all)."""

    sources: Sources = "auto"
    since: Since | None = None


class Sizes(NamedTuple):
    """How many transitions there are, how many of them are made up, and from how many episodes they are."""

    transitions: int
    synthetic: int
    episodes: int


class Record(Struct, frozen=True, kw_only=True, eq=False):
    """Usable `rows`, how many others were left out and why, and the version of the store they are from (or "").

    `fresh` (n,) marks the rows that a base has not counted; the others are then a sample of those that it has. None:
    all rows are here. `sizes` are those of all rows, also of the ones that are not here.

    `memory` is what is known already about hidden states in them; `learned` is the last episode that networks of a base
    may have learned from, -1 for none.
    """

    rows: Transitions
    excluded: Mapping[str, int]
    version: str
    sizes: Sizes
    basis: BasisReport
    fresh: NDArray[np.bool_] | None = None
    store: Traces | None = None
    memory: MemoryReport | None = None
    learned: int = -1

    def dated(self, regime: RegimeReport) -> RegimeReport:
        """`regime` with the time that the store knows for it."""
        if self.store is None or not regime.changed:
            return regime
        time = self.store.time_of(regime.episode, regime.step)
        if not time:
            return regime
        shown = f"{datetime.fromisoformat(time):%Y-%m-%d %H:%M}"
        text = regime.text.replace(" the data of ", f" ({shown} UTC) the data of ", 1)
        return replace(regime, time=time, text=text)


def record_of(spec: Spec, traces: Traces | Transitions, wanted: Wanted, base: Simulator | None, key: Key) -> Record:
    """The record in `traces` of what is `wanted`. Raises `TracesError` when there is none, or of another world.

    Of a store that `base` was fitted to, only what came after is read, and a sample of what came before.
    """
    if isinstance(traces, Transitions):
        return _whole(spec, traces, wanted, {}, None, "")
    grown = _grown(spec, traces, wanted, base, key)
    if grown is not None:
        return grown
    recorded = traces.transitions(spec)
    return _whole(spec, recorded.transitions, wanted, recorded.excluded, traces, recorded.version)


def learned_by(base: Simulator | None, traces: Traces | Transitions) -> int:
    """The last episode of a store that networks of `base` may have learned from.

    It is -1 for none, and for transitions at hand, which are always new: they would count twice otherwise.
    """
    regressors = [model for model in (base.predictors if base else ()) if isinstance(model, Regressor)]
    functions = [function for model in regressors for function in model.functions]
    if isinstance(traces, Transitions) or not any(isinstance(function, Ensemble) for function in functions):
        return -1
    report = base.report if base is not None else None
    try:
        return traces.last_episode("" if report is None else report.traces_version)
    except TracesError:  # it was fitted to another store, or to transitions: nobody knows which
        return ANY_EPISODE


def _whole(
    spec: Spec, rows: Transitions, wanted: Wanted, excluded: Mapping[str, int], store: Traces | None, version: str
) -> Record:
    _require_fit(spec, rows)
    read, moment = len(rows), _moment(wanted.since, store)
    kept = _kept(rows, wanted, moment)
    if not len(kept):
        raise TracesError(_nothing(spec, wanted, excluded, some=bool(read)))
    return Record(
        rows=kept,
        excluded=excluded,
        version=version,
        sizes=Sizes(len(kept), int(kept.synthetic.sum()), len(np.unique(kept.episodes))),
        basis=BasisReport(sources=wanted.sources, since=_named(moment), read=read),
        store=store,
    )


def _grown(spec: Spec, traces: Traces, wanted: Wanted, base: Simulator | None, key: Key) -> Record | None:
    """What is new since `base`, and a sample of what it counted; None when everything has to be read."""
    before = base.report if base is not None else None
    if before is None or not _can_grow(spec, traces, wanted, before):
        return None
    try:
        new = traces.transitions(spec, since=before.traces_version)
    except TracesError:  # synthetic data were replaced; if it is worse than that, whoever reads everything will say so
        return None
    older = _kept(traces.sample(before.traces_version, MOST_OLDER, chance(key), spec), wanted, None)
    fresh = _kept(new.transitions, wanted, None)
    rows = Transitions.join([older, fresh])
    if not len(rows):
        return None
    order = np.lexsort((rows.steps, rows.episodes))
    more = len(np.unique(fresh.episodes[fresh.episodes > traces.last_episode(before.traces_version)]))
    counts = {**before.excluded}
    for reason, count in new.excluded.items():
        counts[reason] = counts.get(reason, 0) + count
    return Record(
        rows=rows.select(order),
        excluded=counts,
        version=new.version,
        sizes=Sizes(
            before.transitions + len(fresh),
            before.synthetic + int(fresh.synthetic.sum()),
            before.episodes + more,
        ),
        basis=BasisReport(sources=wanted.sources, read=len(older) + len(new.transitions), sampled=len(older)),
        fresh=(np.arange(len(rows)) >= len(older))[order],
        store=traces,
    )


def _can_grow(spec: Spec, traces: Traces, wanted: Wanted, before: Report) -> bool:
    """Whether the tables of a simulator with the report `before` hold all that is `wanted` of its version of `traces`.

    Not in worlds with a history, whose states may reach over from older rows; and few rows are soon read again.
    """
    if not isinstance(before.basis, BasisReport) or spec.history or not before.traces_version:
        return False
    if before.basis.sources != wanted.sources or before.basis.since or wanted.since is not None:
        return False
    try:
        return traces.rows_of(before.traces_version) > MOST_OLDER
    except TracesError:  # it was fitted to another store
        return False


def _kept(rows: Transitions, wanted: Wanted, moment: tuple[int, int] | None) -> Transitions:
    if wanted.sources != "auto":
        rows = rows.select(rows.synthetic == (wanted.sources == "synthetic"))
    if moment is None:
        return rows
    episode, step = moment
    newer = (rows.episodes > episode) | ((rows.episodes == episode) & (rows.steps >= step))
    return rows.select(newer | rows.synthetic)


def _moment(since: Since | None, store: Traces | None) -> tuple[int, int] | None:
    """The first episode and step that are wanted."""
    if since is None or isinstance(since, int):
        return None if since is None else (since, 0)
    if isinstance(since, str):
        episode, _, step = since.partition(":")
        if episode.isdecimal() and (step.isdecimal() or not step):
            return int(episode), int(step or 0)
    if store is None:
        raise InvalidValue(f"`since` {since}: transitions have no times: give an episode, such as 41")
    return store.first_after(_time(since))


def _time(since: str | datetime) -> datetime:
    if isinstance(since, datetime):
        return since
    try:
        return datetime.fromisoformat(since)
    except ValueError:
        raise InvalidValue(
            f"`since` {since} is no episode and no time: write 41, 41:120 (a step of it) or 2026-05-01T14:03"
        ) from None


def _named(moment: tuple[int, int] | None) -> str:
    if moment is None:
        return ""
    return f"{moment[0]}:{moment[1]}" if moment[1] else f"{moment[0]}"


def _require_fit(spec: Spec, rows: Transitions) -> None:
    found = rows.states.shape[1], rows.actions.shape[1], rows.nexts.shape[1], rows.outputs.shape[1]
    wanted = len(spec.state), len(spec.action), len(spec.state), len(spec.outputs)
    if found != wanted:
        raise TracesError(
            f"the transitions are of another world than `{spec.name}`: they have {found} columns of states, actions, "
            f"next states and outputs instead of {wanted}"
        )
    _require_declared(spec, rows)
    back = (rows.episodes[1:] == rows.episodes[:-1]) & (rows.steps[1:] <= rows.steps[:-1])
    if back.any():
        row = int(np.argmax(back)) + 1
        raise TracesError(
            f"row {row} is step {rows.steps[row]} of episode {rows.episodes[row]}, after step {rows.steps[row - 1]}: "
            "give the steps of an episode in their order, each once"
        )
    begins = np.flatnonzero(np.diff(rows.episodes, prepend=rows.episodes[:1] - 1))
    names, first = np.unique(rows.episodes[begins], return_index=True)
    if len(names) < len(begins):
        row = int(np.delete(begins, first)[0])
        raise TracesError(
            f"row {row} goes on with episode {rows.episodes[row]} after rows of another: give the rows of an episode "
            "one after the other"
        )


def _require_declared(spec: Spec, rows: Transitions) -> None:
    """Refuse values that no field can have: a store never holds them. Raises `TracesError`."""
    parts = (("state", spec.state, rows.states), ("action", spec.action, rows.actions),
             ("next", spec.state, rows.nexts), ("outputs", spec.outputs, rows.outputs))  # fmt: skip
    for part, space, values in parts:
        wrong = (values < space.low) | (values > space.high)
        if wrong.any():
            row, column = (int(place[0]) for place in np.nonzero(wrong))
            raise TracesError(
                f"row {row}: {part}.{space.names[column]} is {values[row, column]} on its lattice, declared are "
                f"{space.low[column]} to {space.high[column]}"
            )


def _nothing(spec: Spec, wanted: Wanted, excluded: Mapping[str, int], *, some: bool) -> str:
    kind = "" if wanted.sources == "auto" else f"{wanted.sources} "
    when = "" if wanted.since is None else f" since {wanted.since}"
    marked = ", ".join(f"{count} {reason}" for reason, count in excluded.items() if count)
    why = f": all rows are marked ({marked})" if marked and not some else ""
    return f"no {kind}transitions of `{spec.name}` to learn from{when}{why}; record some runs or add synthetic data"
