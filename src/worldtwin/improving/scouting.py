"""A wide first look: samples all over the declared ranges, so that a climb does not begin on a flat stretch."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.improving.evolution import Box
from worldtwin.improving.rehearsal import Rehearsal, Rehearsals

SCOUTS: Final = 32
STARTS: Final = 10


def scouted(rehearsals: Rehearsals, box: Box, *, key: Key) -> tuple[Box, Rehearsal]:
    """`box` around its middle, or around the best of 32 scouts where that one is better; and what they came to."""
    values = np.vstack([_spread_out(box, key.child("scouts")), box.middle])
    found = rehearsals.of(values, rehearsals.starts(STARTS, key=key), key=key)
    best = int(np.argmax(found.scores))
    better = found.scores[best] > found.scores[-1]
    return (replace(box, middle=values[best]) if better else box), found


def _spread_out(box: Box, key: Key) -> NDArray[np.float64]:
    """A Latin hypercube (scouts, p): every 32nd of each range once (McKay, Beckman and Conover, 1979)."""
    chance = np.random.Generator(np.random.Philox(key=[key.high, key.low]))
    strata = chance.permuted(np.tile(np.arange(SCOUTS), (len(box.middle), 1)), axis=1).T
    shares = (strata + chance.random(strata.shape)) / SCOUTS
    values = np.where(box.free, box.low + shares * (box.high - box.low), box.middle)
    return np.where(box.whole, np.rint(values), values)
