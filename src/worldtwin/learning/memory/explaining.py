"""A machine with hidden states that explains a record, where one predicts better than the fields alone."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct

from worldtwin.learning.memory.hidden import KEPT, TIE, Learned, learn_machine
from worldtwin.learning.memory.machine import Sightings
from worldtwin.world import MAX_HIDDEN, Lattice, Spec, Transitions

LEAST_ROWS: Final = 100
LEAST_LOSS: Final = 0.001
"""Less is not worth digits."""
MOST_ROWS: Final = 1_000_000


class Explained(Struct, frozen=True, kw_only=True, eq=False):
    """What was `learned` from the rows at `positions` (m,) of a record, in which all `seen` steps have their numbers.

    The machine saw nothing of the `aside` (k,) positions, the last of them.
    """

    learned: Learned
    seen: Sightings
    positions: Lattice

    @property
    def aside(self) -> Lattice:
        """The positions (k,) that the machine was chosen by, and not learned from."""
        return self.positions[max(1, round(KEPT * len(self.positions))) :]

    @property
    def better(self) -> bool:
        """Whether the machine remembers something, and predicts what it has not seen better than without memory."""
        looks = self.learned.machine.looks
        return len(np.unique(looks)) < len(looks) and self.learned.loss < self.learned.memoryless - TIE

    @property
    def losses(self) -> str:
        """`held-out loss 0.31 → 0.08 nats`."""
        return f"held-out loss {_shown(self.learned.memoryless)} → {_shown(self.learned.loss)} nats"


def _shown(loss: float) -> str:
    return f"{loss:.2f}" if loss >= 0.1 else f"{loss:.2g}" if loss >= LEAST_LOSS else f"below {LEAST_LOSS:g}"


def explained(spec: Spec, rows: Transitions, *, most: int = MOST_ROWS) -> Explained | None:
    """What a machine learns from the first `most` measured `rows` of a discrete world; None where they are too few."""
    seen = Sightings.of(spec, rows)
    positions = np.flatnonzero(~rows.synthetic | rows.synthetic.all())[:most]
    if len(positions) < LEAST_ROWS:
        return None
    learned = learn_machine(seen.at(positions))
    if len(learned.machine) > MAX_HIDDEN:
        return None
    return Explained(learned=learned, seen=seen, positions=positions)
