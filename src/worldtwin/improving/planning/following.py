"""What may follow pairs of state and action: all of a table's edges, or what a predictor says when no table knows."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.simulation import Simulator, Source, Table
from worldtwin.world import Lattice, Spec


class Edges(Struct, frozen=True, kw_only=True, eq=False):
    """n edges: the number of the pair that each leaves, the fields and outputs after it, and its probability."""

    pairs: NDArray[np.int64]
    fields: Lattice
    outputs: Lattice
    shares: NDArray[np.float64]


class Followed(Struct, frozen=True, kw_only=True, eq=False):
    """n edges, with the state rows (n, width) they lead to, what they pay, and whether the episode ends there."""

    pairs: NDArray[np.int64]
    nexts: Lattice
    shares: NDArray[np.float64]
    rewards: NDArray[np.float64]
    ended: NDArray[np.bool_]


def follow(simulator: Simulator, states: Lattice, actions: Lattice) -> Followed:
    """The edges out of the pairs of `states` (p, width) and `actions` (p, a), in the order of the pairs."""
    spec = simulator.spec
    open_pairs = np.arange(len(states))
    found: list[Edges] = []
    tables = [simulator.observed, simulator.synthetic, *_whole(simulator)]
    for table in tables:
        if table is not None and len(open_pairs):
            edges, open_pairs = _read(table, spec, states, actions, open_pairs)
            found.append(edges)
    if len(open_pairs):
        found.append(_predicted(simulator, states, actions, open_pairs))
    return _valued(simulator, states, actions, _in_order(found))


def _whole(simulator: Simulator) -> list[Table]:
    """The predictor that is a table of everything, as in worlds with hidden states."""
    predictors, spec = simulator.sources.predictors, simulator.spec
    everything = tuple(range(len(spec.inner) + len(spec.outputs)))
    return [model for model in predictors if spec.hidden and isinstance(model, Table) and model.targets == everything]


def _read(
    table: Table, spec: Spec, states: Lattice, actions: Lattice, pairs: NDArray[np.int64]
) -> tuple[Edges, NDArray[np.int64]]:
    """The table's edges out of `pairs`, and the pairs that it does not know."""
    found = table.lookup(np.concatenate([states[pairs], actions[pairs]], axis=1)[:, table.inputs])
    known = found >= 0
    rows = found[known]
    sizes = table.offsets[rows + 1] - table.offsets[rows]
    of_row = np.repeat(np.arange(len(rows)), sizes)
    edges = np.arange(len(of_row)) - (np.cumsum(sizes) - sizes)[of_row] + table.offsets[rows][of_row]
    width = len(spec.inner)
    read = Edges(
        pairs=pairs[known][of_row],
        fields=table.values[edges, :width],
        outputs=table.values[edges, width:],
        shares=table.counts[edges] / table.edges.totals[rows][of_row],
    )
    return read, pairs[~known]


def _predicted(simulator: Simulator, states: Lattice, actions: Lattice, pairs: NDArray[np.int64]) -> Edges:
    """What the predictors say about `pairs`: one drawn answer each, none where they have none either."""
    keys = Key.of(0).child("plan").episodes(pairs)
    told = simulator.advance(states[pairs], actions[pairs], keys, 0)
    known = told.source != Source.UNKNOWN
    return Edges(
        pairs=pairs[known],
        fields=told.next_fields[known],
        outputs=told.outputs[known],
        shares=np.ones(int(known.sum())),
    )


def _in_order(parts: list[Edges]) -> Edges:
    """All edges in the order of the pairs that they leave."""
    pairs = np.concatenate([part.pairs for part in parts])
    order = np.argsort(pairs, kind="stable")
    return Edges(
        pairs=pairs[order],
        fields=np.concatenate([part.fields for part in parts])[order],
        outputs=np.concatenate([part.outputs for part in parts])[order],
        shares=np.concatenate([part.shares for part in parts])[order],
    )


def _valued(simulator: Simulator, states: Lattice, actions: Lattice, edges: Edges) -> Followed:
    """The edges with what they pay. Where that cannot be computed, an episode ends with the worst."""
    spec = simulator.spec
    before, taken = states[edges.pairs], actions[edges.pairs]
    rewards, ended, trapped = simulator.pay.of_rows(before, taken, edges.fields, edges.outputs)
    return Followed(
        pairs=edges.pairs,
        nexts=spec.shift(before, taken, edges.fields),
        shares=edges.shares,
        rewards=np.where(trapped, spec.returns[0], rewards * spec.reward_unit),
        ended=ended | trapped,
    )
