"""Sums of decision trees in JAX (the definition is `worldtwin.exact.forest`)."""

from __future__ import annotations

from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Trees

Arrays: TypeAlias = tuple[Array, ...]


class Wood(Struct, frozen=True):
    """The shape of trees: sum s is that of trees `offsets[s]` up to `offsets[s + 1]`; ways are `depth` long."""

    offsets: tuple[int, ...]
    depth: int

    @staticmethod
    def of(trees: Trees) -> tuple[Wood, tuple[NDArray[np.generic], ...]]:
        """The shape and the numbers of `trees`."""
        numbers = (trees.parts, trees.thresholds, trees.children, trees.values, trees.roots)
        return Wood(tuple(trees.offsets.tolist()), trees.depth), numbers

    def evaluate(self, arrays: Arrays, parts: Array) -> Array:
        """The sums (sums, n) for `parts` (parts, n)."""
        values, roots = arrays[3], arrays[4]
        row = jnp.arange(parts.shape[1])
        sums: list[Array] = []
        for first, last in zip(self.offsets[:-1], self.offsets[1:], strict=True):
            at = jnp.broadcast_to(roots[first:last, None], (last - first, parts.shape[1]))
            at = lax.fori_loop(0, self.depth, lambda _, now: _turned(arrays, parts, row, now), at)
            sums.append(values[at].sum(axis=0))
        return jnp.stack(sums)


def _turned(arrays: Arrays, parts: Array, row: Array, at: Array) -> Array:
    """The nodes (trees, n) one turn below `at`."""
    part, thresholds, children = arrays[:3]
    above = parts[part[at], row] > thresholds[at]
    return jnp.where(above, children[at, 1], children[at, 0])
