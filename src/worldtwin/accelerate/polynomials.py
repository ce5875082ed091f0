"""Polynomials in JAX (the definition is `worldtwin.exact.polynomial`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Basis, Feature, round_shift
from worldtwin.exact.polynomial import ONE, ONE_BITS, reachable, rounding
from worldtwin.exact.trigonometry import ONE_BITS as SINE_BITS
from worldtwin.exact.trigonometry import TURN_BITS, sine_table
from worldtwin.simulation import FINE_BITS, Polynomial
from worldtwin.world import Angle, Field, Spec, bounds, wrap_column

Lattice: TypeAlias = NDArray[np.int64]

_INDEX_BITS = 12
_FRACTION_BITS = TURN_BITS - _INDEX_BITS


class Sums(Struct, frozen=True):
    """Monomials of `features`; `terms` are the positions of each one's three factors, -1 for none, as in `Basis`."""

    features: tuple[Feature, ...]
    terms: tuple[tuple[int, ...], ...]

    @staticmethod
    def of(basis: Basis, weights: NDArray[np.float64]) -> tuple[Sums, NDArray[np.float64]]:
        """The monomials of `basis`, and `weights` (outputs, terms) in the order in which they are computed."""
        plan = basis.plan
        order = np.concatenate([plan.constant, plan.single, plan.double, plan.triple])
        return Sums(basis.features, tuple(tuple(term) for term in basis.terms.tolist())), weights[:, order]

    def evaluate(self, weights: Array, inputs: Sequence[Array]) -> Array:
        """The sums (outputs, n) of monomials of the columns `inputs` (n,) each times ordered `weights`."""
        plan = Basis(self.features, np.array(self.terms, dtype=np.int64)).plan
        rows = [part for feature in self.features for part in _parts(feature, inputs[feature.column])]
        parts = jnp.stack(rows) if rows else jnp.zeros((0, len(inputs[0])))
        products = _rounded(parts[plan.pairs[:, 0]] * parts[plan.pairs[:, 1]])
        ones = jnp.full((len(plan.constant), len(inputs[0])), float(ONE))
        triples = _rounded(products[plan.triple_pair] * parts[plan.triple_part])
        return weights @ jnp.concatenate([ones, parts[plan.single_part], products[plan.double_pair], triples])


class Computed(Struct, frozen=True):
    """A polynomial that answers for the columns `targets` of [next fields | outputs], each counted from its base."""

    sums: Sums
    members: int
    targets: tuple[int, ...]
    bases: tuple[int, ...]
    fields: tuple[Field, ...]

    @staticmethod
    def of(model: Polynomial, spec: Spec) -> tuple[Computed, tuple[NDArray[np.generic], ...]]:
        """How `model` answers in the world of `spec`, and its arrays."""
        columns = spec.state.fields + spec.outputs.fields
        fields = tuple(columns[target] for target in model.targets)
        sums, weights = Sums.of(model.basis, model.carried)
        computed = Computed(sums, model.members, model.targets, model.bases, fields)
        halves, scales = rounding(model.shifts)
        return computed, (weights, halves, scales, model.lows, model.highs)

    def answer(self, arrays: tuple[Array, ...], inputs: Sequence[Array], members: Array) -> list[Array]:
        """The targets' columns (n,), each row by the member that its word of `members` (n,) chooses."""
        weights, halves, scales, lows, highs = arrays
        member = (members.astype(jnp.int64) * self.members) >> 32
        sums = self.sums.evaluate(weights, inputs).reshape(self.members, len(self.targets), -1)
        return [
            self._landed(i, _own(member, sums[:, i], halves[:, i], scales[:, i]), lows[i], highs[i], inputs)
            for i in range(len(self.targets))
        ]

    def _landed(self, i: int, change: Array, low: Array, high: Array, inputs: Sequence[Array]) -> Array:
        steps = round_shift(jnp.clip(change, low, high), FINE_BITS)  # pyright: ignore[reportArgumentType] - adds and shifts
        base, field = self.bases[i], self.fields[i]
        column = steps + inputs[base] if base >= 0 else steps
        return wrap_column(column) if isinstance(field, Angle) else jnp.clip(column, *bounds(field))  # pyright: ignore[reportArgumentType, reportReturnType] - the same


def shifted(sums: Array, halves: Array, scales: Array) -> Array:
    """`round_shift` of whole `sums` below 2^52."""
    return jnp.floor((sums + halves) * scales).astype(jnp.int64)


def sine(turns: Array) -> Array:
    """`worldtwin.exact.sine`."""
    values, slopes = (jnp.asarray(table) for table in sine_table())
    index = (turns >> _FRACTION_BITS) & ((1 << _INDEX_BITS) - 1)
    fraction = turns & ((1 << _FRACTION_BITS) - 1)
    return values[index] + ((slopes[index] * fraction + (1 << (_FRACTION_BITS - 1))) >> _FRACTION_BITS)


def cosine(turns: Array) -> Array:
    """`worldtwin.exact.cosine`."""
    return sine(turns + (1 << (TURN_BITS - 2)))


def _own(member: Array, sums: Array, halves: Array, scales: Array) -> Array:
    """The changes (n,) that each row's own `member` (n,) makes of `sums` (members, n)."""
    changes = shifted(sums, halves[:, None], scales[:, None])
    return changes[0] if len(changes) == 1 else jnp.take_along_axis(changes, member[None], axis=0)[0]


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


def _rounded(products: Array) -> Array:
    """Products of numbers in 2^-20, rounded half upwards."""
    return jnp.floor((products + float(ONE >> 1)) * (1.0 / ONE))
