"""The exact arithmetic as JAX carries it, one piece at a time: what is checked when a backend starts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias, final

import jax
import numpy as np
from jax import Array
from numpy.typing import NDArray

from worldtwin.accelerate import chance, networks
from worldtwin.accelerate.forests import Wood
from worldtwin.accelerate.polynomials import Sums
from worldtwin.accelerate.seeing import parts_of, shifted
from worldtwin.accelerate.tables import Drawer, Finder
from worldtwin.exact import Basis, Feature, Layer, StackedLayer, Trees, Words
from worldtwin.exact.network import stack
from worldtwin.exact.rounding import rounding

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
        sums, ordered = Sums.of(basis.terms, weights.astype(np.float64))
        return np.asarray(_changes(basis.features, sums, ordered, halves, scales, tuple(inputs.T)))

    def outputs(self, layers: Sequence[Layer], inputs: Lattice) -> Lattice:
        """The outputs of a network."""
        return self.stacked(stack([layers]), inputs, np.zeros(len(inputs), dtype=np.int64))

    def stacked(self, layers: Sequence[StackedLayer], inputs: Lattice, network: Lattice) -> Lattice:
        """The outputs of each row's own network."""
        found = np.asarray(_outputs(networks.curves(layers), networks.carried_stack(layers), inputs[None]))
        return found[network, np.arange(len(inputs))]

    def sums(self, trees: Trees, parts: Lattice) -> Lattice:
        """The sums of trees."""
        wood, numbers = Wood.of(trees)
        return np.asarray(_sums(wood, numbers, parts.astype(np.float64)))

    def normal(self, words: Words, logs: Lattice) -> Lattice:
        """Normal noise."""
        return np.asarray(_normal(words, logs))

    def choose(self, words: Words, scores: Lattice) -> Lattice:
        """Choices by weights."""
        return np.asarray(_choose(words, scores.T))

    def found(self, keys: Lattice, rows: Lattice) -> Lattice:
        """The positions of rows."""
        finder, arrays = Finder.of(keys)
        return np.asarray(_found(finder, arrays, tuple(rows.T)))

    def edges(self, offsets: Lattice, counts: Lattice, rows: Lattice, words: Words) -> Lattice:
        """The edges that words draw."""
        drawer, arrays = Drawer.of(offsets, counts)
        return np.asarray(_edges(drawer, arrays, rows, words))


@partial(jax.jit, static_argnums=(0, 1))
def _changes(
    features: tuple[Feature, ...], sums: Sums, weights: Array, halves: Array, scales: Array, inputs: tuple[Array, ...]
) -> Array:
    return shifted(sums.evaluate(weights, parts_of(features, inputs)), halves, scales)


_words = jax.jit(chance.words, static_argnums=2)
_outputs = jax.jit(networks.evaluate, static_argnums=0)
_sums = jax.jit(Wood.evaluate, static_argnums=0)
_normal = jax.jit(chance.normal)
_choose = jax.jit(chance.choose)
_found = jax.jit(Finder.find, static_argnums=0)
_edges = jax.jit(Drawer.pick, static_argnums=0)
