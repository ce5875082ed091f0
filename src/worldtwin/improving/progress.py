"""What a search says about itself while it runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from worldtwin.world import shown

SHOWN: Final = 0.005
"""A smaller share of the transitions is not worth a word."""


class Progress(Struct, frozen=True, kw_only=True):
    """One generation further: scores are returns, `sources` are shares of the transitions it was judged on.

    `fraction` of the work is done (as far as anyone can tell); `seconds` have passed.
    """

    phase: str
    generation: int
    evaluations: int
    best: float
    middle: float
    sources: Mapping[str, float]
    fraction: float
    seconds: float

    @property
    def seconds_left(self) -> float:
        """How long the rest takes at the pace so far; infinite at the start."""
        return self.seconds * (1 - self.fraction) / self.fraction if self.fraction > 0 else math.inf

    @property
    def text(self) -> str:
        """`best 412 · 81 % observed, 19 % predicted · 12 s left`."""
        mix = ", ".join(f"{100 * share:.0f} % {name}" for name, share in self.sources.items() if share >= SHOWN)
        left = f"{self.seconds_left:.0f} s left" if math.isfinite(self.seconds_left) else ""
        return " · ".join(part for part in (f"best {shown(self.best)}", mix, left) if part)


Listener: TypeAlias = Callable[[Progress], None]
"""Whoever wants to know, such as a progress bar."""
