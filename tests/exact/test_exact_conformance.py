"""Engines are checked before they are used: exact ones pass, others are refused by the case that they fail."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from worldtwin.errors import InexactBackend
from worldtwin.exact import Basis, Engines, Layer, NumpyEngines, StackedLayer, Trees, require_conformance
from worldtwin.exact.network import INPUT_LIMIT
from worldtwin.exact.polynomial import terms_of
from worldtwin.exact.rounding import rounding

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

    def stacked(self, layers: Sequence[StackedLayer], inputs: Lattice, network: Lattice) -> Lattice:
        return self.right.stacked(layers, inputs, network)

    def sums(self, trees: Trees, parts: Lattice) -> Lattice:
        return self.right.sums(trees, parts)

    def normal(self, words: Words, logs: Lattice) -> Lattice:
        return self.right.normal(words, logs)

    def choose(self, words: Words, scores: Lattice) -> Lattice:
        return self.right.choose(words, scores)

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


class SingleStack(Altered):
    """Carries stacked networks in float32."""

    def stacked(self, layers: Sequence[StackedLayer], inputs: Lattice, network: Lattice) -> Lattice:
        values = np.clip(inputs, -INPUT_LIMIT, INPUT_LIMIT).astype(np.float32)[:, None]
        for layer in layers:
            if layer.swish:
                return self.right.stacked(layers, inputs, network)
            weights, bias, shifts = (part[network] for part in (layer.weights, layer.bias, layer.shifts))
            sums = values @ weights.astype(np.float32) + bias[:, None].astype(np.float32)
            values = np.floor(sums * np.exp2(-shifts[:, None]).astype(np.float32) + np.float32(0.5))
            values = np.clip(values, 0, layer.clip) if layer.clip else values
        return values[:, 0].astype(np.int64)


class SmoothSwish(Altered):
    """Computes the swish instead of looking it up."""

    def stacked(self, layers: Sequence[StackedLayer], inputs: Lattice, network: Lattice) -> Lattice:
        values = np.clip(inputs, -INPUT_LIMIT, INPUT_LIMIT)[:, None]
        for layer in layers:
            if not layer.swish and layer is layers[0]:
                return self.right.stacked(layers, inputs, network)
            weights, bias, shifts = (part[network] for part in (layer.weights, layer.bias, layer.shifts))
            sums = values @ weights + bias[:, None]
            values = np.floor(np.ldexp(sums.astype(np.float64), -shifts[:, None]) + 0.5).astype(np.int64)
            x = np.clip(values / 4096, -8, 8)
            values = np.rint(x / (1 + np.exp(-x)) * 4096).astype(np.int64) if layer.swish else values
        return values[:, 0]


class NarrowSums(Altered):
    """Adds leaves in 32 bits."""

    def sums(self, trees: Trees, parts: Lattice) -> Lattice:
        return self.right.sums(trees, parts).astype(np.int32).astype(np.int64)


class FloatNoise(Altered):
    """Takes powers of two as the library gives them."""

    def normal(self, words: Words, logs: Lattice) -> Lattice:
        ones = self.right.normal(words, np.full_like(logs, 16 << 8)) / (1 << 16)
        return np.rint(ones * np.exp2(logs / 256)).astype(np.int64)


class SumsToOne(Altered):
    """Chooses by shares in floating point."""

    def choose(self, words: Words, scores: Lattice) -> Lattice:
        weights = np.exp2((scores - scores.max(axis=1, keepdims=True)) / 128)
        sums = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
        return (sums <= (words / 2**32)[:, None]).sum(axis=1)


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
        (SingleStack(), "stacked networks with clipped ReLU"),
        (SmoothSwish(), "stacked networks with swish"),
        (NarrowSums(), "a sum of trees"),
        (FloatNoise(), "normal noise"),
        (SumsToOne(), "choosing by weights"),
        (WrongWords(), "threefry"),
        (FirstEdge(), "drawing an edge"),
        (Truncating(), "finding a row"),
    ],
)
def test_engines_that_are_not_exact_are_refused(engines: Engines, case: str) -> None:
    with pytest.raises(InexactBackend, match=f"not exact: {case}"):
        require_conformance(engines)
