"""What was seen, counted: recorded and synthetic rows apart."""

from __future__ import annotations

from typing import TypeAlias

from worldtwin.simulation import Table, count, merge
from worldtwin.world import Spec, Transitions

Pair: TypeAlias = tuple[Table | None, Table | None]
"""The observed and the synthetic table; None where there is nothing to count."""


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


def _both(one: Table | None, other: Table | None) -> Table | None:
    if one is None or other is None:
        return other if one is None else one
    return merge(one, other)
