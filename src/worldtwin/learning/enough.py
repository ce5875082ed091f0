"""Whether a discrete world was counted often enough: how wide its probabilities are, and what more data would gain."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit

from worldtwin.exact import Key
from worldtwin.exact.table import tally
from worldtwin.learning.holdout import chance
from worldtwin.simulation import ENOUGH_EPISODES
from worldtwin.world import Lattice

PRIOR: Final = 0.5
"""What is added to the counts of a row, shared by all outcomes alike: a row that was never seen says nothing."""

SPLITS: Final = 4


class Steps(Struct, frozen=True, kw_only=True, eq=False):
    """What was asked, what happened, and in which episode (n,) each, as numbers from 0 on.

    An event is what was asked with what followed, which is one of so many `outcomes`.
    """

    asked: NDArray[np.int64]
    events: NDArray[np.int64]
    episodes: NDArray[np.int64]
    outcomes: int


def half_width(asked: Lattice, counts: Lattice) -> float:
    """Half the width of the interval of 95 % around the probability of an outcome, a mean over all visits.

    Each edge (E,) answers the row `asked` and was seen `counts` times. An edge that was seen c of n times has the
    posterior Beta(c + 1/2, n - c + 1/2) (Jeffreys 1946; the interval of Brown, Cai and DasGupta 2001).
    """
    totals = np.bincount(asked, weights=counts)[asked].astype(np.int64)
    pairs, times = tally([counts, totals])
    seen, others = pairs[:, 0] + 0.5, pairs[:, 1] - pairs[:, 0] + 0.5
    halves = (betaincinv(seen, others, 0.975) - betaincinv(seen, others, 0.025)) / 2
    return float(np.average(halves, weights=pairs[:, 0] * times))


def gain_of_doubling(steps: Steps, key: Key) -> float | None:
    """What the second half of the episodes gained, in nats a step: an upper bound at 95 %; None below ten episodes.

    Each episode is predicted twice, by what all others counted and by a half of them that it is not in: the difference
    of their log losses is its gain, a mean over four ways to halve. The bound is Student's, over episodes. Once most is
    known, the next doubling gains about half as much; before that, steps that never come again gain nothing.
    """
    names, episode = np.unique(steps.episodes, return_inverse=True)
    count = len(names)
    if count < ENOUGH_EPISODES:
        return None
    length = np.bincount(episode, minlength=count)
    everywhere = _loss(
        _elsewhere(steps.events, episode, count), _elsewhere(steps.asked, episode, count), steps.outcomes
    )
    gains = np.zeros(count)
    for split in range(SPLITS):
        first = (chance(key.child("halves", split)).permutation(count) < count // 2)[episode]
        half = _loss(_in_other_half(steps.events, first), _in_other_half(steps.asked, first), steps.outcomes)
        gains += np.bincount(episode, weights=half - everywhere, minlength=count) / length / SPLITS
    margin = float(stdtrit(count - 1, 0.95)) * float(np.std(gains, ddof=1)) / math.sqrt(count)
    return float(gains.mean()) + margin


def _loss(seen: Lattice, asked: Lattice, outcomes: int) -> NDArray[np.float64]:
    """The log loss (n,), in nats, of outcomes `seen` so often (n,) of the times that their row was `asked` (n,)."""
    return np.log(asked + PRIOR) - np.log(seen + PRIOR / outcomes)


def _elsewhere(numbers: Lattice, episode: NDArray[np.intp], count: int) -> Lattice:
    """How often the number of each row (n,) occurs in other episodes."""
    pairs, place, times = np.unique(numbers * count + episode, return_inverse=True, return_counts=True)
    return (np.bincount(numbers)[pairs // count] - times)[place]


def _in_other_half(numbers: Lattice, first: NDArray[np.bool_]) -> Lattice:
    """How often the number of each row (n,) occurs in the half, the `first` (n,) or the other, that it is not in."""
    most = int(numbers.max()) + 1
    one, other = np.bincount(numbers[first], minlength=most), np.bincount(numbers[~first], minlength=most)
    return np.where(first, other[numbers], one[numbers])
