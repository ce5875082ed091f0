"""What the counts of a discrete world say: how much of it is known, and whether it was seen often enough."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from msgspec import UNSET, Struct, UnsetType
from numpy.typing import NDArray

from worldtwin.exact import Key, RowIndex
from worldtwin.exact.table import tally
from worldtwin.learning.enough import Steps, gain_of_doubling, half_width
from worldtwin.learning.memory import numbered
from worldtwin.learning.sample import Sample
from worldtwin.learning.tables import Pair, counts_everything, edges_of
from worldtwin.learning.unseen import Unseen, blocks, coverage, unseen_mass
from worldtwin.simulation import MOSTLY, Table
from worldtwin.world import Lattice, Spec, is_discrete, size

MOST_ACTIONS: Final = 4096


class Counted(Struct, frozen=True, kw_only=True, eq=False):
    """What can be counted in a sample: what was `asked` and the `answers` (n, columns), and their `episodes` (n,).

    `columns` are those of the answers among next fields and outputs: real numbers are not counted. One long stream is
    cut into blocks, which stand for episodes.
    """

    asked: Lattice
    answers: Lattice
    episodes: NDArray[np.int64]
    columns: list[int]

    @property
    def events(self) -> Lattice:
        """What was asked and what followed (n, columns)."""
        return np.concatenate([self.asked, self.answers], axis=1)


def counted_of(spec: Spec, sample: Sample) -> Counted | None:
    """What can be counted, of recorded rows where there are some; None in worlds that depend on real numbers."""
    if not counts_everything(spec):
        return None
    measured = ~sample.rows.synthetic | sample.rows.synthetic.all()
    columns = _countable(spec)
    return Counted(
        asked=sample.everything.inputs[measured, spec.width if spec.stateless else 0 :],
        answers=sample.everything.results[measured][:, columns],
        episodes=blocks(sample.rows.episodes[measured]),
        columns=columns,
    )


def _countable(spec: Spec) -> list[int]:
    """The columns of next fields and outputs that are no real numbers."""
    return [column for column, field in enumerate((*spec.inner.fields, *spec.outputs.fields)) if is_discrete(field)]


def unseen_of(counted: Counted, tables: Pair | None) -> Unseen | None:
    """How much of a new episode was never seen. `tables` count more than the sample's rows, when there are more."""
    events = counted.events
    table = None if tables is None else tables[0] or tables[1]
    elsewhere = None if table is None else _elsewhere(events, table, counted.columns)
    return unseen_mass(numbered(events), counted.episodes, elsewhere)


def width_of(spec: Spec, tables: Pair) -> float | UnsetType:
    """How wide the published probabilities are; not measured where nothing is counted."""
    table, columns = tables[0] or tables[1], _countable(spec)
    if table is None or not columns:
        return UNSET
    edges, counts = tally(list(_edges(table, columns).T), table.counts)
    return half_width(numbered(edges[:, : len(table.inputs)]), counts)


def plateau_of(counted: Counted | None, unseen: Unseen | None, tables: Pair, key: Key) -> float | UnsetType:
    """What the second half of the episodes gained.

    Not measured where nothing is counted, where most is unseen (what never comes again gains nothing), and where a base
    counted rows that are not here: what half of all would say is not known.
    """
    table = tables[0] or tables[1]
    if counted is None or not counted.columns or unseen is None or unseen.bound > 1 - MOSTLY:
        return UNSET
    if table is None or int(table.counts.sum()) != len(counted.asked):
        return UNSET
    answers = numbered(counted.answers)
    steps = Steps(
        asked=numbered(counted.asked),
        events=numbered(counted.events),
        episodes=counted.episodes,
        outcomes=int(answers.max()) + 1,
    )
    gain = gain_of_doubling(steps, key)
    return UNSET if gain is None else gain


def _elsewhere(events: Lattice, table: Table, columns: list[int]) -> NDArray[np.bool_]:
    """Which of the `events` (n, columns) a `table` counted more often than they are here."""
    every, times = tally(list(_edges(table, columns).T), table.counts)
    place = RowIndex(every).find(events)
    return times[place] > np.bincount(place, minlength=len(every))[place]


def _edges(table: Table, columns: list[int]) -> Lattice:
    """What was asked and the answers in some `columns`, for each edge of `table` (E, columns)."""
    return edges_of(table)[:, [*range(len(table.inputs)), *(len(table.inputs) + each for each in columns)]]


def coverage_of(spec: Spec, tables: Pair) -> float | None:
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
