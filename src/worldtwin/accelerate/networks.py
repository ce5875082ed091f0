"""Networks in JAX: what they see, their layers, and what their outputs mean (the definition is `worldtwin.tasks`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.accelerate.seeing import cosine, sine
from worldtwin.exact import network as engine
from worldtwin.exact.curves import SWISH_DROP, SWISH_HALF, swish_table
from worldtwin.exact.trigonometry import ONE_BITS as SINE_BITS
from worldtwin.tasks import AnyOf, Input, OneOf, Scaled, Turned
from worldtwin.world import Category, Field, Set, bounds

Arrays: TypeAlias = tuple[Array, ...]

ONE = engine.ACTIVATION_ONE
_EXTRA = SINE_BITS - engine.ACTIVATION_BITS
_WIDEST = 48
_NEVER = -(1 << 62)


def see(inputs: tuple[Input, ...], states: Sequence[Array]) -> Array:
    """What `inputs` make of the columns `states` (n,) each: (n, size) in 2^-12."""
    return jnp.concatenate([_see(each, states[each.column]) for each in inputs]).T


def carried_stack(layers: Sequence[engine.StackedLayer]) -> tuple[tuple[NDArray[np.float64], ...], ...]:
    """The arrays of stacked `layers`: those of `engine.Carried`."""
    whole = (engine.Carried.of(layer) for layer in layers)
    return tuple((layer.weights, layer.bias, layer.scale) for layer in whole)


class Curve(Struct, frozen=True):
    """What a layer makes of its sums: swish, or clipping where `clip` is not 0."""

    clip: int = 0
    swish: bool = False

    def of(self, values: Array) -> Array:
        """The activations of whole `values` in 2^-12."""
        if self.swish:
            coarse = jnp.floor((values + float(1 << SWISH_DROP >> 1)) * (1.0 / (1 << SWISH_DROP)))
            place = jnp.clip(coarse, -SWISH_HALF, SWISH_HALF - 1).astype(jnp.int32) + SWISH_HALF
            return jnp.asarray(swish_table())[place]
        return jnp.clip(values, 0.0, float(self.clip)) if self.clip else values


def curves(layers: Sequence[engine.StackedLayer]) -> tuple[Curve, ...]:
    """The curves of `layers`."""
    return tuple(Curve(layer.clip, layer.swish) for layer in layers)


def evaluate(curves: tuple[Curve, ...], layers: Sequence[Arrays], inputs: Array) -> Array:
    """The outputs (..., n, outputs) in 2^-12 for `inputs` (..., n, inputs) in 2^-12; leading axes number networks."""
    values = jnp.clip(inputs, -engine.INPUT_LIMIT, engine.INPUT_LIMIT).astype(jnp.float64)
    for curve, (weights, bias, scale) in zip(curves, layers, strict=True):
        values = curve.of(jnp.floor((values @ weights + bias) * scale))
    return values.astype(jnp.int64)


def act(fields: tuple[Field, ...], outputs: Array, possible: Array | None) -> list[Array]:
    """The action's columns (n,) that `outputs` (n, size) mean for its `fields`."""
    actions: list[Array] = []
    start = 0
    for field in fields:
        column, used = _act(field, outputs[:, start:], possible)
        actions.append(column)
        start += used
    return actions


def _act(field: Field, outputs: Array, possible: Array | None) -> tuple[Array, int]:
    """The action of one field, and how many outputs it took."""
    match field:
        case Category(values):
            others = outputs[:, : len(values) - 1]
            worth = jnp.concatenate([jnp.zeros((len(outputs), 1), dtype=jnp.int64), others], axis=1)
            best = jnp.argmax(worth if possible is None else jnp.where(possible, worth, _NEVER), axis=1)
            return best.astype(jnp.int64), max(1, len(values) - 1)
        case Set(values):
            bits = (outputs[:, : len(values)] > 0).astype(jnp.int64) << jnp.arange(len(values))
            return bits.sum(axis=1), len(values)
        case _:
            return _spread(*bounds(field), jnp.clip(outputs[:, 0], -ONE, ONE)), 1


def _spread(low: int, high: int, share: Array) -> Array:
    coarse = max(0, (high - low).bit_length() - _WIDEST)
    steps = ((share + ONE) * ((high - low) >> coarse) + ONE) >> (engine.ACTIVATION_BITS + 1)
    return jnp.where(share == ONE, high, jnp.minimum(low + (steps << coarse), high))


def _see(each: Input, column: Array) -> Array:
    """What one input makes of its `column` (n,): (size, n)."""
    match each:
        case Scaled(centre=centre, shift=shift):
            right, left = max(shift, 0), max(-shift, 0)
            limit = (engine.INPUT_LIMIT << right) >> left
            away = jnp.clip(column - centre, -limit, limit)
            return (((away + (1 << right >> 1)) >> right) << left)[None]
        case Turned():
            return (jnp.stack([sine(column), cosine(column)]) + (1 << (_EXTRA - 1))) >> _EXTRA
        case OneOf(count=count):
            return (column == jnp.arange(count)[:, None]) * jnp.int64(ONE)
        case AnyOf(count=count):
            return ((column >> jnp.arange(count)[:, None]) & 1) * ONE
