"""Where rehearsals begin: half where episodes begin, half anywhere that was recorded: little can be exploited."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key, Words, below, draw
from worldtwin.simulation import Simulator
from worldtwin.world import Lattice

STREAM_RECORDED: Final = 1 << 20


class Begin(StrEnum):
    """Where the rehearsals of a search begin; all but ANYWHERE is there to see what that is worth."""

    ANYWHERE = "half of them at recorded states"
    USUALLY = "where episodes begin"


class Starts(Struct, frozen=True, eq=False):
    """State rows (n, width), the own keys (n, 2) of the episodes from there, and which are `recorded` states (n,)."""

    rows: Lattice
    keys: Words
    recorded: NDArray[np.bool_]

    def __len__(self) -> int:
        """The number of episodes."""
        return len(self.rows)


def fresh_starts(simulator: Simulator, count: int, *, key: Key) -> Starts:
    """`count` episodes that begin as the spec says."""
    keys = key.episodes(np.arange(count))
    return Starts(simulator.start_states(keys), keys, np.zeros(count, dtype=np.bool_))


def mixed_starts(simulator: Simulator, count: int, *, key: Key, begin: Begin = Begin.ANYWHERE) -> Starts:
    """`count` episodes, every second one from a recorded state when there are any and `begin` asks for it."""
    starts = fresh_starts(simulator, count, key=key)
    recorded = simulator.recorded
    if not len(recorded) or begin is Begin.USUALLY:
        return starts
    anywhere = recorded[below(draw(starts.keys, 0, STREAM_RECORDED), len(recorded))]
    second = np.arange(count) % 2 == 1
    return Starts(np.where(second[:, None], anywhere, starts.rows), starts.keys, second)
