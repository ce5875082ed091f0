"""The exact arithmetic as JAX carries it, one piece at a time: what is checked when a backend starts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias, final

import jax
import numpy as np
from jax import Array
from numpy.typing import NDArray

from worldtwin.accelerate import networks, tables
from worldtwin.accelerate.polynomials import Sums, shifted
from worldtwin.accelerate.tables import Drawer, Finder
from worldtwin.exact import Basis, Layer, Words
from worldtwin.exact.polynomial import rounding

Lattice: TypeAlias = NDArray[np.int64]


@final
class JaxEngines:
    """The pieces that `JaxBackend` walks with, each compiled alone. They are exact where 64-bit numbers are enabled."""

    def words(self, keys: Words, steps: Lattice, stream: int) -> Words:
        """Uniform words."""
        return np.asarray(_words(keys, steps, stream))

    def changes(self, basis: Basis, weights: Lattice, shifts: Lattice, inputs: Lattice) -> Lattice:
        """Rounded sums of monomials."""
        halves, scales = (numbers[:, None] for numbers in rounding(shifts))
        sums, ordered = Sums.of(basis, weights.astype(np.float64))
        return np.asarray(_changes(sums, ordered, halves, scales, tuple(inputs.T)))

    def outputs(self, layers: Sequence[Layer], inputs: Lattice) -> Lattice:
        """The outputs of a network."""
        clips = tuple(layer.clip for layer in layers)
        return np.asarray(_outputs(clips, networks.carried(layers), inputs))

    def found(self, keys: Lattice, rows: Lattice) -> Lattice:
        """The positions of rows."""
        finder, arrays = Finder.of(keys)
        return np.asarray(_found(finder, arrays, tuple(rows.T)))

    def edges(self, offsets: Lattice, counts: Lattice, rows: Lattice, words: Words) -> Lattice:
        """The edges that words draw."""
        drawer, arrays = Drawer.of(offsets, counts)
        return np.asarray(_edges(drawer, arrays, rows, words))


@partial(jax.jit, static_argnums=0)
def _changes(sums: Sums, weights: Array, halves: Array, scales: Array, inputs: tuple[Array, ...]) -> Array:
    return shifted(sums.evaluate(weights, inputs), halves, scales)


_words = jax.jit(tables.words, static_argnums=2)
_outputs = jax.jit(networks.evaluate, static_argnums=0)
_found = jax.jit(Finder.find, static_argnums=0)
_edges = jax.jit(Drawer.pick, static_argnums=0)
