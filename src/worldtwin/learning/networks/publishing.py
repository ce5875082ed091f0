"""From trained networks to the integers that are published, and back to go on from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from worldtwin.exact.network import ACTIVATION_BITS, SHIFTS, WEIGHT_LIMIT, StackedLayer
from worldtwin.learning.networks.training import LIMIT, Weights
from worldtwin.simulation import FINE_BITS, Ensemble
from worldtwin.world import Lattice

Floats: TypeAlias = NDArray[np.float64]

HIDDEN_BITS: Final = 16
"""Hidden activations are finer than the inputs: sums stay far below 2^53."""
MOST_SHIFT: Final = 28
_LOG_BITS: Final = 8


def published(weights: Weights, scales: Floats, *, noise: bool) -> Ensemble:
    """The networks in integers: outputs in 2^-8 lattice steps, of which one unit of an answer is `scales` (K,).

    With `noise` K further outputs: the logarithms (base 2, in 2^-8) of its standard deviation in 2^-8 steps.
    """
    pairs = list(zip(weights.weights, weights.biases, strict=True))
    seen = (ACTIVATION_BITS, *[HIDDEN_BITS] * (len(pairs) - 1))
    clip = round(LIMIT) << HIDDEN_BITS
    layers = [
        _layer(*pair, before=before, after=HIDDEN_BITS, clip=clip)
        for pair, before in zip(pairs[:-1], seen[:-1], strict=True)
    ]
    last, bias = pairs[-1]
    units = _units(scales)
    last, bias = last * units, bias * units
    bias[:, len(scales) :] += (np.log2(np.maximum(scales, 1e-9)) + FINE_BITS) * (1 << _LOG_BITS)
    outputs = slice(None) if noise else slice(len(scales))
    layers.append(_layer(last[..., outputs], bias[:, outputs], before=seen[-1], after=0, least=SHIFTS[0]))
    return Ensemble(layers=tuple(layers))


def restored(ensemble: Ensemble, scales: Floats) -> Weights:
    """The networks in floating point that `ensemble` was published from without noise, up to rounding.

    Their noise begins at one unit again.
    """
    first = _real(ensemble.layers[0], before=ACTIVATION_BITS, after=HIDDEN_BITS)
    layers = [first, *(_real(layer, before=HIDDEN_BITS, after=HIDDEN_BITS) for layer in ensemble.layers[1:-1])]
    last, bias = _real(ensemble.layers[-1], before=HIDDEN_BITS, after=0)
    units = _units(scales)[: len(scales)]
    doubled = (np.concatenate([last / units, 0.0 * last], axis=2), np.concatenate([bias / units, 0.0 * bias], axis=1))
    layers.append(doubled)
    return Weights(weights=tuple(each for each, _ in layers), biases=tuple(bias for _, bias in layers))


def widened(ensemble: Ensemble, places: Sequence[int], count: int) -> Ensemble:
    """The ensemble with `count` outputs: its own at `places`, and nothing elsewhere."""
    last = ensemble.layers[-1]
    weights = np.zeros((*last.weights.shape[:2], count), dtype=np.int64)
    bias, shifts = (np.zeros((len(last.bias), count), dtype=np.int64) for _ in range(2))
    weights[:, :, places], bias[:, places], shifts[:, places] = last.weights, last.bias, last.shifts
    return Ensemble(layers=(*ensemble.layers[:-1], StackedLayer(weights=weights, bias=bias, shifts=shifts)))


def _units(scales: Floats) -> Floats:
    """What one unit of each of 2 K outputs is in its published unit."""
    return np.concatenate([np.ldexp(scales, FINE_BITS), np.full(len(scales), float(1 << _LOG_BITS))])


def _layer(weights: Floats, bias: Floats, *, before: int, after: int, clip: int = 0, least: int = 0) -> StackedLayer:
    """A layer from inputs in 2^-`before` to outputs in 2^-`after`, each with the largest shift its weights allow."""
    units = np.ldexp(weights, after - before)
    shifts = _shifts(units, least)
    limit = WEIGHT_LIMIT - 1
    return StackedLayer(
        weights=np.clip(np.rint(np.ldexp(units, shifts[:, None])), -limit, limit).astype(np.int64),
        bias=np.rint(np.ldexp(bias, after + shifts)).astype(np.int64),
        shifts=shifts,
        clip=clip,
    )


def _shifts(units: Floats, least: int) -> Lattice:
    """The largest shifts (members, outputs) for which `units` (members, inputs, outputs) stay below 2^15."""
    top = np.maximum(np.abs(units).max(axis=1), np.ldexp(1.0, -64))
    room = np.floor(np.log2((WEIGHT_LIMIT - 1) / top)).astype(np.int64)
    return np.clip(room, least, MOST_SHIFT)


def _real(layer: StackedLayer, *, before: int, after: int) -> tuple[Floats, Floats]:
    """Weights and bias of a layer from inputs in 2^-`before` to outputs in 2^-`after`."""
    weights = np.ldexp(layer.weights.astype(np.float64), before - after - layer.shifts[:, None])
    return weights, np.ldexp(layer.bias.astype(np.float64), -after - layer.shifts)
