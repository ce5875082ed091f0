"""What was seen, counted: recorded and synthetic rows apart."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from worldtwin.exact.table import grouped, tally
from worldtwin.simulation import Table, count, merge
from worldtwin.world import Lattice, Spec, Transitions

Pair: TypeAlias = tuple[Table | None, Table | None]
"""The observed and the synthetic table; None where there is nothing to count."""

NOTHING: Final[Pair] = (None, None)


def counts_everything(spec: Spec) -> bool:
    """Whether the world can be counted: all that the answer depends on is discrete."""
    return spec.action.discrete and (spec.stateless or spec.state.discrete)


def tables_of(spec: Spec, rows: Transitions) -> Pair:
    """The tables of `rows`."""
    if not counts_everything(spec):
        return None, None
    recorded, made_up = rows.select(~rows.synthetic), rows.select(rows.synthetic)
    return (count(spec, recorded) if len(recorded) else None, count(spec, made_up) if len(made_up) else None)


def merged(one: Pair, other: Pair) -> Pair:
    """The tables of all that both counted."""
    return _both(one[0], other[0]), _both(one[1], other[1])


def without(whole: Pair, part: Pair) -> Pair:
    """The tables of what `whole` counted and `part`, which it holds, did not."""
    return _less(whole[0], part[0]), _less(whole[1], part[1])


def edges_of(table: Table) -> Lattice:
    """Each edge as a row (E, inputs and targets): what was asked, and what followed."""
    return np.concatenate([np.repeat(table.keys, np.diff(table.offsets), axis=0), table.values], axis=1)


def _less(whole: Table | None, part: Table | None) -> Table | None:
    if whole is None or part is None:
        return whole
    columns = list(np.concatenate([edges_of(whole), edges_of(part)]).T)
    rows, counts = tally(columns, np.concatenate([whole.counts, -part.counts]))
    rows, counts = rows[counts > 0], counts[counts > 0]
    if not len(rows):
        return None
    wide = len(whole.inputs)
    left = grouped(list(rows[:, :wide].T), list(rows[:, wide:].T), counts)
    return Table(inputs=whole.inputs, targets=whole.targets, **left._asdict())


def _both(one: Table | None, other: Table | None) -> Table | None:
    if one is None or other is None:
        return other if one is None else one
    return merge(one, other)
