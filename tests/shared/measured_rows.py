"""Transitions by hand: measured rows, in episodes of the same length."""

from __future__ import annotations

import numpy as np

from worldtwin.world import Transitions


def episodes_of(
    states: np.ndarray,
    actions: np.ndarray,
    nexts: np.ndarray,
    outputs: np.ndarray | None = None,
    *,
    length: int,
) -> Transitions:
    """Rows (n, fields) of episodes of `length` steps each, one after the other; none have `outputs` unless given."""
    count = len(states)
    return Transitions(
        states=states,
        actions=actions,
        nexts=nexts,
        outputs=np.zeros((count, 0), dtype=np.int64) if outputs is None else outputs,
        episodes=np.arange(count) // length,
        steps=np.arange(count) % length,
        synthetic=np.zeros(count, dtype=np.bool_),
    )
