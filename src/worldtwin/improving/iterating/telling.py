"""How far an iteration is, told to whoever listens."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, final

from msgspec.structs import replace

from worldtwin.improving.progress import Listener, Progress

FIRST: Final = 0.1
"""The share of the time that is told for what is recorded before the rounds."""

ROUNDS: Final = 0.8
"""That of all rounds; the rest is for the comparison."""

SEARCH: Final = 0.8
"""The share of a round that its search takes; the rest is reality."""


@final
class Teller:
    """Tells a listener, if there is one, how far all of it is. Mutable: it remembers how far that was."""

    def __init__(self, listener: Listener | None, rounds: int) -> None:
        self._listener, self._rounds = listener, rounds
        self._fraction = 0.0
        self._began = time.monotonic()

    def searching(self, number: int) -> Callable[[Progress], None] | None:
        """A listener to the search of round `number`, from 0."""
        listener = self._listener
        if listener is None:
            return None

        def tell(now: Progress) -> None:
            self._fraction = FIRST + ROUNDS * (number + SEARCH * now.fraction) / self._rounds
            phase = f"round {number + 1} of {self._rounds}"
            listener(replace(now, phase=phase, fraction=self._fraction, seconds=self._seconds))

        return tell

    def living(self, phase: str, fraction: float, paid: float) -> None:
        """Tell of one real episode and its return; it never goes backwards."""
        self._fraction = max(self._fraction, fraction)
        if self._listener is not None:
            self._listener(
                Progress(
                    phase=phase,
                    generation=0,
                    evaluations=0,
                    best=paid,
                    middle=paid,
                    sources={},
                    fraction=self._fraction,
                    seconds=self._seconds,
                )
            )

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began
