"""`Sample`: recorded rows, and which of them are kept aside."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.learning.regression.fitting import Recorded
from worldtwin.world import Lattice, Spec, Transitions


class Sample(Struct, frozen=True, kw_only=True, eq=False):
    """Recorded `rows`, their state rows (n, width), what goes in and comes out of each, and which are kept `aside`.

    `whole`: these are all rows, not some of those that were counted.
    """

    rows: Transitions
    states: Lattice
    everything: Recorded
    aside: NDArray[np.bool_]
    whole: bool = True

    @staticmethod
    def of(spec: Spec, rows: Transitions, aside: NDArray[np.bool_], *, whole: bool = True) -> Sample:
        """The sample of `rows`, of which the mask `aside` (n,) is for scoring only."""
        states = rows.full_states(spec)
        everything = Recorded(
            inputs=np.concatenate([states, rows.actions], axis=1),
            results=np.concatenate([rows.nexts, rows.outputs], axis=1),
        )
        return Sample(rows=rows, states=states, everything=everything, aside=aside, whole=whole)
