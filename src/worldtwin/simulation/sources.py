"""The sources of a simulator, asked in order and just in time: observed, synthetic, predicted."""

from __future__ import annotations

from typing import Final, TypeAlias, final

import numpy as np
from msgspec import Struct

from worldtwin.exact import STREAM_MEMBER, STREAM_SUCCESSOR, Words, below, draw
from worldtwin.simulation.answers import Advance, Source
from worldtwin.simulation.models.classifier import Classifier
from worldtwin.simulation.models.regressor import Regressor
from worldtwin.simulation.models.table import Table
from worldtwin.simulation.words import EpisodeWords
from worldtwin.world import Lattice, Spec

Computed: TypeAlias = Regressor | Classifier
Model: TypeAlias = Table | Computed
Row: TypeAlias = tuple[int, ...]

STREAMS_APART: Final = 16
"""Each predictor that draws has a stream of its own, every sixteenth one."""


@final
class Sources:
    """The sources of one simulator in the order in which they are asked."""

    def __init__(
        self, spec: Spec, observed: Table | None, synthetic: Table | None, predictors: tuple[Model, ...]
    ) -> None:
        self._spec = spec
        pairs = ((observed, Source.OBSERVED), (synthetic, Source.SYNTHETIC))
        self.tables = [(table, source) for table, source in pairs if table is not None and len(table)]
        self.predictors = predictors if spec.unknown == "guess" and covers(spec, predictors) else ()

    def advance(
        self, states: Lattice, actions: Lattice, keys: Words, step: int | Lattice, members: Words | None = None
    ) -> Advance:
        """What follows `actions` (n, a) in `states` (n, width) at `step` of the episodes with `keys` (n, 2).

        `members` (n,) are the words that choose each episode's member, when they are known already. Predictors are
        asked only for the rows that no table answers.
        """
        batch = _Batch(self._spec, np.concatenate([states, actions], axis=1), keys, step)
        left = np.arange(len(states))
        for table, source in self.tables:
            if len(left):
                left = batch.tell(table, left, source)
        if len(left):
            batch.stay(left)
        asked = len(left) if self.predictors else 0
        if asked:
            batch.guess(self.predictors, left, draw(keys, 0, STREAM_MEMBER) if members is None else members)
        count = len(self._spec.inner)
        results = batch.results
        return Advance(next_fields=results[:, :count], outputs=results[:, count:], source=batch.source, asked=asked)

    def known_row(self, row: Row) -> Known | None:
        """The table row that answers for `row` (state row and action), None when no table does."""
        for table, source in self.tables:
            found = table.index.find_one(picked(table, row))
            if found >= 0:
                return Known(table, found, source)
        return None


class Known(Struct, frozen=True, eq=False):
    """A row of a table that answers."""

    table: Table
    row: int
    source: Source

    def drawn(self, words: EpisodeWords, step: int) -> int:
        """The edge at `step`; a row with one outcome draws nothing."""
        edges = self.table.edges
        edge = edges.only_one(self.row)
        return edge if edge >= 0 else edges.draw_one(self.row, words.at(step, STREAM_SUCCESSOR))

    def values(self, edge: int) -> Row:
        """The next fields and outputs of an edge."""
        return tuple(self.table.values[edge].tolist())


def covers(spec: Spec, predictors: tuple[Model, ...]) -> bool:
    """Whether `predictors` together predict all next fields and outputs; an empty table predicts nothing."""
    able = [model for model in predictors if not isinstance(model, Table) or len(model)]
    told = {target for model in able for target in model.targets}
    return len(told) == len(spec.inner) + len(spec.outputs)


def picked(table: Table, row: Row) -> Row:
    """The columns of `row` (state row and action) that `table` looks at."""
    return row if len(table.inputs) == len(row) else tuple(row[column] for column in table.inputs)


@final
class _Batch:
    """Rows that are being answered. Mutable: `results` (n, next fields and outputs) and `source` (n,) fill up."""

    def __init__(self, spec: Spec, inputs: Lattice, keys: Words, step: int | Lattice) -> None:
        self._spec, self._inputs, self._keys, self._step = spec, inputs, keys, step
        self.results = np.empty((len(inputs), len(spec.inner) + len(spec.outputs)), dtype=np.int64)
        self.source = np.zeros(len(inputs), dtype=np.int8)

    def tell(self, table: Table, left: Lattice, source: Source) -> Lattice:
        """Answer those of the rows `left` (m,) that `table` knows, and say which are left then."""
        found = table.lookup(self._columns(left, table.inputs))
        known = found >= 0
        if known.all():
            answered, rows, left = left, found, left[:0]
        else:
            answered, rows, left = left[known], found[known], left[~known]
        if len(answered) == len(self._inputs):
            self.results = table.values[self._drawn(table, rows, answered, STREAM_SUCCESSOR)]
            self.source[:] = source
        elif len(answered):
            self.results[answered] = table.values[self._drawn(table, rows, answered, STREAM_SUCCESSOR)]
            self.source[answered] = source
        return left

    def stay(self, left: Lattice) -> None:
        """Let the rows `left` (m,) be where they are: nothing is known of them yet."""
        count = len(self._spec.inner)
        self.results[left, :count] = self._inputs[left, :count]
        self.results[left, count:] = self._spec.outputs.low

    def guess(self, predictors: tuple[Model, ...], left: Lattice, members: Words) -> None:
        """Answer those of the rows `left` (m,) for which every predictor has something to say."""
        told = np.empty((len(left), self.results.shape[1]), dtype=np.int64)
        answered = np.ones(len(left), dtype=np.bool_)
        for number, model in enumerate(predictors, start=1):
            if not isinstance(model, Table):
                told[:, model.targets] = self._computed(model, left, members[left])
            else:
                rows = model.lookup(self._columns(left, model.inputs))
                answered &= rows >= 0
                edges = self._drawn(model, np.maximum(rows, 0), left, STREAM_SUCCESSOR + STREAMS_APART * number)
                told[:, model.targets] = model.values[edges]
        if answered.all():
            self.results[left] = told
        else:
            left = left[answered]
            self.results[left] = told[answered]
        self.source[left] = Source.PREDICTED

    def _columns(self, rows: Lattice, columns: tuple[int, ...]) -> Lattice:
        inputs = self._inputs if len(rows) == len(self._inputs) else self._inputs[rows]
        return inputs if len(columns) == inputs.shape[1] else inputs[:, columns]

    def _computed(self, model: Computed, rows: Lattice, members: Words) -> Lattice:
        everyone = len(rows) == len(self._inputs)
        inputs, keys = (self._inputs, self._keys) if everyone else (self._inputs[rows], self._keys[rows])
        step = self._step if everyone or isinstance(self._step, int) else self._step[rows]
        return model.answer(self._spec, inputs, below(members, model.members), keys, step)

    def _drawn(self, table: Table, table_rows: Lattice, rows: Lattice, stream: int) -> Lattice:
        """One edge for each of `table_rows` (m,), which answer the batch's `rows` (m,)."""
        edges = table.edges
        chosen = edges.first[table_rows]
        if edges.deterministic:
            return chosen
        many = np.flatnonzero(~edges.single[table_rows])
        if len(many):
            own = rows[many]
            at = self._step if isinstance(self._step, int) else self._step[own]
            chosen[many] = edges.draw(table_rows[many], draw(self._keys[own], at, stream))
        return chosen
