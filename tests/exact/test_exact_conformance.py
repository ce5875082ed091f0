"""Engines are checked before they are used: exact ones pass, others are refused by the case that they fail."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from worldtwin.errors import InexactBackend
from worldtwin.exact import Basis, Engines, Layer, NumpyEngines, require_conformance
from worldtwin.exact.network import INPUT_LIMIT
from worldtwin.exact.polynomial import rounding, terms_of

Lattice = NDArray[np.int64]
Words = NDArray[np.uint32]


class Altered:
    """NumPy's engines, for others to get something wrong in."""

    def __init__(self) -> None:
        self.right = NumpyEngines()

    def words(self, keys: Words, steps: Lattice, stream: int) -> Words:
        return self.right.words(keys, steps, stream)

    def changes(self, basis: Basis, weights: Lattice, shifts: Lattice, inputs: Lattice) -> Lattice:
        return self.right.changes(basis, weights, shifts, inputs)

    def outputs(self, layers: Sequence[Layer], inputs: Lattice) -> Lattice:
        return self.right.outputs(layers, inputs)

    def found(self, keys: Lattice, rows: Lattice) -> Lattice:
        return self.right.found(keys, rows)

    def edges(self, offsets: Lattice, counts: Lattice, rows: Lattice, words: Words) -> Lattice:
        return self.right.edges(offsets, counts, rows, words)


class Single(Altered):
    """Carries networks in float32."""

    def outputs(self, layers: Sequence[Layer], inputs: Lattice) -> Lattice:
        values = np.clip(inputs, -INPUT_LIMIT, INPUT_LIMIT).astype(np.float32)
        for layer in layers:
            sums = values @ layer.weights.astype(np.float32) + layer.bias.astype(np.float32)
            values = np.floor(sums * np.float32(2.0**-layer.shift) + np.float32(0.5))
            values = np.clip(values, 0, layer.clip) if layer.clip else values
        return values.astype(np.int64)


class SinglePolynomial(Altered):
    """Carries polynomials in float32."""

    def changes(self, basis: Basis, weights: Lattice, shifts: Lattice, inputs: Lattice) -> Lattice:
        sums = weights.astype(np.float32) @ terms_of(basis, inputs).astype(np.float32)
        halves, scales = rounding(shifts)
        return np.floor((sums + halves[:, None]) * scales[:, None]).astype(np.int64)


class Saturating(Altered):
    """Adds pairs of products in 32 bits, and stops at the end of them."""

    def outputs(self, layers: Sequence[Layer], inputs: Lattice) -> Lattice:
        values = np.clip(inputs, -INPUT_LIMIT, INPUT_LIMIT)
        for layer in layers:
            sums = np.clip(values @ layer.weights, -(1 << 31), (1 << 31) - 1) + layer.bias
            values = (sums + (1 << layer.shift >> 1)) >> layer.shift
            values = np.clip(values, 0, layer.clip) if layer.clip else values
        return values


class HalfToEven(Altered):
    """Rounds halves to even numbers."""

    def changes(self, basis: Basis, weights: Lattice, shifts: Lattice, inputs: Lattice) -> Lattice:
        _, scales = rounding(shifts)
        return np.rint((weights.astype(np.float64) @ terms_of(basis, inputs)) * scales[:, None]).astype(np.int64)


class WrongWords(Altered):
    """Has another idea of chance."""

    def words(self, keys: Words, steps: Lattice, stream: int) -> Words:
        return self.right.words(keys, steps, stream) ^ np.uint32(1)


class FirstEdge(Altered):
    """Draws the edge of 32-bit places."""

    def edges(self, offsets: Lattice, counts: Lattice, rows: Lattice, words: Words) -> Lattice:
        return self.right.edges(offsets, counts, rows, words & np.uint32(0xFFFF))


class Truncating(Altered):
    """Finds rows by the low 32 bits of their columns."""

    def found(self, keys: Lattice, rows: Lattice) -> Lattice:
        return self.right.found(keys, rows.astype(np.int32).astype(np.int64))


def test_numpy_is_exact() -> None:
    require_conformance(NumpyEngines())


@pytest.mark.parametrize(
    ("engines", "case"),
    [
        (Single(), "a network"),
        (Saturating(), "a network"),
        (SinglePolynomial(), "a polynomial"),
        (HalfToEven(), "a polynomial"),
        (WrongWords(), "threefry"),
        (FirstEdge(), "drawing an edge"),
        (Truncating(), "finding a row"),
    ],
)
def test_engines_that_are_not_exact_are_refused(engines: Engines, case: str) -> None:
    with pytest.raises(InexactBackend, match=f"not exact: {case}"):
        require_conformance(engines)
