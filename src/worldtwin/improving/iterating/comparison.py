"""Is a task better in reality? Pairs of episodes on the same seeds, and exact evidence or a plain "cannot tell"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.judging import evidence_bits
from worldtwin.judging.evidence import BETS
from worldtwin.world import Spec, shown

REAL_BITS: Final = 7
"""How much evidence is asked of reality, where every step has a price: an error of at most 2^-7, below 1 %."""

ENOUGH: Final = REAL_BITS + math.ceil(math.log2(BETS))
"""From how many pairs on a gain could have been shown: each at most doubles what was bet."""

CLOSE_LOOKS: Final = 64
"""Up to so many pairs the evidence is looked at after each of them, then after every 64."""


class Finding(StrEnum):
    """Whether the best task that was found is better in reality than the given one."""

    BETTER = "better"
    NOT_BETTER = "not better"
    CANNOT_TELL = "cannot tell"


class Comparison(Struct, frozen=True, kw_only=True):
    """What reality says: `before` and `after` are mean returns of the given and of the best task over as many `pairs`.

    `bits` of evidence stand behind it. Where nobody can tell, `enough` estimates how many pairs would do, if it went
    on like this. Without pairs the means are those of other episodes, None where there was none.
    """

    finding: Finding
    reason: str
    pairs: int = 0
    before: float | None = None
    after: float | None = None
    bits: int = 0
    enough: int | None = None

    @property
    def proven(self) -> bool:
        """Whether there is evidence enough to stop: a mean that just happens to be lower after some pair is none."""
        return self.bits >= REAL_BITS

    @property
    def text(self) -> str:
        """One line for people."""
        means = ""
        if self.before is not None and self.after is not None:
            means = f" · return {shown(self.before)} → {shown(self.after)}"
        counted = "1 pair" if self.pairs == 1 else f"{self.pairs:,} pairs"
        over = f" over {counted} of episodes on the same seeds" if self.pairs else ""
        bits = f" · {self.bits} bits of evidence" if self.finding is Finding.BETTER else ""
        more = f" · about {self.enough:,} pairs would do" if self.enough else ""
        return f"{self.finding} in reality: {self.reason}{means}{over}{bits}{more}"


def compare(before: Sequence[float], after: Sequence[float], spec: Spec) -> Comparison:
    """What the real returns of paired episodes say; they count within the returns that the spec declares.

    The evidence is an e-value, so it may be looked at after every pair (`worldtwin.judging.evidence`). "Not better" is
    said without evidence when many pairs show no gain: believe that only where their number was fixed before.
    """
    pairs = len(before)
    if not pairs:
        return Comparison(finding=Finding.CANNOT_TELL, reason="not enough real steps for one pair of full episodes")
    low, high = (round(bound / spec.reward_unit) for bound in spec.returns)
    lattice = [
        np.clip(np.rint(np.array(side) / spec.reward_unit), low, high).astype(np.int64) for side in (before, after)
    ]
    differences, width = lattice[1] - lattice[0], max(1, high - low)
    gain, loss = evidence_bits(differences, width), evidence_bits(-differences, width)
    finding, reason = _found(pairs, int(differences.sum()), gain, loss)
    return Comparison(
        finding=finding,
        reason=reason,
        pairs=pairs,
        before=float(np.mean(before)),
        after=float(np.mean(after)),
        bits=max(0, gain if finding is Finding.BETTER else loss if finding is Finding.NOT_BETTER else 0),
        enough=_enough(differences / width) if finding is Finding.CANNOT_TELL else None,
    )


def is_time_to_look(pairs: int) -> bool:
    """Whether the evidence is looked at after so many pairs: computing it takes longer the more there are."""
    return pairs <= CLOSE_LOOKS or pairs % CLOSE_LOOKS == 0


def _found(pairs: int, total: int, gain: int, loss: int) -> tuple[Finding, str]:
    if gain >= REAL_BITS:
        return Finding.BETTER, "higher return"
    if loss >= REAL_BITS:
        return Finding.NOT_BETTER, "lower return"
    if pairs >= ENOUGH and total <= 0:
        return Finding.NOT_BETTER, "no sign of a higher return"
    return Finding.CANNOT_TELL, f"not enough real episodes to tell ({pairs:,})"


def _enough(shares: NDArray[np.float64]) -> int | None:
    """About how many pairs like these, as `shares` (n,) of the return range, make the evidence; None when none do."""
    with np.errstate(divide="ignore"):
        growth = max(float(np.log2(1.0 + shares / 2.0**halvings).mean()) for halvings in range(BETS))
    return math.ceil((REAL_BITS + math.log2(BETS)) / growth) if growth > 0 else None
