"""The exact evidence that a mean is positive: a betting martingale over bounded integers.

Whoever bets a fixed share of their wealth on each difference being positive cannot expect to gain while the mean is at
most zero; so a wealth of 2^bits at any look refutes that with an error of at most 2^-bits (Ville, 1939), whatever the
distribution. Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (JRSS B, 2024).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worldtwin.errors import InvalidValue

BETS: Final = 11
"""The shares of the wealth that are bet: 2^0, 2^-1, ... 2^-10, each with an equal part of the start capital."""

FIRST_LOOK: Final = 256

LAST_LOOK: Final = 16_384
"""More differences than that take minutes of big numbers for gains that nobody would notice."""


def looks() -> Iterator[int]:
    """After how many episodes the evidence is looked at: 256, 512, 1,024 and so on up to 16,384."""
    episodes = FIRST_LOOK
    while episodes <= LAST_LOOK:
        yield episodes
        episodes *= 2


def evidence_bits(differences: NDArray[np.int64], bound: int) -> int:
    """`floor(log2 e)` of the e-value against "the mean of `differences` (n,) is at most zero"; each is >= -`bound`.

    `e = 1/11 * sum over k = 0..10 of product over i of (1 + differences[i] / (bound * 2^k))`, computed in integers
    without rounding. Raises `InvalidValue` when a difference is below -`bound`.
    """
    if bound <= 0 or (len(differences) and int(differences.min()) < -bound):
        raise InvalidValue(f"differences must be at least -{bound}, the bound, and the bound positive")
    values, counts, scale = _reduced(differences, bound)
    episodes = len(differences)
    wealth = sum(
        _wealth(values, counts, scale, halvings) << ((BETS - 1 - halvings) * episodes) for halvings in range(BETS)
    )
    capital = BETS * scale**episodes << ((BETS - 1) * episodes)
    return _floor_log2(wealth, capital)


def _reduced(differences: NDArray[np.int64], bound: int) -> tuple[list[int], list[int], int]:
    """The distinct differences, how often each occurs, and the bound, all divided by their greatest common divisor."""
    values, counts = np.unique(differences, return_counts=True)
    numbers = [int(value) for value in values]
    divisor = math.gcd(bound, *numbers)
    return [value // divisor for value in numbers], [int(count) for count in counts], bound // divisor


def _wealth(values: Sequence[int], counts: Sequence[int], bound: int, halvings: int) -> int:
    """The product of `bound * 2^halvings + difference` over all differences."""
    stake = bound << halvings
    return product([(stake + value) ** count for value, count in zip(values, counts, strict=True)])


def product(factors: Sequence[int]) -> int:
    """The product of `factors`, as a balanced tree: big numbers meet big numbers, which is what makes it fast."""
    layer = list(factors)
    while len(layer) > 1:
        pairs = [layer[at] * layer[at + 1] for at in range(0, len(layer) - 1, 2)]
        layer = pairs + layer[len(layer) & ~1 :]
    return layer[0] if layer else 1


def _floor_log2(numerator: int, denominator: int) -> int:
    """The largest `k` with `2^k <= numerator / denominator`, both positive."""
    guess = numerator.bit_length() - denominator.bit_length()
    fits = numerator >= denominator << guess if guess >= 0 else numerator << -guess >= denominator
    return guess if fits else guess - 1
