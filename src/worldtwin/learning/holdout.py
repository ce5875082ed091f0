"""Which recorded rows are kept aside, so that a simulator is judged by what it never saw."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.world import Transitions

SHARE: Final = 0.15
FEW_EPISODES: Final = 10
BLOCK: Final = 50
FEW_ROWS: Final = 10


def chance(key: Key) -> np.random.Generator:
    """The random numbers of `key`; the same on one machine and build, which is enough for a maker."""
    return np.random.Generator(np.random.Philox(key=(key.high << 32) | key.low))


def held_out(rows: Transitions, key: Key, learned: int = -1) -> NDArray[np.bool_]:
    """Which rows (n,) are kept aside: 15 % of the recorded episodes, or of blocks of 50 steps when episodes are few.

    Synthetic rows are kept aside only when there are no others. Fewer than 10 rows: none. A base may have learned from
    episodes up to the one numbered `learned`: when there are ten or more newer ones, they are of these, at most half.
    """
    candidates = ~rows.synthetic if not rows.synthetic.all() else rows.synthetic
    aside = np.zeros(len(rows), dtype=np.bool_)
    count = int(candidates.sum())
    if count < FEW_ROWS:
        return aside
    groups = _groups(rows.episodes[candidates])
    names = np.unique(groups)
    newer = rows.episodes[candidates] > learned
    pool = np.unique(groups[newer]) if len(np.unique(rows.episodes[candidates][newer])) >= FEW_EPISODES else names
    most = min(round(SHARE * len(names)), len(pool) // 2)
    chosen = chance(key.child("held out")).permutation(pool)[: max(1, most)]
    aside[candidates] = np.isin(groups, chosen)
    return aside


def runs(rows: Transitions, kept: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many `kept` rows (n,) follow each other without a gap from each row on, itself included; 0 where not kept."""
    follows = np.zeros(len(rows), dtype=np.bool_)
    follows[:-1] = kept[:-1] & kept[1:] & rows.follows[1:]
    position = np.arange(len(rows))
    ends = np.where(follows, len(rows), position)
    last = np.minimum.accumulate(ends[::-1])[::-1]
    return np.where(kept, last - position + 1, 0)


def _groups(episodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """What is kept aside together, as one number a row."""
    names, episode = np.unique(episodes, return_inverse=True)
    if len(names) >= FEW_EPISODES:
        return episode.astype(np.int64)
    block = max(1, min(BLOCK, len(episodes) // FEW_ROWS))
    starts = np.flatnonzero(np.r_[True, episode[1:] != episode[:-1]])
    lengths = np.diff(np.r_[starts, len(episode)])
    within = np.arange(len(episode)) - np.repeat(starts, lengths)
    return np.cumsum((within % block == 0).astype(np.int64))
