"""Counting transitions into a table, and adding tables up.

Law: counting all of the data is merging the tables of its parts, byte for byte.
"""

from __future__ import annotations

import numpy as np

from worldtwin.errors import InvalidValue
from worldtwin.exact.table import Grouped, grouped
from worldtwin.simulation.models.table import Table
from worldtwin.world import Lattice, Spec, Transitions


def count(spec: Spec, transitions: Transitions) -> Table:
    """The table of `transitions`: state row and action (a stateless world: the action) to next fields and outputs."""
    inputs = list(transitions.actions.T)
    first = spec.width if spec.stateless else 0
    if not spec.stateless:
        inputs = [*transitions.full_states(spec).T, *inputs]
    results = [*transitions.nexts.T, *transitions.outputs.T]
    columns = tuple(range(first, first + len(inputs)))
    return _table(columns, tuple(range(len(results))), grouped(inputs, results))


def merge(a: Table, b: Table) -> Table:
    """The table of everything that `a` and `b` counted. Raises `InvalidValue` when they count different columns."""
    if (a.inputs, a.targets) != (b.inputs, b.targets):
        raise InvalidValue(f"tables of columns {a.inputs} → {a.targets} and {b.inputs} → {b.targets} cannot be merged")
    keys, values = _joined(_keys(a), _keys(b)), _joined(a.values, b.values)
    return _table(a.inputs, a.targets, grouped(keys, values, np.concatenate([a.counts, b.counts])))


def _keys(table: Table) -> Lattice:
    """The key (E, inputs) of each edge."""
    return np.repeat(table.keys, np.diff(table.offsets), axis=0)


def _joined(a: Lattice, b: Lattice) -> list[Lattice]:
    """The columns of the rows of both."""
    return list(np.concatenate([a, b]).T)


def _table(inputs: tuple[int, ...], targets: tuple[int, ...], groups: Grouped) -> Table:
    for array in (groups.keys, groups.offsets, groups.values, groups.counts):
        array.flags.writeable = False  # they are nobody else's, so the table need not copy them
    return Table(
        inputs=inputs,
        targets=targets,
        keys=groups.keys,
        offsets=groups.offsets,
        values=groups.values,
        counts=groups.counts,
    )
