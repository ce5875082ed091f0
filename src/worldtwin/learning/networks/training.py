"""Residual networks in floating point: one for each member, all trained side by side in one compiled loop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.learning.holdout import chance
from worldtwin.world import Lattice

Floats: TypeAlias = NDArray[np.float64]

LIMIT: Final = 8.0
"""Where inputs and activations end: the exact engine clips them there too."""
HIDDEN: Final = (64, 64)
BATCH: Final = 64
CHECKPOINTS: Final = 10
JUDGED: Final = 1024
RATE: Final = 3e-3
DECAY: Final = 1e-3
NOISE_SHARE: Final = 0.1
_LOGS: Final = (-12.0, 6.0)

_Layers: TypeAlias = list[tuple[Array, Array]]  # weights (members, inputs, outputs) and bias (members, outputs)


class Effort(Struct, frozen=True):
    """How long to train: so many `epochs`, in at most so many `steps`."""

    epochs: float
    steps: int

    @property
    def quarter(self) -> Effort:
        """A quarter of it."""
        return Effort(epochs=self.epochs / 4, steps=self.steps // 4)

    def span(self, rows: int) -> int:
        """How many steps of 64 rows lie between checkpoints when each member learns from so many `rows`."""
        steps = min(self.steps, math.ceil(self.epochs * -(-rows // BATCH)))
        return -(-steps // CHECKPOINTS)


ANEW: Final = Effort(epochs=150, steps=10_000)
FURTHER: Final = Effort(epochs=50, steps=10_000)
"""For networks that learned nearly the same rows before."""


class Weights(Struct, frozen=True, eq=False):
    """Networks with clipped ReLU, one for each member: `weights[l]` (members, inputs, outputs), `biases[l]`.

    Of the last layer's 2 K outputs the first K are the answers, the others the logarithms (base 2) of their noise.
    They had so many `steps` of training; 0 when that is not known.
    """

    weights: tuple[Floats, ...]
    biases: tuple[Floats, ...]
    steps: int = 0

    @property
    def targets(self) -> int:
        """K, how many numbers each network answers."""
        return self.biases[-1].shape[1] // 2

    def only(self, targets: Sequence[int]) -> Weights:
        """The networks with some of their K targets."""
        outputs = [*targets, *(self.targets + target for target in targets)]
        weights, biases = self.weights[-1][..., outputs], self.biases[-1][:, outputs]
        return Weights(weights=(*self.weights[:-1], weights), biases=(*self.biases[:-1], biases), steps=self.steps)

    def member(self, number: int) -> Weights:
        """One of the networks."""
        mine = slice(number, number + 1)
        weights, biases = (tuple(array[mine] for array in arrays) for arrays in (self.weights, self.biases))
        return Weights(weights=weights, biases=biases, steps=self.steps)

    def answers(self, parts: Floats) -> Floats:
        """The answers and the logarithms of their noise (members, n, 2 K) to `parts` (n, parts)."""
        return self.hidden(np.clip(parts, -LIMIT, LIMIT)[None]) @ self.weights[-1] + self.biases[-1][:, None]

    def hidden(self, values: Floats) -> Floats:
        """What the last layer sees (members, n, units) when the networks see `values` (1 or members, n, parts)."""
        for weights, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            values = np.clip(values @ weights + bias[:, None], 0.0, LIMIT)
        return values


class Examples(Struct, frozen=True, kw_only=True, eq=False):
    """What to learn: `parts` (n, parts) and the `residuals` (members, n, K) that each member's prior leaves, about 1.

    Each member learns from its row of `bags` (members, m), positions of rows, and is judged by those in `judges`.
    """

    parts: Floats
    residuals: Floats
    bags: Lattice
    judges: tuple[Lattice, ...]


def trained(examples: Examples, *, key: Key, effort: Effort = ANEW, base: Weights | None = None) -> Weights:
    """Networks that learned `examples`, each as it was when it judged best; they go on from `base` if there is one.

    The loss is the squared error plus a tenth of the normal log score of the noise, whose mean does not learn from it.
    Adam (Kingma and Ba, 2015) with decoupled decay, falling along a cosine to 0. Shapes are padded, so that a
    second training of about as many rows is not compiled again.
    """
    random = chance(key)
    sizes = (examples.parts.shape[1], *HIDDEN, 2 * examples.residuals.shape[2])
    layers = _started(sizes, len(examples.bags), random) if base is None else _layers(base)
    count = examples.bags.shape[1]
    found, steps = _trained(
        layers,
        _padded(np.clip(examples.parts, -LIMIT, LIMIT).astype(np.float32), 0),
        _padded(examples.residuals.astype(np.float32), 1),
        _padded(examples.bags.astype(np.int32), 1),
        np.stack([np.resize(random.permutation(mine), JUDGED) for mine in examples.judges]).astype(np.int32),
        np.array([count, effort.span(count), int(random.integers(2**31))], dtype=np.int32),
    )
    return Weights(
        weights=tuple(np.asarray(weights, dtype=np.float64) for weights, _ in found),
        biases=tuple(np.asarray(bias, dtype=np.float64) for _, bias in found),
        steps=int(steps),
    )


def _started(sizes: Sequence[int], members: int, random: np.random.Generator) -> _Layers:
    """Random weights (He et al., 2015); the last layer begins at nothing, so that training begins at the prior."""
    layers: _Layers = []
    for number, (before, after) in enumerate(pairwise(sizes), start=2):
        spread = 0.0 if number == len(sizes) else np.sqrt(2.0 / before)
        weights = random.normal(0.0, 1.0, size=(members, before, after)) * spread
        layers.append((jnp.asarray(weights, dtype=jnp.float32), jnp.zeros((members, after), dtype=jnp.float32)))
    return layers


def _layers(weights: Weights) -> _Layers:
    pairs = zip(weights.weights, weights.biases, strict=True)
    return [(jnp.asarray(each, dtype=jnp.float32), jnp.asarray(bias, dtype=jnp.float32)) for each, bias in pairs]


def _padded(array: NDArray[Any], axis: int) -> NDArray[Any]:
    """`array` with zeros at the end of one `axis`, up to a power of two."""
    length = array.shape[axis]
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, (1 << (length - 1).bit_length()) - length)
    return np.pad(array, widths)


@jax.jit
def _trained(
    layers: _Layers, parts: Array, residuals: Array, bags: Array, judges: Array, numbers: Array
) -> tuple[_Layers, Array]:
    """The best of ten checkpoints of each member, and how many steps were made.

    The `numbers` are rows in a bag, steps to a checkpoint, and a seed.
    """
    count, span, seed = numbers
    optimizer = optax.chain(optax.scale_by_adam(), optax.add_decayed_weights(DECAY))
    mine = jnp.arange(len(bags))[:, None]
    judged, truth = parts[judges], residuals[mine, judges]

    def step(number: Array, held: tuple[_Layers, Any]) -> tuple[_Layers, Any]:
        now, state = held
        drawn = jax.random.randint(jax.random.fold_in(jax.random.key(seed), number), (len(bags), BATCH), 0, count)
        rows = bags[mine, drawn]
        slope = jax.grad(_loss)(now, parts[rows], residuals[mine, rows])
        updates, state = optimizer.update(slope, state, now)  # pyright: ignore[reportArgumentType] - a tree is what it takes
        rate = RATE * 0.5 * (1.0 + jnp.cos(jnp.pi * number / (CHECKPOINTS * span)))
        return jax.tree.map(lambda old, update: old - rate * update, now, updates), state

    def stretch(held: tuple[_Layers, Any, _Layers, Array], number: Array) -> tuple[Any, None]:
        now, state, best, least = held
        now, state = lax.fori_loop(number * span, (number + 1) * span, step, (now, state))
        errors = jnp.square(_answers(now, judged)[..., : truth.shape[2]] - truth).mean(axis=(1, 2))
        better = errors < least
        best = jax.tree.map(lambda a, b: jnp.where(better.reshape(-1, *[1] * (a.ndim - 1)), a, b), now, best)
        return (now, state, best, jnp.minimum(errors, least)), None

    start = (layers, optimizer.init(layers), layers, jnp.full(len(bags), jnp.inf))  # pyright: ignore[reportArgumentType] - the same
    (_, (adam, _), best, _), _ = lax.scan(stretch, start, jnp.arange(CHECKPOINTS))
    return best, adam.count


def _loss(layers: _Layers, parts: Array, residuals: Array) -> Array:
    """What the members lose in all: `parts` (members, n, parts), `residuals` (members, n, K)."""
    outputs = _answers(layers, parts)
    count = residuals.shape[2]
    squared = jnp.square(outputs[..., :count] - residuals)
    logs = jnp.clip(outputs[..., count:], *_LOGS)
    score = 0.5 * lax.stop_gradient(squared) * jnp.exp2(-2.0 * logs) + jnp.log(2.0) * logs
    return (squared + NOISE_SHARE * score).mean(axis=1).sum()


def _answers(layers: _Layers, parts: Array) -> Array:
    """The outputs (members, n, 2 K) for `parts` (members, n, parts)."""
    values = parts
    for number, (weights, bias) in enumerate(layers, start=1):
        values = values @ weights + bias[:, None]
        if number < len(layers):
            values = jnp.clip(values, 0.0, LIMIT)
    return values
