"""What learned functions see of lattice columns, in JAX (the definition is `worldtwin.exact.features`)."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array

from worldtwin.exact import Feature, round_shift
from worldtwin.exact.features import ONE, ONE_BITS, reachable
from worldtwin.exact.trigonometry import ONE_BITS as SINE_BITS
from worldtwin.exact.trigonometry import TURN_BITS, sine_table

_INDEX_BITS = 12
_FRACTION_BITS = TURN_BITS - _INDEX_BITS


def parts_of(features: Sequence[Feature], inputs: Sequence[Array]) -> Array:
    """The parts (parts, n), whole numbers of 2^-20 in float64, of the columns `inputs` (n,) each."""
    rows = [_parts(feature, inputs[feature.column]) for feature in features]
    return jnp.concatenate(rows) if rows else jnp.zeros((0, len(inputs[0])))


def sine(turns: Array) -> Array:
    """`worldtwin.exact.sine`."""
    values, slopes = (jnp.asarray(table) for table in sine_table())
    index = (turns >> _FRACTION_BITS) & ((1 << _INDEX_BITS) - 1)
    fraction = turns & ((1 << _FRACTION_BITS) - 1)
    return values[index] + ((slopes[index] * fraction + (1 << (_FRACTION_BITS - 1))) >> _FRACTION_BITS)


def cosine(turns: Array) -> Array:
    """`worldtwin.exact.cosine`."""
    return sine(turns + (1 << (TURN_BITS - 2)))


def shifted(sums: Array, halves: Array, scales: Array) -> Array:
    """`round_shift` of whole `sums` below 2^52."""
    return jnp.floor((sums + halves) * scales).astype(jnp.int64)


def _parts(feature: Feature, column: Array) -> Array:
    """The parts (parts, n) of one `column` (n,)."""
    match feature.kind:
        case "real":
            low, high = reachable(feature)
            away = jnp.clip(column, low, high) - feature.center
            scaled = round_shift(away, feature.shift)  # pyright: ignore[reportArgumentType] - adds and shifts
            whole = jnp.clip(scaled, feature.low, feature.high)[None]  # pyright: ignore[reportArgumentType] - the same
        case "angle":
            drop = SINE_BITS - ONE_BITS
            whole = round_shift(jnp.stack([sine(column), cosine(column)]), drop)  # pyright: ignore[reportArgumentType] - the same
        case "category":
            last = jnp.where(column == feature.count - 1, -ONE, 0)
            whole = jnp.where(column == jnp.arange(feature.count - 1)[:, None], ONE, last)
        case "set":
            whole = (2 * ((column >> jnp.arange(feature.count)[:, None]) & 1) - 1) * ONE
    return whole.astype(jnp.float64)  # pyright: ignore[reportAttributeAccessIssue] - the same
