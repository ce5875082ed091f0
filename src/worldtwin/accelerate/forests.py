"""Sums of decision trees in JAX (the definition is `worldtwin.exact.forest`)."""

from __future__ import annotations

from typing import Final, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Trees

_TURNS: Final = 1 << 20
"""How many trees of how many rows are walked down at once, at most: memory does not grow with the forest."""

Arrays: TypeAlias = tuple[Array, ...]


class Wood(Struct, frozen=True):
    """The shape of trees: how many `sums` they make; ways are `depth` long."""

    sums: int
    depth: int

    @staticmethod
    def of(trees: Trees) -> tuple[Wood, tuple[NDArray[np.generic], ...]]:
        """The shape and the numbers of `trees`; the last ones say to which sum each tree belongs."""
        count = len(trees.offsets) - 1
        owner = np.repeat(np.arange(count), np.diff(trees.offsets))
        nodes = (trees.parts, trees.thresholds, trees.children, trees.values)
        return Wood(count, trees.depth), (*nodes, trees.roots, owner)

    def evaluate(self, arrays: Arrays, parts: Array) -> Array:
        """The sums (sums, n) for `parts` (parts, n)."""
        roots, owner = arrays[4:]
        size = min(len(roots), max(1, _TURNS // parts.shape[1]))
        nothing = jnp.zeros((self.sums, parts.shape[1]), dtype=jnp.int64)
        if not size:
            return nothing
        extra = -len(roots) % size
        starts = jnp.pad(roots, (0, extra)).reshape(-1, size)
        owners = jnp.pad(owner, (0, extra), constant_values=self.sums).reshape(-1, size)

        def added(total: Array, run: tuple[Array, Array]) -> tuple[Array, None]:
            leaves = self._leaves(arrays, run[0], parts)
            return total + jax.ops.segment_sum(leaves, run[1], num_segments=self.sums + 1)[: self.sums], None

        return lax.scan(added, nothing, (starts, owners))[0]

    def _leaves(self, arrays: Arrays, roots: Array, parts: Array) -> Array:
        """What the leaves (trees, n) are worth that `parts` (parts, n) lead to; extra trees belong to no sum."""
        row = jnp.arange(parts.shape[1])
        at = jnp.broadcast_to(roots[:, None], (len(roots), len(row)))
        return arrays[3][lax.fori_loop(0, self.depth, lambda _, now: _turned(arrays, parts, row, now), at)]


def _turned(arrays: Arrays, parts: Array, row: Array, at: Array) -> Array:
    """The nodes (trees, n) one turn below `at`."""
    part, thresholds, children = arrays[:3]
    above = parts[part[at], row] > thresholds[at]
    return jnp.where(above, children[at, 1], children[at, 0])
