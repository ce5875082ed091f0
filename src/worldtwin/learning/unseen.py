"""How much of a discrete world has not been seen yet: the Good-Turing idea, one episode left out at a time.

Steps of an episode depend on each other, so episodes are what is counted (Good 1953; `research/discrete.md`).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import stdtrit

from worldtwin.simulation import ENOUGH_EPISODES

ENOUGH_BLOCKS: Final = 20
ENOUGH_VISITS: Final = 5


class Unseen(Struct, frozen=True, kw_only=True):
    """The share of a new episode's steps whose event was never seen: an estimate, and an upper bound at 95 %."""

    estimate: float
    bound: float


def unseen_mass(
    events: NDArray[np.int64], episodes: NDArray[np.int64], elsewhere: NDArray[np.bool_] | None = None
) -> Unseen | None:
    """How much of a new episode was never seen; None when there are fewer than ten episodes.

    `events` (n,), from 0 on, and `episodes` (n,) number what happened and where; those marked in `elsewhere` (n,) were
    seen in some other episode too, that is not here. With f_e the share of episode e's
    steps whose event is in no other episode, g_e in exactly two, and n episodes, the bound is
    mean f + t(.95) max(sd f, sd(f + g)) / sqrt(n) + ln 20 / 3n.
    """
    names, episode = np.unique(episodes, return_inverse=True)
    count = len(names)
    if count < ENOUGH_EPISODES:
        return None
    spread = _episodes_of(events, episode)
    if elsewhere is not None:
        spread = spread + elsewhere
    steps = np.bincount(episode, minlength=count)
    only = np.bincount(episode, weights=spread == 1, minlength=count) / steps
    twice = np.bincount(episode, weights=spread == 2, minlength=count) / steps
    deviation = max(float(np.std(only, ddof=1)), float(np.std(only + twice, ddof=1)))
    quantile = float(stdtrit(count - 1, 0.95))
    bound = float(only.mean()) + quantile * deviation / math.sqrt(count) + math.log(20) / (3 * count)
    return Unseen(estimate=float(only.mean()), bound=min(1.0, bound))


def blocks(episodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """`episodes` (n,), or the numbers of 20 equal blocks when all rows are one long stream (at least 1,000 rows)."""
    if len(np.unique(episodes)) > 1 or len(episodes) < 50 * ENOUGH_BLOCKS:
        return episodes
    return np.arange(len(episodes)) * ENOUGH_BLOCKS // len(episodes)


def coverage(
    states: NDArray[np.int64], actions: NDArray[np.int64], possible: NDArray[np.bool_], times: NDArray[np.int64]
) -> float:
    """The share of visits to states whose possible actions were all tried at least 5 times.

    `states` (n,) and `actions` (n,) are numbers, tried together `times` (n,); `possible` (n, choices).
    """
    choices = possible.shape[1]
    names, first, state = np.unique(states, return_index=True, return_inverse=True)
    place = state * choices + actions
    tried = np.bincount(place, weights=times, minlength=len(names) * choices).reshape(len(names), choices)
    complete = np.all((tried >= ENOUGH_VISITS) | ~possible[first], axis=1)
    return float(np.average(complete[state], weights=times))


def _episodes_of(events: NDArray[np.int64], episode: NDArray[np.intp]) -> NDArray[np.int64]:
    """In how many episodes the event of each row (n,) occurs."""
    count = int(episode.max()) + 1
    pairs = np.sort(events * count + episode)
    first = np.concatenate([[True], pairs[1:] != pairs[:-1]])
    return np.bincount(pairs[first] // count)[events]
