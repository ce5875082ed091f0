"""Polynomials in JAX (the definition is `worldtwin.exact.polynomial`)."""

from __future__ import annotations

from typing import TypeAlias

import jax.numpy as jnp
import numpy as np
from jax import Array
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact.features import ONE
from worldtwin.exact.polynomial import Plan

Lattice: TypeAlias = NDArray[np.int64]


class Sums(Struct, frozen=True):
    """Monomials: `terms` are the positions of each one's three factors, -1 for none."""

    terms: tuple[tuple[int, ...], ...]

    @staticmethod
    def of(terms: Lattice, weights: NDArray[np.float64]) -> tuple[Sums, NDArray[np.float64]]:
        """The monomials of `terms` (terms, 3), and `weights` (outputs, terms) in the order in which they come."""
        plan = Plan.of(terms)
        order = np.concatenate([plan.constant, plan.single, plan.double, plan.triple])
        return Sums(tuple(tuple(term) for term in terms.tolist())), weights[:, order]

    def evaluate(self, weights: Array, parts: Array) -> Array:
        """The sums (outputs, n) of monomials of `parts` (parts, n) times ordered `weights`."""
        plan = Plan.of(np.array(self.terms, dtype=np.int64))
        products = _rounded(parts[plan.pairs[:, 0]] * parts[plan.pairs[:, 1]])
        ones = jnp.full((len(plan.constant), parts.shape[1]), float(ONE))
        triples = _rounded(products[plan.triple_pair] * parts[plan.triple_part])
        return weights @ jnp.concatenate([ones, parts[plan.single_part], products[plan.double_pair], triples])


def _rounded(products: Array) -> Array:
    """Products of numbers in 2^-20, rounded half upwards."""
    return jnp.floor((products + float(ONE >> 1)) * (1.0 / ONE))
