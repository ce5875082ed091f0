"""Hidden states that are the last few steps: as many of them as what follows tells apart.

A context tree: a node is a look with the steps that led to it, a child knows one step more. A node is divided where
what followed is told better by its children, which is a half as likely beforehand (maximising context tree weighting:
Willems, Shtarkov and Tjalkens 1995; Volf and Willems 1994). It needs far fewer steps than merging, and explains less.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from worldtwin.learning.memory.course import numbered, reaches
from worldtwin.learning.memory.machine import Machine, Sightings
from worldtwin.world import Lattice

Floats = NDArray[np.float64]


class _Level(NamedTuple):
    """At one depth: the node (n,) of each row, -1 where so many steps are not known; their number; which are kept."""

    nodes: Lattice
    size: int
    kept: NDArray[np.bool_]

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Which rows (n,) are in a node that is kept."""
        return (self.nodes >= 0) & np.append(self.kept, False)[self.nodes]


def remembered(seen: Sightings, chances: Floats, *, depth: int, prior: float, actions: int, results: int) -> Machine:
    """The machine whose states are at most `depth` of the steps before, as far as they tell what follows.

    What has not been seen in a state is as likely as `prior` occurrences of what is likely anyway: `chances` (n,) of
    the results in `seen`. With depth 0 there is a state for each look.
    """
    states = contexts(seen, chances, depth=depth, prior=prior)
    _, first = np.unique(states, return_index=True)
    edges, leads, counts = _edges(seen, states)
    return Machine(
        looks=seen.looks[first],
        edges=edges,
        leads=leads,
        counts=counts,
        began=np.zeros(len(first)),
        prior=prior,
        actions=actions,
        results=results,
    )


def contexts(seen: Sightings, chances: Floats, *, depth: int, prior: float) -> Lattice:
    """The number (n,) of what is remembered at each step of `seen`; it and what happens decide what is next."""
    levels = _levels(seen, depth)
    _keep(levels, seen, chances, prior)
    _close(levels)
    deepest, node = np.zeros(len(seen), dtype=np.int64), levels[0].nodes
    for at, level in enumerate(levels):
        inside = level.inside
        deepest, node = np.where(inside, at, deepest), np.where(inside, level.nodes, node)
    return numbered(np.stack([deepest, node], axis=1))


def _levels(seen: Sightings, depth: int) -> list[_Level]:
    """The nodes at each depth up to `depth`; those of the first are the looks."""
    steps = numbered(np.stack([seen.looks, seen.actions, seen.results], axis=1))
    nodes = numbered(seen.looks[:, None])
    levels = [_Level(nodes, int(nodes.max()) + 1, np.ones(int(nodes.max()) + 1, dtype=np.bool_))]
    for back in range(1, depth + 1):
        rows = reaches(seen.follows, back)
        deeper = np.full(len(seen), -1, dtype=np.int64)
        deeper[rows] = numbered(np.stack([nodes[rows], steps[rows - back]], axis=1))
        nodes, size = deeper, int(deeper.max(initial=-1)) + 1
        levels.append(_Level(nodes, size, np.zeros(size, dtype=np.bool_)))
    return levels


def _keep(levels: list[_Level], seen: Sightings, chances: Floats, prior: float) -> None:
    """Mark the nodes that are worth it: the children of those that are better divided."""
    every = [_told(level, level.nodes >= 0, seen, chances, prior) for level in levels]
    worth, divided = every[-1], list[NDArray[np.bool_]]()
    for above, below, own in zip(levels[-2::-1], levels[:0:-1], every[-2::-1], strict=True):
        apart = _told(above, (above.nodes >= 0) & (below.nodes < 0), seen, chances, prior)
        apart += np.bincount(_parents(above, below), weights=worth, minlength=above.size)
        divided.insert(0, apart > own)
        worth = math.log(0.5) + np.maximum(apart, own)
    for above, below, split in zip(levels, levels[1:], divided, strict=False):
        parents = _parents(above, below)
        below.kept[:] = above.kept[parents] & split[parents]


def _parents(above: _Level, below: _Level) -> Lattice:
    """The node of `above` that each node of `below` is a child of."""
    parents = np.zeros(below.size, dtype=np.int64)
    inside = below.nodes >= 0
    parents[below.nodes[inside]] = above.nodes[inside]
    return parents


def _told(level: _Level, rows: NDArray[np.bool_], seen: Sightings, chances: Floats, prior: float) -> Floats:
    """How well each node (nodes,) of a `level` tells the results at its `rows` (n,), as a logarithm.

    Dirichlet-multinomial for each action, with `prior` occurrences of what is likely anyway.
    """
    at = np.flatnonzero(rows)
    told = np.zeros(level.size)
    if not len(at):
        return told
    pairs = numbered(np.stack([level.nodes[at], seen.actions[at]], axis=1))
    _, first, times = np.unique(
        numbered(np.stack([pairs, seen.results[at]], axis=1)), return_index=True, return_counts=True
    )
    likely = prior * chances[at][first]
    told += np.bincount(level.nodes[at][first], weights=gammaln(times + likely) - gammaln(likely), minlength=level.size)
    _, first, times = np.unique(pairs, return_index=True, return_counts=True)
    whole = gammaln(prior) - gammaln(times + prior)
    return told + np.bincount(level.nodes[at][first], weights=whole, minlength=level.size)


def _close(levels: list[_Level]) -> None:
    """Keep what the step before has to know, so that each state and step lead to one state."""
    for depth in range(len(levels) - 1, 1, -1):
        level = levels[depth]
        rows = np.flatnonzero(level.inside)
        for below in levels[1:depth]:
            below.kept[below.nodes[rows - 1]] = True


def _edges(seen: Sightings, states: Lattice) -> tuple[Lattice, Lattice, Lattice]:
    """The different (state, action, result) (e, 3) in their order, where each leads (-1: not seen), and counts."""
    triples = np.stack([states, seen.actions, seen.results], axis=1)
    place = numbered(triples)
    _, first, counts = np.unique(place, return_index=True, return_counts=True)
    leads = np.full(len(first), -1, dtype=np.int64)
    before = np.flatnonzero(seen.follows) - 1
    leads[place[before]] = states[before + 1]
    return triples[first], leads, counts
