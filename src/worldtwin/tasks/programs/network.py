"""`Network`: small integer networks that decide with the same bits on every machine (the engine is `exact.network`).

Inputs, activations and outputs are whole numbers in 2^-12; weights have 16 bits and one power of two for each layer;
hidden activations are clipped to [0, 8].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask
from worldtwin.exact import Key, draw
from worldtwin.exact import network as engine
from worldtwin.tasks.actor import Numbers, Parameters, require_count
from worldtwin.tasks.programs.inputs import BITS, LIMIT, Eye, Input
from worldtwin.world import Lattice, seal

MAX_MULTIPLY_ADDS: Final = 1 << 20
MAX_SHIFT: Final = 20
LARGEST: Final = 1024.0
"""The size of the largest weight or bias that a search may try."""

_WEIGHT: Final = engine.WEIGHT_LIMIT - 1


class Layer(Struct, frozen=True, kw_only=True, eq=False):
    """round((in @ weights + biases) / 2^shift): `weights` (in, out) int16, `biases` (out,) int64."""

    weights: NDArray[np.int16]
    biases: NDArray[np.int64]
    shift: int

    def __post_init__(self) -> None:
        """Refuse arrays of the wrong kind; those of a task never change."""
        weights, biases = self.weights, self.biases
        if weights.ndim != 2 or biases.shape != weights.shape[1:]:
            raise InvalidTask(f"weights of shape {weights.shape} do not go with biases of shape {biases.shape}")
        if weights.dtype != np.int16 or biases.dtype != np.int64:
            raise InvalidTask(f"weights are int16 and biases int64, not {weights.dtype} and {biases.dtype}")
        seal(self)


class Quantised(Struct, frozen=True, kw_only=True, eq=False):
    """One layer of p networks as whole numbers: `weights` (p, in, out), `biases` (p, out) and `shifts` (p,)."""

    weights: Lattice
    biases: Lattice
    shifts: Lattice


class Network(Struct, frozen=True, kw_only=True, eq=False, dict=True, tag="network"):
    """What it sees, and its layers; the last one's outputs are read by `Heads`."""

    inputs: tuple[Input, ...]
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        """Refuse more work than a step may take, layers that do not chain, and sums that floats could not carry."""
        if not self.layers:
            raise InvalidTask("the network has no layers")
        require_affordable([self.eye.size, *(layer.weights.shape[1] for layer in self.layers)])
        first = self.layers[0].weights.shape[0]
        if first != self.eye.size:
            raise InvalidTask(f"layer 0 takes {first} numbers, but the inputs are {self.eye.size}")
        engine.require_exact(self.exact)

    @property
    def fuel(self) -> int:
        """Multiply-adds of a step."""
        return sum(layer.weights.size for layer in self.layers)

    @property
    def outputs(self) -> int:
        """How many numbers the last layer gives."""
        return self.layers[-1].weights.shape[1]

    def run(self, states: Lattice) -> Lattice:
        """The outputs (n, outputs) in `states` (n, width), in 2^-12."""
        return engine.evaluate_all(self._carried, self.eye.see(states))[0]

    def parameters(self) -> Parameters:
        """All weights and biases, layer by layer, as numbers."""
        parts: list[Numbers] = []
        for layer in self.layers:
            parts += [np.ldexp(layer.weights.astype(np.float64), -layer.shift).ravel()]
            parts += [np.ldexp(layer.biases.astype(np.float64), -layer.shift - BITS)]
        values = np.concatenate(parts)
        limit = np.full(len(values), LARGEST)
        return Parameters.numbers(values, -limit, limit)

    def with_parameters(self, values: Numbers | Sequence[float]) -> Network:
        """The same network with other weights and biases, rounded as finely as 16 bits allow. Raises `InvalidTask`."""
        numbers = require_count(values, self.size, "network")
        layers = [
            Layer(weights=layer.weights[0].astype(np.int16), biases=layer.biases[0], shift=int(layer.shifts[0]))
            for layer in self.quantised(numbers[None, :])
        ]
        return Network(inputs=self.inputs, layers=tuple(layers))

    def quantised(self, values: Numbers) -> list[Quantised]:
        """The layers of the networks with the parameters `values` (p, parameters)."""
        clipped = np.clip(values, -LARGEST, LARGEST)
        layers: list[Quantised] = []
        start = 0
        for layer in self.layers:
            middle, end = start + layer.weights.size, start + layer.weights.size + layer.biases.size
            weights = clipped[:, start:middle].reshape(-1, *layer.weights.shape)
            shifts = _finest_shifts(weights)
            layers.append(
                Quantised(
                    weights=np.rint(np.ldexp(weights, shifts[:, None, None])).astype(np.int64),
                    biases=np.rint(np.ldexp(clipped[:, middle:end], (shifts + BITS)[:, None])).astype(np.int64),
                    shifts=shifts,
                )
            )
            start = end
        return layers

    @cached_property
    def size(self) -> int:
        """How many parameters there are."""
        return sum(layer.weights.size + layer.biases.size for layer in self.layers)

    @cached_property
    def eye(self) -> Eye:
        """Its inputs, ready to be computed together."""
        return Eye(self.inputs)

    @cached_property
    def clips(self) -> tuple[int, ...]:
        """Where the activations of each layer end; 0 for the last one, which is not clipped."""
        return (LIMIT,) * (len(self.layers) - 1) + (0,)

    @cached_property
    def exact(self) -> tuple[engine.Layer, ...]:
        """Its layers as the engine takes them."""
        return tuple(
            engine.Layer(weights=layer.weights.astype(np.int64), bias=layer.biases, shift=layer.shift, clip=clip)
            for layer, clip in zip(self.layers, self.clips, strict=True)
        )

    @cached_property
    def _carried(self) -> tuple[engine.Carried, ...]:
        return tuple(engine.Carried.of(layer) for layer in engine.stack([self.exact]))


def fresh_network(inputs: tuple[Input, ...], hidden: Sequence[int], outputs: int, *, key: Key) -> Network:
    """A network with random weights, small enough that its activations keep their size from layer to layer."""
    sizes = [Eye(inputs).size, *hidden, outputs]
    require_affordable(sizes)
    shapes = list(pairwise(sizes))
    layers = tuple(
        Layer(weights=np.zeros(shape, dtype=np.int16), biases=np.zeros(shape[1], dtype=np.int64), shift=0)
        for shape in shapes
    )
    parts: list[Numbers] = []
    for number, shape in enumerate(shapes):
        reach = math.sqrt((6.0 if number < len(shapes) - 1 else 3.0) / shape[0])
        words = draw(key.child("layer", number).episodes(np.arange(shape[0] * shape[1])), 0, 0)
        weights = (words.astype(np.float64) * 2.0**-31 - 1.0) * reach
        parts += [weights, np.zeros(shape[1])]
    return Network(inputs=inputs, layers=layers).with_parameters(np.concatenate(parts))


def require_affordable(sizes: Sequence[int]) -> None:
    """Refuse layers of `sizes`, the inputs first, that take more work than a step may. Raises `InvalidTask`."""
    for number, size in enumerate(sizes):
        what = f"layer {number - 1} gives" if number else "the inputs are"
        if not 1 <= size <= engine.MAX_WIDTH:
            raise InvalidTask(f"{what} {size:,} numbers: a network takes 1 to {engine.MAX_WIDTH:,}")
    work = sum(before * after for before, after in pairwise(sizes))
    if work > MAX_MULTIPLY_ADDS:
        raise InvalidTask(f"{work:,} multiply-adds a step are too many: at most {MAX_MULTIPLY_ADDS:,}")


def _finest_shifts(weights: Numbers) -> Lattice:
    """For each of `weights` (p, in, out) the largest shift with which all of them fit into 16 bits (p,)."""
    largest = np.abs(weights).reshape(len(weights), -1).max(axis=1, initial=0.0)
    fitting = np.where(largest > 0, 15 - np.frexp(largest)[1], MAX_SHIFT)
    shifts = np.minimum(fitting, MAX_SHIFT).astype(np.int64)
    return shifts - (np.rint(np.ldexp(largest, shifts)) > _WEIGHT)
