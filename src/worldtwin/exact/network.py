"""Small networks in whole numbers: 16-bit weights, activations in 2^-12, clipped ReLU; the same bits everywhere.

Carried in float64. A network is valid when no sum in it can reach 2^53: float64 is then exact in any order of adding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask
from worldtwin.exact.matrix import multiply

ACTIVATION_BITS: Final = 12
ACTIVATION_ONE: Final = 1 << ACTIVATION_BITS
INPUT_LIMIT: Final = 8 * ACTIVATION_ONE
"""Inputs are clipped to [-8, 8]."""
WEIGHT_LIMIT: Final = 1 << 15
SUM_LIMIT: Final = 1 << 53
MAX_SHIFT: Final = 40
MAX_WIDTH: Final = 4096
MAX_LAYERS: Final = 16

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


class StackedLayer(Struct, frozen=True, kw_only=True, eq=False):
    """The same layer of P networks: `weights` (P, inputs, outputs), `bias` (P, outputs), `shifts` (P,)."""

    weights: Lattice
    bias: Lattice
    shifts: Lattice
    clip: int = 0


def require_exact(layers: Sequence[Layer]) -> None:
    """Refuse layers that do not fit each other, or that float64 might not carry exactly. Raises `InvalidTask`."""
    if not 1 <= len(layers) <= MAX_LAYERS:
        raise InvalidTask(f"a network of {len(layers)} layers: give 1 to {MAX_LAYERS}")
    largest = [INPUT_LIMIT] * _width(layers[0].weights)
    for number, layer in enumerate(layers):
        _require_shape(layer, len(largest), number)
        largest = _outputs_limit(layer, largest, number)


def evaluate(layers: Sequence[Layer], inputs: Lattice) -> Lattice:
    """The outputs (n, outputs) in 2^-12 of a valid network for `inputs` (n, inputs) in 2^-12."""
    values = _within(inputs).astype(np.float64)
    for layer in layers:
        sums = multiply(values, layer.weights.astype(np.float64)) + layer.bias
        values = _activated(sums, np.array(layer.shift), layer.clip)
    return values.astype(np.int64)


def evaluate_stacked(layers: Sequence[StackedLayer], inputs: Lattice, candidate: Lattice) -> Lattice:
    """The outputs (n, outputs) in 2^-12 of network `candidate[i]` for row i of `inputs` (n, inputs)."""
    present, place = np.unique(candidate, return_inverse=True)
    counts = np.bincount(place, minlength=len(present))
    order = np.argsort(place, kind="stable")
    slot = np.empty(len(place), dtype=np.int64)
    slot[order] = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts)
    values = np.zeros((len(present), int(counts.max(initial=0)), inputs.shape[1]))
    values[place, slot] = _within(inputs)
    for layer in layers:
        sums = multiply(values, layer.weights[present].astype(np.float64)) + layer.bias[present][:, None, :]
        values = _activated(sums, layer.shifts[present][:, None, None], layer.clip)
    return values[place, slot].astype(np.int64)


def stack(networks: Sequence[Sequence[Layer]]) -> tuple[StackedLayer, ...]:
    """Networks of one shape as one stack."""
    return tuple(
        StackedLayer(
            weights=np.stack([layer.weights for layer in layers]),
            bias=np.stack([layer.bias for layer in layers]),
            shifts=np.array([layer.shift for layer in layers], dtype=np.int64),
            clip=layers[0].clip,
        )
        for layers in zip(*networks, strict=True)
    )


def _within(inputs: Lattice) -> Lattice:
    return np.minimum(np.maximum(inputs, -INPUT_LIMIT), INPUT_LIMIT)


def _activated(sums: Floats, shifts: Lattice, clip: int) -> Floats:
    """`round_shift` of whole `sums` below 2^53 - 2^40, clipped; overwrites `sums`."""
    sums += np.int64(1) << shifts >> 1
    sums *= np.ldexp(1.0, -shifts)
    np.floor(sums, out=sums)
    return np.minimum(np.maximum(sums, 0.0, out=sums), float(clip), out=sums) if clip else sums


def _require_shape(layer: Layer, inputs: int, number: int) -> None:
    width = _width(layer.weights)
    if layer.weights.ndim != 2 or width != inputs or layer.bias.shape != layer.weights.shape[1:]:
        raise InvalidTask(
            f"layer {number}: weights {layer.weights.shape} and bias {layer.bias.shape} do not fit {inputs} inputs"
        )
    if not 1 <= width <= MAX_WIDTH or not 1 <= layer.weights.shape[1] <= MAX_WIDTH:
        raise InvalidTask(f"layer {number}: {layer.weights.shape} is not between 1 and {MAX_WIDTH} wide")
    if not 0 <= layer.shift <= MAX_SHIFT or not 0 <= layer.clip < SUM_LIMIT:
        raise InvalidTask(f"layer {number}: shift {layer.shift} or clip {layer.clip} is out of range")
    if layer.weights.dtype != np.int64 or layer.bias.dtype != np.int64:
        raise InvalidTask(f"layer {number}: weights and bias must be whole numbers")
    if (layer.weights >= WEIGHT_LIMIT).any() or (layer.weights < -WEIGHT_LIMIT).any():
        raise InvalidTask(f"layer {number}: a weight has more than 16 bits")


def _outputs_limit(layer: Layer, largest: list[int], number: int) -> list[int]:
    """What each output can reach in size when inputs reach `largest`."""
    columns = zip(layer.weights.T.tolist(), layer.bias.tolist(), strict=True)
    sums = [sum(abs(w) * x for w, x in zip(column, largest, strict=True)) + abs(bias) for column, bias in columns]
    if max(sums) >= SUM_LIMIT - (1 << MAX_SHIFT):
        raise InvalidTask(f"layer {number}: a sum could reach 2^53, where it would no longer be exact")
    limits = [(total + (1 << layer.shift >> 1)) >> layer.shift for total in sums]
    return [min(limit, layer.clip) for limit in limits] if layer.clip else limits


def _width(weights: Lattice) -> int:
    return weights.shape[0] if weights.ndim == 2 else 0
