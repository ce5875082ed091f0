"""The search distribution: CMA-ES of the `cmaes` library in coordinates where every parameter is worth about one.

Hansen, "The CMA evolution strategy: a tutorial" (2016); with margin for whole numbers: Hamano, Saito, Nomura and
Shirakawa (GECCO 2022); separable above 60 parameters: Ros and Hansen (PPSN 2008).
"""

from __future__ import annotations

from typing import Final, final

import numpy as np
from cmaes import CMA, CMAwM, SepCMA
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact.key import Key

DENSE: Final = 60
"""Up to this many parameters the full covariance pays; above, its diagonal must do."""


PREFERENCE: Final = 10.0
"""How far a name can be preferred over others; the one to begin with is by 1."""


class Box(Struct, frozen=True, eq=False):
    """Where to search: a middle, a spread to begin with, and limits for each parameter (p,); `whole` ones stay so.

    Where `choices` is k > 0, the values 0 ... k - 1 are in no order.
    """

    middle: NDArray[np.float64]
    spread: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    whole: NDArray[np.bool_]
    choices: NDArray[np.int64]

    @property
    def free(self) -> NDArray[np.bool_]:
        """Which parameters can change at all."""
        return self.high > self.low


@final
class Evolution:
    """A distribution over the free parameters of a box that moves to where `tell` says it is better. Mutable.

    A choice among k names is k numbers to the optimizer: the largest one is chosen, so that no name lies between two.
    """

    def __init__(self, box: Box, *, population: int, key: Key) -> None:
        self._box = box
        self._free = np.flatnonzero(box.free & (box.choices == 0))
        self._chosen = np.flatnonzero(box.free & (box.choices > 0))
        self._optimizer = _optimizer(box, self._free, self._chosen, population, key.child("evolution").low)
        self._asked: list[NDArray[np.float64]] = []
        self.population = population

    @property
    def mean(self) -> NDArray[np.float64]:
        """The middle of the distribution (p,)."""
        return self._outside(self._optimizer.mean[None, :])[0]

    @property
    def settled(self) -> bool:
        """Whether the distribution has shrunk (or run away) so far that more samples tell nothing."""
        return bool(self._optimizer.should_stop())

    def ask(self) -> NDArray[np.float64]:
        """Parameters to try (population, p)."""
        optimizer = self._optimizer
        if isinstance(optimizer, CMAwM):
            pairs = [optimizer.ask() for _ in range(self.population)]
            self._asked = [raw for _, raw in pairs]
            return self._outside(np.array([encoded for encoded, _ in pairs]))
        self._asked = [optimizer.ask() for _ in range(self.population)]
        return self._outside(np.array(self._asked))

    def tell(self, scores: NDArray[np.float64]) -> None:
        """Learn that what `ask` returned last has `scores` (population,), more is better."""
        losses = [-float(score) for score in scores]
        self._optimizer.tell(list(zip(self._asked, losses, strict=True)))

    def _outside(self, inside: NDArray[np.float64]) -> NDArray[np.float64]:
        """Parameters (n, p) of the optimizer's own coordinates (n, free)."""
        box = self._box
        values = np.repeat(box.middle[None, :], len(inside), axis=0)
        values[:, self._free] += inside[:, : len(self._free)] * box.spread[self._free]
        first = len(self._free)
        for at in self._chosen:
            values[:, at] = np.argmax(inside[:, first : first + box.choices[at]], axis=1)
            first += box.choices[at]
        values = np.clip(values, box.low, box.high)
        return np.where(box.whole, np.rint(values), values)


def _optimizer(
    box: Box, free: NDArray[np.int64], chosen: NDArray[np.int64], population: int, seed: int
) -> CMA | SepCMA | CMAwM:
    """The library's optimizer that fits the box: for whole numbers, for few parameters, or for many."""
    middle, spread = box.middle[free], box.spread[free]
    limits = np.stack([(box.low[free] - middle) / spread, (box.high[free] - middle) / spread], axis=1)
    preferred = [np.arange(int(box.choices[at])) == box.middle[at] for at in chosen]
    start = np.concatenate([np.zeros(len(free)), *preferred])
    limits = np.concatenate([limits, np.tile([-PREFERENCE, PREFERENCE], (len(start) - len(free), 1))])
    if box.whole[free].any():
        steps = np.concatenate([np.where(box.whole[free], 1.0 / spread, 0.0), np.zeros(len(start) - len(free))])
        return CMAwM(start, 1.0, bounds=limits, steps=steps, seed=seed, population_size=population)
    kind = CMA if len(start) <= DENSE else SepCMA
    return kind(start, 1.0, bounds=limits, seed=seed, population_size=population)
