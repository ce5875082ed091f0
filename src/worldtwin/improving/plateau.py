"""When to stop: nothing left to gain, or nothing gained for a while."""

from __future__ import annotations

from typing import Final, final

LAG: Final = 15
"""A generation's gain is over the one so many generations before, on the same starts: the luck of starts cancels."""

PATIENCE: Final = 25
TOLERANCE: Final = 0.002
SOLVED: Final = 3


@final
class Plateau:
    """Watches the middle of the distribution, generation by generation. Mutable.

    `top` is the best score there can be, `width` the distance from the worst to it; a gain of `tolerance` of that in
    fifteen generations counts as one.
    """

    def __init__(self, *, top: float, width: float, tolerance: float = TOLERANCE) -> None:
        self._top, self._width, self._tolerance = top, width, tolerance
        self._gains: list[float] = []
        self._solved = 0

    def see(self, gain: float, usual: float) -> None:
        """Take in one more generation: its gain over an earlier one, and its score from the usual starts alone."""
        self._gains.append(gain)
        self._solved = self._solved + 1 if self.is_top(usual) else 0

    def is_top(self, score: float) -> bool:
        """Whether no score can be better."""
        return score >= self._top - 1e-9 * self._width

    @property
    def solved(self) -> bool:
        """Whether the usual scores of the last three generations were as good as can be."""
        return self._solved >= SOLVED

    @property
    def reached(self) -> bool:
        """Whether the last 25 generations gained next to nothing, each over the one fifteen before."""
        recent = self._gains[-PATIENCE:]
        return len(self._gains) >= LAG + PATIENCE and sum(recent) <= self._tolerance * self._width * PATIENCE

    def closer(self, share: float) -> Plateau:
        """A fresh one for the same scores, to which a `share` of the gain is one."""
        return Plateau(top=self._top, width=self._width, tolerance=share * self._tolerance)

    @property
    def fraction(self) -> float:
        """How far along, if nothing more is gained."""
        seen = len(self._gains)
        return min(0.9, seen / (2 * (LAG + PATIENCE)))
