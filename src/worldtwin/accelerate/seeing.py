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
    rows = [part for feature in features for part in _parts(feature, inputs[feature.column])]
    return jnp.stack(rows) if rows else jnp.zeros((0, len(inputs[0])))


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


def _parts(feature: Feature, column: Array) -> list[Array]:
    match feature.kind:
        case "real":
            low, high = reachable(feature)
            away = jnp.clip(column, low, high) - feature.center
            scaled = round_shift(away, feature.shift)  # pyright: ignore[reportArgumentType] - adds and shifts
            whole = [jnp.clip(scaled, feature.low, feature.high)]  # pyright: ignore[reportArgumentType] - the same
        case "angle":
            drop = SINE_BITS - ONE_BITS
            whole = [round_shift(value, drop) for value in (sine(column), cosine(column))]  # pyright: ignore[reportArgumentType] - the same
        case "category":
            last = jnp.where(column == feature.count - 1, -ONE, 0)
            whole = [jnp.where(column == value, ONE, last) for value in range(feature.count - 1)]
        case "set":
            whole = [(2 * ((column >> bit) & 1) - 1) * ONE for bit in range(feature.count)]
    return [part.astype(jnp.float64) for part in whole]  # pyright: ignore[reportAttributeAccessIssue] - the same
