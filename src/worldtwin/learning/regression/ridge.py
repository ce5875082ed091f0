"""Least squares with a penalty, for many penalties, targets and resamplings at once."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Final, Literal, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.int64]
Part: TypeAlias = Literal["all", "inside", "usual"]
"""Rows to learn from: all; those inside the declared ranges; of these, those in which nothing leapt."""

RIDGES: Final = (30.0, 1.0, 1e-2, 1e-4, 1e-6, 1e-8)
LEASTS: Final = (1e-3, 1e-4, 1e-5, 1e-6)
MARGIN: Final = 0.98
HANDS: Final = 64


class Choice(Struct, frozen=True, kw_only=True):
    """How one target is learned: monomials up to `degree`, the penalty on their weights, and from which rows.

    Monomials that contribute less than `least` of the target are left out.
    """

    degree: int = 1
    ridge: float = RIDGES[0]
    part: Part = "all"
    least: float = 0.0


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

    def telling(self, ridge: float, least: float) -> Rows:
        """The positions of the terms that each contribute at least a share `least` of the only target.

        The others are left out and the rest is solved again, until none is left to leave out (sequentially thresholded
        least squares: Brunton, Proctor and Kutz, 2016). The contribution of a term is its root mean square.
        """
        kept, size, wanted = np.arange(len(self.left)), np.sqrt(np.diag(self.left)), 0.0
        while least > 0.0 and len(kept):
            told = np.abs(self.only(kept).solve(ridge)[:, 0]) * size[kept]
            wanted = wanted or least * float(np.linalg.norm(told))
            if (told >= wanted).all():
                break
            kept = kept[told >= wanted]
        return kept

    def solution(self, choice: Choice) -> Floats:
        """The weights (terms,) of the only target, 0 for those terms that are left out."""
        kept, weights = self.telling(choice.ridge, choice.least), np.zeros(len(self.left))
        weights[kept] = self.only(kept).solve(choice.ridge)[:, 0]
        return weights

    def of(self, target: int) -> Gram:
        """The normal equations of one target alone."""
        return Gram(left=self.left, right=self.right[..., target : target + 1])

    def only(self, terms: Rows) -> Gram:
        """The normal equations of some terms."""
        return Gram(left=self.left[..., terms[:, None], terms], right=self.right[..., terms, :])

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


def spared(
    equation: Gram, target: int, choice: Choice, error_of: Callable[[Floats], Floats], enough: float
) -> tuple[Choice, float]:
    """The choice without the monomials whose loss costs no more than 2 %, where the error is below `enough`; its error.

    What does not belong to the equation only adds error, most of all beyond the record.
    """

    def error(of: Choice) -> float:
        weights = np.zeros(equation.right.shape)
        weights[:, target] = equation.of(target).solution(of)
        return math.sqrt(float(error_of(weights)[target]))

    whole = error(choice)
    shorter = (replace(choice, least=least) for least in LEASTS) if whole <= enough else ()
    found = ((each, error(each)) for each in shorter)
    return next(((each, missed) for each, missed in found if MARGIN * missed <= whole), (choice, whole))
