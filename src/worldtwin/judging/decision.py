"""What a comparison of two tasks came to, and the rule that decides at one look at their returns."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.judging.evidence import evidence_bits
from worldtwin.world import shown

MARGIN: Final = 0.01
"""Two mean returns differ when they are further apart than this share of the spec's return range."""

BITS: Final = 20
"""How much evidence is asked for: an error of at most 2^-20."""


REFUSAL_BITS: Final = 7
"""Refusing errs on the safe side, so it takes less evidence."""


class Order(IntEnum):
    """How the candidate compares with the incumbent on one item of the objective."""

    WORSE = -1
    EQUAL = 0
    BETTER = 1


class Decision(Struct, frozen=True, kw_only=True):
    """Whether the candidate is better, by which item of the objective, and how sure that is.

    `bits` of evidence stand behind it (an error of at most 2^-bits); `exact` decisions were enumerated or counted and
    need none. `before` and `after` are the mean returns of incumbent and candidate over `episodes` pairs of runs.
    """

    better: bool
    by: str
    reason: str
    bits: int = 0
    exact: bool = False
    episodes: int = 0
    before: float = 0.0
    after: float = 0.0

    @property
    def mean_difference(self) -> float:
        """By how much the candidate's mean return is higher."""
        return self.after - self.before

    @property
    def text(self) -> str:
        """One line for people."""
        word = "better" if self.better else "not better"
        if not self.episodes:
            return f"{word}: {self.reason}"
        certainty = "exact" if self.exact else f"{self.bits} bits of evidence"
        return (
            f"{word}: {self.reason} · return {shown(self.before)} → {shown(self.after)} over {self.episodes:,} episodes"
            f" · {certainty}"
        )


class Rule(Struct, frozen=True, kw_only=True):
    """What `decide_at_look` needs besides the returns, in the lattice of rewards.

    Differences lie in [-`width`, `width`]; `margin` separates different from equal; `later` is the order on the items
    of the objective behind the return.
    """

    width: int
    margin: int
    bits: int
    later: Order


class Look(Struct, frozen=True, kw_only=True):
    """The state of the evidence at one look: what it says (None: look again later), by which item, and its bits."""

    order: Order | None
    by: str
    bits: int


def decide_at_look(differences: NDArray[np.int64], rule: Rule) -> Look:
    """What paired differences (n,) of returns, candidate minus incumbent, decide.

    1. Means further apart than the margin differ: the evidence must be that the mean difference is positive.
    2. Otherwise the later items decide, and the evidence must be that the return is not worse by more than the margin.
    3. Evidence that the candidate is worse, or that its gain is below the margin and nothing else speaks for it, ends
       the comparison.
    """
    total, margin = int(differences.sum()), rule.margin * len(differences)
    if total > margin:
        bits = evidence_bits(differences, rule.width)
        return Look(order=Order.BETTER if bits >= rule.bits else None, by="return", bits=bits)
    if total < -margin:
        bits = evidence_bits(-differences, rule.width)
        return Look(order=Order.WORSE if bits >= REFUSAL_BITS else None, by="return", bits=bits)
    if rule.later is Order.BETTER:
        bits = evidence_bits(differences + rule.margin, rule.width)
        return Look(order=Order.BETTER if bits >= rule.bits else None, by="later", bits=bits)
    bits = evidence_bits(rule.margin - differences, rule.width)
    return Look(order=rule.later if bits >= REFUSAL_BITS else None, by="later", bits=bits)


def decide_exactly(differences: NDArray[np.int64], rule: Rule) -> Look:
    """What the differences of *all* runs that there are decide: the same rule without doubt."""
    total, margin = int(differences.sum()), rule.margin * len(differences)
    if abs(total) > margin:
        return Look(order=Order.BETTER if total > 0 else Order.WORSE, by="return", bits=0)
    return Look(order=rule.later, by="later", bits=0)


def first_that_differs(orders: Sequence[tuple[str, Order]]) -> tuple[str, Order]:
    """The first item that is not equal, and its order."""
    return next(((item, order) for item, order in orders if order is not Order.EQUAL), ("", Order.EQUAL))
