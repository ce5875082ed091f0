"""Words, noise and choices in JAX (the definition is `worldtwin.exact`)."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias, cast

import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from worldtwin.exact.chance import LOG_BITS, WEIGHT_BITS
from worldtwin.exact.curves import NORMAL_BITS, POWER_BITS, normal_table, power_table
from worldtwin.exact.dealing import dealt
from worldtwin.exact.key import Words, threefry

Lattice: TypeAlias = NDArray[np.int64]

_LOW = (1 << LOG_BITS) - 1


class Deal(NamedTuple):
    """Rows dealt to the members of an ensemble: `rows` (members, places) of each, and the `place` (n,) of each row."""

    rows: Array | Lattice
    place: Array | Lattice

    @staticmethod
    def of(words: Words, members: int, own: Lattice, n: int) -> Deal:
        """The deal of the rows `own` (m,) among n, by the `words` (m,) that choose their member.

        Whoever asks for another row is told something of no use; empty places repeat row 0.
        """
        member = (words.astype(np.int64) * members) >> 32
        slot, counts = dealt(member, members)
        size = places(int(counts.max(initial=1)))
        rows, place = np.zeros((members, size), dtype=np.int64), np.zeros(n, dtype=np.int64)
        rows[member, slot] = own
        place[own] = member * size + slot
        return Deal(rows, place)


class Chance(NamedTuple):
    """What decides rows: their `keys` (n, 2), the words that choose their `members` (n,), the `step`, and the deals.

    There is one deal for each number of members that some ensemble has.
    """

    keys: Array
    members: Array
    step: Array
    deals: dict[int, Deal]


def places(count: int) -> int:
    """At least `count`, of few sizes at most an eighth apart: few shapes are compiled."""
    step = max(16, 1 << max(0, count.bit_length() - 4))
    return -(-count // step) * step


def words(keys: Array, step: Array, stream: int) -> Array:
    """`worldtwin.exact.draw`: one uniform word (n,) of each of the `keys` (n, 2) at `step`, one or (n,)."""
    steps = jnp.broadcast_to(step, keys.shape[:1]).astype(jnp.uint32)
    mixed = threefry(keys[:, 0], keys[:, 1], steps, jnp.full_like(steps, stream))  # pyright: ignore[reportArgumentType] - it only shifts and adds, which JAX's arrays do too
    return cast("Array", mixed[0])


def normal(uniform: Array, logs: Array) -> Array:
    """`worldtwin.exact.chance.normal`."""
    quantiles, powers = jnp.asarray(normal_table()), jnp.asarray(power_table())
    product = quantiles[uniform >> 16] * powers[logs & _LOW]
    shift = NORMAL_BITS + POWER_BITS - (logs >> LOG_BITS)
    return (product + (jnp.int64(1) << (shift - 1))) >> shift


def choose(uniform: Array, scores: Array) -> Array:
    """`worldtwin.exact.chance.choose` for `scores` (choices, n)."""
    below = jnp.maximum(scores - scores.max(axis=0), -(WEIGHT_BITS + 1) << LOG_BITS)
    weights = jnp.asarray(power_table())[below & _LOW] >> (POWER_BITS - WEIGHT_BITS - (below >> LOG_BITS))
    sums = jnp.cumsum(weights, axis=0)
    drawn = (uniform.astype(jnp.int64) * sums[-1]) >> 32
    return (sums <= drawn).sum(axis=0)
