"""Sums of decision trees in whole numbers: every machine takes the same turns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

MAX_DEPTH: Final = 64

_BLOCK: Final = 1 << 16
"""So many ways down at once stay in a cache."""

Lattice: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


class Trees(Struct, frozen=True, eq=False):
    """Trees in the order of the sums that they belong to.

    Node i goes on to `children[i, 1]` where part `parts[i]` is above `thresholds[i]`, else to `children[i, 0]`; a leaf
    goes on to itself and is worth `values[i]`. Tree t begins at node `roots[t]`; sum s is that of the trees from
    `offsets[s]` up to `offsets[s + 1]`. `parts`, `thresholds`, `values` (N,), `children` (N, 2), `roots` (T,),
    `offsets` (sums + 1,). No way down is longer than `depth`.
    """

    parts: Lattice
    thresholds: Lattice
    children: Lattice
    values: Lattice
    roots: Lattice
    offsets: Lattice
    depth: int


def depth_of(children: Lattice, roots: Lattice) -> int:
    """The longest way down from `roots` (T,); more than 64 when a way is longer, or leads round in a circle."""
    inner = (children != np.arange(len(children))[:, None]).any(axis=1)
    at, depth = roots, 0
    while depth <= MAX_DEPTH:
        here = np.zeros(len(children), dtype=np.bool_)
        here[at] = True
        above = np.flatnonzero(here & inner)
        if not len(above):
            return depth
        at, depth = children[above], depth + 1
    return depth


def evaluate(trees: Trees, parts: Floats) -> Lattice:
    """The sums (sums, n) for `parts` (parts, n), whole numbers."""
    n = parts.shape[1]
    sums = np.zeros((len(trees.offsets) - 1, n), dtype=np.int64)
    filled = np.flatnonzero(np.diff(trees.offsets))
    if len(filled):
        for rows in _blocks(n, max(1, _BLOCK // len(trees.roots))):
            sums[filled, rows] = np.add.reduceat(_leaves(trees, parts[:, rows]), trees.offsets[filled], axis=0)
    return sums


def _leaves(trees: Trees, parts: Floats) -> Lattice:
    """What the leaves (trees, n) are worth that `parts` (parts, n) lead to."""
    flat, ways, n = parts.reshape(-1), trees.children.reshape(-1), len(parts.T)
    row = np.arange(n)
    at = np.repeat(trees.roots, n).reshape(-1, n)
    for _ in range(trees.depth):
        above = flat.take(n * trees.parts.take(at) + row) > trees.thresholds.take(at)
        at = ways.take(2 * at + above)
    return trees.values.take(at)


def _blocks(n: int, block: int) -> Iterator[slice]:
    return (slice(start, min(start + block, n)) for start in range(0, n, block))
