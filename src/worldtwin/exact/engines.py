"""`Engines`: the exact arithmetic behind one interface, whatever carries it, and its NumPy implementation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from worldtwin.exact import chance, forest, network, polynomial
from worldtwin.exact.features import features
from worldtwin.exact.forest import Trees
from worldtwin.exact.key import Words, draw
from worldtwin.exact.network import Carried, Layer, StackedLayer, evaluate_stacked
from worldtwin.exact.polynomial import Basis
from worldtwin.exact.rounding import rounding, shifted
from worldtwin.exact.table import Edges, RowIndex

Lattice: TypeAlias = NDArray[np.int64]


class Engines(Protocol):
    """What simulators and tasks are computed with. Every implementation gives the bits of `NumpyEngines`."""

    def words(self, keys: Words, steps: Lattice, stream: int) -> Words:
        """One uniform 32-bit word (n,) for each of the episode `keys` (n, 2) at its own one of `steps` (n,)."""
        ...

    def changes(self, basis: Basis, weights: Lattice, shifts: Lattice, inputs: Lattice) -> Lattice:
        """The sums (outputs, n) of monomials of `inputs` (n, columns) times `weights` (outputs, terms), rounded.

        `shifts` (outputs,) say how far.
        """
        ...

    def outputs(self, layers: Sequence[Layer], inputs: Lattice) -> Lattice:
        """The outputs (n, outputs) in 2^-12 of a network for `inputs` (n, inputs) in 2^-12."""
        ...

    def stacked(self, layers: Sequence[StackedLayer], inputs: Lattice, network: Lattice) -> Lattice:
        """The outputs (n, outputs) of network `network[i]` for row i of `inputs` (n, inputs) in 2^-12."""
        ...

    def sums(self, trees: Trees, parts: Lattice) -> Lattice:
        """The sums (sums, n) of trees for `parts` (parts, n)."""
        ...

    def normal(self, words: Words, logs: Lattice) -> Lattice:
        """Rounded normal noise (n,) with the standard deviations 2^(`logs` / 256), by uniform `words` (n,)."""
        ...

    def choose(self, words: Words, scores: Lattice) -> Lattice:
        """One choice (n,) for each row of `scores` (n, choices), logarithms in 2^-8, by uniform `words` (n,)."""
        ...

    def found(self, keys: Lattice, rows: Lattice) -> Lattice:
        """The positions (n,) of `rows` (n, k) among the sorted `keys` (R, k), -1 for those that are not there."""
        ...

    def edges(self, offsets: Lattice, counts: Lattice, rows: Lattice, words: Words) -> Lattice:
        """One edge (n,) of each of the table `rows` (n,), by uniform `words` (n,); see `table.Edges`."""
        ...


@final
class NumpyEngines:
    """The definition: the engines of this package."""

    def words(self, keys: Words, steps: Lattice, stream: int) -> Words:
        """`key.draw`."""
        return draw(keys, steps, stream)

    def changes(self, basis: Basis, weights: Lattice, shifts: Lattice, inputs: Lattice) -> Lattice:
        """`polynomial.evaluate` and `rounding.shifted`."""
        halves, scales = rounding(shifts)
        sums = polynomial.evaluate(basis.plan, weights.astype(np.float64), features(basis.features, inputs))
        return shifted(sums, halves[:, None], scales[:, None])

    def outputs(self, layers: Sequence[Layer], inputs: Lattice) -> Lattice:
        """`network.evaluate`."""
        return network.evaluate(layers, inputs)

    def stacked(self, layers: Sequence[StackedLayer], inputs: Lattice, network: Lattice) -> Lattice:
        """`network.evaluate_stacked`."""
        return evaluate_stacked([Carried.of(layer) for layer in layers], inputs, network)

    def sums(self, trees: Trees, parts: Lattice) -> Lattice:
        """`forest.evaluate`."""
        return forest.evaluate(trees, parts.astype(np.float64))

    def normal(self, words: Words, logs: Lattice) -> Lattice:
        """`chance.normal`."""
        return chance.normal(words, logs)

    def choose(self, words: Words, scores: Lattice) -> Lattice:
        """`chance.choose`."""
        return chance.choose(words, scores)

    def found(self, keys: Lattice, rows: Lattice) -> Lattice:
        """`table.RowIndex`."""
        return RowIndex(keys).find(rows)

    def edges(self, offsets: Lattice, counts: Lattice, rows: Lattice, words: Words) -> Lattice:
        """`table.Edges`."""
        return Edges(offsets, counts).draw(rows, words)
