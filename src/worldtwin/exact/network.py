"""Small networks in whole numbers, the same bits everywhere.

Weights have 16 bits, activations are in 2^-12, of a clipped ReLU or of a swish by table. Carried in
float64. A network is valid when no sum in it can reach 2^53: float64 is then exact in any order of adding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask
from worldtwin.exact.curves import SWISH_DROP, SWISH_HALF, swish_table
from worldtwin.exact.dealing import dealt
from worldtwin.exact.matrix import multiply
from worldtwin.exact.rounding import rounding

ACTIVATION_BITS: Final = 12
ACTIVATION_ONE: Final = 1 << ACTIVATION_BITS
INPUT_LIMIT: Final = 8 * ACTIVATION_ONE
"""Inputs are clipped to [-8, 8], and swish is at most 8."""
WEIGHT_LIMIT: Final = 1 << 15
SUM_LIMIT: Final = 1 << 53
SHIFTS: Final = (-40, 40)
"""The least and the largest shift of a sum; only those of an ensemble's last layer may be below 0."""
MAX_WIDTH: Final = 4096
MAX_LAYERS: Final = 16
WASTE: Final = 4
"""A network with more than so many times the usual number of rows is evaluated alone."""

Lattice: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


class Layer(Struct, frozen=True, kw_only=True, eq=False):
    """`round_shift(inputs @ weights + bias, shift)`, kept in [0, clip] unless `clip` is 0.

    `weights` (inputs, outputs) below 2^15 in size, `bias` (outputs,).
    """

    weights: Lattice
    bias: Lattice
    shift: int
    clip: int = 0


class StackedLayer(Struct, frozen=True, kw_only=True, eq=False, forbid_unknown_fields=True):
    """The same layer of P networks: `weights` (P, inputs, outputs), `bias` and `shifts` (P, outputs).

    With `swish`, x / (1 + e^-x) of the rounded sums, by table; else they are kept in [0, clip] unless `clip` is 0.
    """

    weights: Lattice
    bias: Lattice
    shifts: Lattice
    clip: int = 0
    swish: bool = False

    @property
    def multiply_adds(self) -> int:
        """How many multiply-adds all networks need for one row."""
        return self.weights.size


class Carried(Struct, frozen=True, eq=False):
    """A stacked layer as float64 carries it: `weights`, `bias` with the half that rounds, `scale` (P, 1, outputs)."""

    weights: Floats
    bias: Floats
    scale: Floats
    clip: int
    swish: bool

    @staticmethod
    def of(layer: StackedLayer) -> Carried:
        """How `layer` is carried."""
        halves, scales = rounding(layer.shifts)
        bias = (layer.bias + halves)[:, None]
        return Carried(layer.weights.astype(np.float64), bias, scales[:, None], layer.clip, layer.swish)

    def at(self, networks: Lattice | slice) -> Carried:
        """The layers of some of the `networks`, in order; of all of them when they are as many."""
        if isinstance(networks, np.ndarray) and len(networks) == len(self.weights):
            return self
        return Carried(self.weights[networks], self.bias[networks], self.scale[networks], self.clip, self.swish)

    def apply(self, values: Floats) -> Floats:
        """The outputs (P, n, outputs) for `values` (P, n, inputs)."""
        sums = multiply(values, self.weights)
        sums += self.bias
        sums *= self.scale
        np.floor(sums, out=sums)
        if self.swish:
            return swished(sums)
        return np.minimum(np.maximum(sums, 0.0, out=sums), float(self.clip), out=sums) if self.clip else sums


def swished(values: Floats) -> Floats:
    """The swish, in 2^-12, of whole `values` in 2^-12; overwrites them."""
    values += 1 << SWISH_DROP >> 1
    values *= 1.0 / (1 << SWISH_DROP)
    np.floor(values, out=values)
    np.minimum(np.maximum(values, -SWISH_HALF, out=values), SWISH_HALF - 1, out=values)
    return swish_table()[values.astype(np.intp) + SWISH_HALF]


def require_exact(layers: Sequence[Layer]) -> None:
    """Refuse layers that do not fit each other, or that float64 might not carry exactly. Raises `InvalidTask`."""
    for number, layer in enumerate(layers):
        if layer.weights.ndim != 2 or layer.bias.ndim != 1:
            raise InvalidTask(f"layer {number}: weights {layer.weights.shape} and bias {layer.bias.shape} do not fit")
        if not 0 <= layer.shift <= SHIFTS[1]:
            raise InvalidTask(f"layer {number}: shift {layer.shift} is out of range")
    stacked = [_stacked([layer]) for layer in layers]
    fault, _ = fault_of(stacked, [INPUT_LIMIT] * (stacked[0].weights.shape[1] if stacked else 0))
    if fault:
        raise InvalidTask(fault)


def fault_of(layers: Sequence[StackedLayer], largest: Sequence[int]) -> tuple[str, int]:
    """What is wrong with `layers` when inputs reach `largest`, nothing if all is well, and what an output can reach.

    Wrong are shapes that do not fit each other, and numbers that float64 might not carry exactly.
    """
    if not 1 <= len(layers) <= MAX_LAYERS:
        return f"a network of {len(layers)} layers: give 1 to {MAX_LAYERS}", 0
    count, width = layers[0].weights.shape[0] if layers[0].weights.ndim == 3 else 0, len(largest)
    for number, layer in enumerate(layers):
        fault = _shape_fault(layer, count, width)
        if fault:
            return f"layer {number}: {fault}", 0
        width = layer.weights.shape[2]
    limits = np.broadcast_to(np.array(largest, dtype=np.int64), (count, len(largest)))
    for number, layer in enumerate(layers):
        fault, limits = _sum_fault(layer, limits, last=number == len(layers) - 1)
        if fault:
            return f"layer {number}: {fault}", 0
    return "", int(limits.max())


def evaluate(layers: Sequence[Layer], inputs: Lattice) -> Lattice:
    """The outputs (n, outputs) in 2^-12 of a valid network for `inputs` (n, inputs) in 2^-12."""
    return evaluate_all([Carried.of(_stacked([layer])) for layer in layers], inputs)[0]


def evaluate_all(layers: Sequence[Carried], inputs: Lattice | Floats) -> Lattice:
    """The outputs (P, n, outputs) of every network for `inputs` (n, inputs) in 2^-12."""
    return _through(layers, np.broadcast_to(_within(inputs), (len(layers[0].weights), *inputs.shape)))


def evaluate_stacked(layers: Sequence[Carried], inputs: Lattice | Floats, candidate: Lattice) -> Lattice:
    """The outputs (n, outputs) of network `candidate[i]` for row i of `inputs` (n, inputs) in 2^-12."""
    if len(candidate) == 1:
        return _evaluate_one(layers, inputs, int(candidate[0]))
    present, place = np.unique(candidate, return_inverse=True)
    many = np.bincount(place, minlength=len(present)) * len(present) > WASTE * len(candidate)
    if not many.any():
        return _evaluate_together(layers, inputs, present, place)
    outputs = np.empty((len(candidate), layers[-1].weights.shape[2]), dtype=np.int64)
    for network in present[many].tolist():
        rows = np.flatnonzero(candidate == network)
        outputs[rows] = _evaluate_one(layers, inputs[rows], network)
    few = np.flatnonzero(~many[place])
    outputs[few] = _evaluate_together(layers, inputs[few], *np.unique(candidate[few], return_inverse=True))
    return outputs


def _evaluate_together(
    layers: Sequence[Carried], inputs: Lattice | Floats, present: Lattice, network: Lattice
) -> Lattice:
    """The outputs (n, outputs) of network `present[network[i]]` for row i: all are filled up to the longest."""
    place, counts = dealt(network, len(present))
    values = np.zeros((len(present), int(counts.max(initial=0)), inputs.shape[1]))
    values[network, place] = _within(inputs)
    return _through([layer.at(present) for layer in layers], values)[network, place]


def _evaluate_one(layers: Sequence[Carried], inputs: Lattice | Floats, network: int) -> Lattice:
    """The outputs (n, outputs) of one network."""
    return _through([layer.at(slice(network, network + 1)) for layer in layers], _within(inputs)[None])[0]


def _through(layers: Sequence[Carried], values: Floats) -> Lattice:
    """The outputs (P, n, outputs) for `values` (P, n, inputs)."""
    for layer in layers:
        values = layer.apply(values)
    return values.astype(np.int64)


def stack(networks: Sequence[Sequence[Layer]]) -> tuple[StackedLayer, ...]:
    """Networks of one shape as one stack."""
    return tuple(_stacked(layers) for layers in zip(*networks, strict=True))


def _stacked(layers: Sequence[Layer]) -> StackedLayer:
    bias = np.stack([layer.bias for layer in layers])
    shifts = np.array([[layer.shift] for layer in layers], dtype=np.int64)
    return StackedLayer(
        weights=np.stack([layer.weights for layer in layers]),
        bias=bias,
        shifts=np.broadcast_to(shifts, bias.shape),
        clip=layers[0].clip,
    )


def _within(inputs: Lattice | Floats) -> Floats:
    return np.minimum(np.maximum(inputs, -INPUT_LIMIT), INPUT_LIMIT).astype(np.float64)


def _shape_fault(layer: StackedLayer, count: int, inputs: int) -> str:
    """What is wrong with a layer of `count` networks for so many inputs, before its numbers are looked at."""
    weights, bias = layer.weights, layer.bias
    if weights.ndim != 3 or weights.shape[:2] != (count, inputs) or bias.shape != (count, weights.shape[2]):
        return f"weights {weights.shape[1:]} and bias {bias.shape[1:]} do not fit {inputs} inputs"
    if not 1 <= inputs <= MAX_WIDTH or not 1 <= weights.shape[2] <= MAX_WIDTH:
        return f"{weights.shape[1:]} is not between 1 and {MAX_WIDTH} wide"
    if any(array.dtype != np.int64 for array in (weights, bias, layer.shifts)):
        return "weights, bias and shifts must be whole numbers of 64 bits"
    if layer.shifts.shape != bias.shape or not 0 <= layer.clip < SUM_LIMIT or (layer.swish and layer.clip):
        return f"shifts {layer.shifts.shape} or clip {layer.clip} is out of range"
    if layer.shifts.min() < SHIFTS[0] or layer.shifts.max() > SHIFTS[1]:
        return f"shift {layer.shifts.min()} or {layer.shifts.max()} is out of range"
    if weights.max() >= WEIGHT_LIMIT or weights.min() < -WEIGHT_LIMIT:
        return "a weight has more than 16 bits"
    return ""


def _sum_fault(layer: StackedLayer, largest: Lattice, *, last: bool) -> tuple[str, Lattice]:
    """What is wrong when inputs reach `largest` (P, inputs), and what the outputs (P, outputs) reach then."""
    size = np.abs(layer.weights)
    high, low = (np.einsum("pio,pi->po", size, part) for part in (largest >> 26, largest & ((1 << 26) - 1)))
    if np.abs(layer.bias).max() >= SUM_LIMIT or layer.bias.min() < -SUM_LIMIT or high.max() >= SUM_LIMIT >> 25:
        return "a sum could reach 2^53, where it would no longer be exact", largest
    sums = (high << 26) + low + np.abs(layer.bias)
    if sums.max() >= SUM_LIMIT - (1 << SHIFTS[1]):
        return "a sum could reach 2^53, where it would no longer be exact", largest
    if not last and layer.shifts.min() < 0:
        return f"shift {layer.shifts.min()} is out of range: only a last layer may shift to the left", largest
    right, left = np.maximum(layer.shifts, 0), np.maximum(-layer.shifts, 0)
    if (sums >> (61 - left)).max() > 0:
        return "an output could reach 2^61", largest
    limits = ((sums + (np.int64(1) << right >> 1)) >> right) << left
    if layer.swish:
        limits = np.minimum(limits, INPUT_LIMIT)
    return "", np.minimum(limits, layer.clip) if layer.clip else limits
