"""`Sample`: recorded rows, and which of them are kept aside."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.learning.regression.fitting import Recorded
from worldtwin.world import Lattice, Spec, Transitions

ENOUGH_TO_PART: Final = 10
"""With so many episodes kept aside, half of them choose the way of learning and the others tell how good it is."""
ENOUGH_ROWS: Final = 1_000
"""And with so many rows in them: half of fewer would choose badly."""


class Sample(Struct, frozen=True, kw_only=True, eq=False):
    """Recorded `rows`, their state rows (n, width), what goes in and comes out of each, and which are kept `aside`.

    `whole`: these are all rows, not some of those that were counted. What was chosen on some rows looks better on them
    than it is, so every second episode kept aside is for `choosing`, and the others for `telling`: all of them for both
    where there are fewer than ten or than 1,000 rows of them, and where they `chose` something before.
    """

    rows: Transitions
    states: Lattice
    everything: Recorded
    aside: NDArray[np.bool_]
    whole: bool = True
    chose: bool = False

    @property
    def parted(self) -> bool:
        """Whether other rows tell how good something is than those that chose it."""
        episodes = self.rows.episodes[self.aside]
        return not self.chose and len(episodes) >= ENOUGH_ROWS and len(np.unique(episodes)) >= ENOUGH_TO_PART

    @property
    def choosing(self) -> NDArray[np.bool_]:
        """The rows (n,) that choose between ways of learning."""
        return self.aside & ~self._second if self.parted else self.aside

    @property
    def telling(self) -> NDArray[np.bool_]:
        """The rows (n,) that tell how good the chosen one is."""
        return self.aside & self._second if self.parted else self.aside

    @property
    def _second(self) -> NDArray[np.bool_]:
        """The rows (n,) of every second episode of those kept aside."""
        return np.isin(self.rows.episodes, np.unique(self.rows.episodes[self.aside])[1::2])

    @staticmethod
    def of(
        spec: Spec, rows: Transitions, aside: NDArray[np.bool_], *, whole: bool = True, chose: bool = False
    ) -> Sample:
        """The sample of `rows`, of which the mask `aside` (n,) is for choosing and scoring only."""
        states = rows.full_states(spec)
        everything = Recorded(
            inputs=np.concatenate([states, rows.actions], axis=1),
            results=np.concatenate([rows.nexts, rows.outputs], axis=1),
        )
        return Sample(rows=rows, states=states, everything=everything, aside=aside, whole=whole, chose=chose)
