"""Least squares with a penalty, for many penalties, targets and resamplings at once."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Final, Literal, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.int64]
Part: TypeAlias = Literal["all", "inside", "usual"]
"""Rows to learn from: all; those inside the declared ranges; of these, those in which nothing leapt."""

RIDGES: Final = (30.0, 1.0, 1e-2, 1e-4, 1e-6, 1e-8)
MARGIN: Final = 0.98
HANDS: Final = 64


class Choice(Struct, frozen=True, kw_only=True):
    """How one target is learned: monomials up to `degree`, the penalty on their weights, and from which rows."""

    degree: int = 1
    ridge: float = RIDGES[0]
    part: Part = "all"


class Gram(Struct, frozen=True, eq=False):
    """The normal equations of some rows: `left` (terms, terms), `right` (terms, targets).

    Both may have a leading axis: one of each for every resampling.
    """

    left: Floats
    right: Floats

    def solve(self, ridge: float) -> Floats:
        """The weights (..., terms, targets) of one penalty."""
        damped = self.left + ridge * np.eye(self.left.shape[-1])
        return np.asarray(np.linalg.solve(damped, self.right), dtype=np.float64)

    def solve_all(self) -> Floats:
        """The weights (penalties, terms, targets) for each of `RIDGES`: one eigendecomposition serves them all."""
        values, vectors = np.linalg.eigh(self.left)
        rotated = vectors.T @ self.right
        damping = np.maximum(values, 0.0)[:, None] + np.array(RIDGES)[:, None, None]
        return np.asarray(vectors @ (rotated / damping), dtype=np.float64)

    def head(self, count: int) -> Gram:
        """The normal equations of the first `count` terms."""
        return Gram(left=self.left[..., :count, :count], right=self.right[..., :count, :])

    def at(self, resampling: int) -> Gram:
        """The normal equations of one resampling."""
        return Gram(left=self.left[resampling], right=self.right[resampling])

    def times(self, counts: Floats) -> Gram:
        """The normal equations of resamplings that have the rows `counts` (resamplings,) times."""
        return Gram(left=counts[:, None, None] * self.left, right=counts[:, None, None] * self.right)

    def __add__(self, other: Gram) -> Gram:
        """The normal equations of the rows of both."""
        return Gram(left=self.left + other.left, right=self.right + other.right)


def gram(terms: Floats, targets: Floats) -> Gram:
    """The normal equations of `terms` (n, terms) and `targets` (n, targets)."""
    return Gram(left=terms.T @ terms, right=terms.T @ targets)


def resampled(
    rows: Rows, read: Callable[[Rows], tuple[Floats, Floats]], members: int, chance: np.random.Generator
) -> Gram:
    """The normal equations of all `rows` (resampling 0) and of `members` draws of them with replacement.

    Rows are dealt into 64 hands and hands are drawn, so that each row is read once however many members there are;
    `read` gives terms and targets of some rows. At least one row.
    """
    hands = np.array_split(chance.permutation(rows), min(HANDS, len(rows)))
    drawn = chance.multinomial(len(hands), np.full(len(hands), 1 / len(hands)), size=members)
    times = np.concatenate([np.ones((1, len(hands))), drawn])
    parts = (gram(*read(hand)).times(count) for hand, count in zip(hands, times.T, strict=True))
    return reduce(operator.add, parts)


def choose(
    equations: dict[Part, Gram], counts: tuple[int, ...], error_of: Callable[[Floats], Floats], targets: int
) -> tuple[Choice, ...]:
    """For each target the simplest choice that no other beats by 2 % on held-out rows.

    `equations` of all rows and of those parts that are fewer; `counts[d - 1]` terms have a degree of at most d;
    `error_of` weights (terms, targets) is the held-out squared error.
    """
    best = np.full(targets, np.inf)
    chosen = [Choice()] * targets
    for part, equation in equations.items():
        for degree, count in enumerate(counts, start=1):
            for ridge, weights in zip(RIDGES, equation.head(count).solve_all(), strict=True):
                error = error_of(weights)
                for target in np.flatnonzero(error < MARGIN * best):
                    best[target] = error[target]
                    chosen[target] = Choice(degree=degree, ridge=ridge, part=part)
    return tuple(chosen)
