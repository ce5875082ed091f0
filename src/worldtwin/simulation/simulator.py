"""`Simulator`: a world that was learned, as one immutable value."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from msgspec import UNSET, Struct, UnsetType, field, structs

from worldtwin.exact import Key, Words
from worldtwin.simulation.answers import Advance, Prediction
from worldtwin.simulation.models.checks import require, require_array, seal
from worldtwin.simulation.models.ensemble import MAX_WORK
from worldtwin.simulation.models.table import Table
from worldtwin.simulation.pay import Pay
from worldtwin.simulation.predicting import predicted
from worldtwin.simulation.report import Report
from worldtwin.simulation.sources import Model, Sources
from worldtwin.simulation.starts import drawn_starts, require_begins, with_hidden, with_sure_hidden
from worldtwin.world import Lattice, Spec, canonical, digest_of

MAX_RECORDED: Final = 4096


def _nothing() -> Lattice:
    return np.zeros((0, 0), dtype=np.int64)


class Simulator(Struct, frozen=True, eq=False, dict=True, forbid_unknown_fields=True):
    """A spec, what was learned of its world, and at most 4,096 recorded states and starts (k, width).

    `Simulator(spec)` knows nothing but its bounds. `observed` and `synthetic` count what was recorded and what was
    made up; the `predictors` share the next fields and outputs among them. The `report` of the fit is not part of the
    digest. Where there are hidden states, `begins` counts which ones episodes begin in, by the fields; elsewhere it is
    absent, also from the bytes. Raises `InvalidFile` when the parts do not fit each other.
    """

    spec: Spec
    observed: Table | None = None
    synthetic: Table | None = None
    predictors: tuple[Model, ...] = ()
    recorded: Lattice = field(default_factory=_nothing)
    starts: Lattice = field(default_factory=_nothing)
    report: Report | None = None
    begins: Table | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse what does not fit: a simulator may come from a stranger's file."""
        for name in ("recorded", "starts"):
            rows: Lattice = getattr(self, name)
            if not rows.size:
                structs.force_setattr(self, name, np.zeros((0, self.spec.width), dtype=np.int64))
            else:
                _require_states(name, rows, self.spec)
        for table in (self.observed, self.synthetic):
            if table is not None:
                _require_whole(table, self.spec)
        _require_predictors(self.predictors, self.spec)
        require_begins(self.spec, self._begins)
        seal(self)

    @cached_property
    def digest(self) -> str:
        """The simulator's identity: SHA-256 over everything but the report."""
        parts = {name: getattr(self, name) for name in self.__struct_fields__ if name != "report"}
        known = {name: part for name, part in parts.items() if part is not UNSET}
        return digest_of("Simulator", canonical(known))

    @property
    def work(self) -> int:
        """Multiply-adds, and comparisons, that its predictors take for one step at most: known before it runs."""
        return _work(self.predictors)

    @cached_property
    def sources(self) -> Sources:
        """Its sources, ready to be asked."""
        return Sources(self.spec, self.observed, self.synthetic, self.predictors)

    @cached_property
    def pay(self) -> Pay:
        """The spec's reward and ending, ready to be computed."""
        return Pay(self.spec)

    def predict(self, state: object, action: object) -> Prediction:
        """What follows `action` in `state`, physical values by field name, by itself.

        A world with a history, or with hidden states, starts over at `state`. Raises `UnknownTransition` when no source
        answers, `InvalidValue` when the state or the action is not possible.
        """
        return predicted(self.spec, self.sources, self.pay, state, action, self.with_sure_hidden)

    def advance(
        self, states: Lattice, actions: Lattice, keys: Words, step: int | Lattice, members: Words | None = None
    ) -> Advance:
        """What follows `actions` (n, a) in `states` (n, width) at `step` of the episodes with `keys` (n, 2).

        Predictors are asked only for rows that no table answers.
        """
        return self.sources.advance(states, actions, keys, step, members)

    def start_states(self, keys: Words | Key | int, n: int = 1) -> Lattice:
        """State rows (n, width) where episodes begin: those with the own `keys` (n, 2), or the first `n` of a key.

        Raises `InvalidValue` when nothing says where.
        """
        own = keys if isinstance(keys, np.ndarray) else Key.of(keys).episodes(np.arange(n))
        return self.with_hidden(drawn_starts(self.spec, self.starts, own), own)

    def with_hidden(self, rows: Lattice, keys: Words) -> Lattice:
        """State `rows` (n, width) where the episodes with the own `keys` (n, 2) begin, unknown hidden states drawn."""
        return rows if self._begins is None else with_hidden(self.spec, self._begins, rows, keys)

    def with_sure_hidden(self, rows: Lattice) -> Lattice:
        """State `rows` (n, width), their unknown hidden states filled in where episodes can begin in one only."""
        return rows if self._begins is None else with_sure_hidden(self.spec, self._begins, rows)

    @property
    def _begins(self) -> Table | None:
        return None if isinstance(self.begins, UnsetType) else self.begins


def _require_states(name: str, rows: Lattice, spec: Spec) -> None:
    require_array(name, rows, (-1, spec.width))
    require(len(rows) <= MAX_RECORDED, f"{name}: {len(rows)} states are more than {MAX_RECORDED}")
    low, high = spec.start_rows(spec.inner.low[None]), spec.start_rows(spec.inner.high[None])
    require((rows >= low).all(), f"{name}: a state is below its fields' ranges")
    if spec.history:
        block = np.concatenate([spec.state.high, spec.action.high])
        high = np.concatenate([spec.state.high, *[block] * spec.history])[None]
    require((rows <= high).all(), f"{name}: a state is above its fields' ranges")


def _require_whole(table: Table, spec: Spec) -> None:
    """Refuse a table that is not of this world, or leaves some next fields or outputs open."""
    table.require_fits(spec)
    count = len(spec.inner) + len(spec.outputs)
    require(len(table.targets) == count, f"table: {len(table.targets)} of {count} next fields and outputs are counted")


def _require_predictors(predictors: tuple[Model, ...], spec: Spec) -> None:
    """Refuse predictors that are not of this world or have a target in common."""
    seen: set[int] = set()
    for model in predictors:
        model.require_fits(spec)
        require(seen.isdisjoint(model.targets), f"predictors: a column of {model.targets} is predicted twice")
        seen.update(model.targets)
    work = _work(predictors)
    require(work <= MAX_WORK, f"predictors: {work:,} operations a step are more than {MAX_WORK:,}")


def _work(predictors: tuple[Model, ...]) -> int:
    return sum(model.work for model in predictors if not isinstance(model, Table))
