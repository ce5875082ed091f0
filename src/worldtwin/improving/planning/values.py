"""Value iteration over a finite world: what each state is worth, and the action to take there (Bellman, 1957)."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

TOLERANCE: Final = 1e-12
SWEEPS: Final = 1_000
"""How many steps are computed one by one where more would take too long."""

END: Final = -1


class Graph(Struct, frozen=True, kw_only=True, eq=False):
    """A finite world: pairs of a state and an action, each with edges to what may follow.

    `states` (pairs,) is each pair's state, in rising order and each state at least once; `pairs` (edges,) each edge's
    pair, in rising order; `nexts` (edges,) the state it leads to or `END`; `shares` (edges,) its probability; `rewards`
    (edges,) what it pays. A pair without edges is unknown.
    """

    states: NDArray[np.int64]
    pairs: NDArray[np.int64]
    nexts: NDArray[np.int64]
    shares: NDArray[np.float64]
    rewards: NDArray[np.float64]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether anything is known to follow a pair (pairs,)."""
        known = np.zeros(len(self.states), dtype=np.bool_)
        known[self.pairs] = True
        return known


class Valued(Struct, frozen=True, kw_only=True, eq=False):
    """What pairs are `worth` (pairs,), what the best of each state is (`values`, states), and its `first` pair.

    What differs by less than `slack` is equal.
    """

    worth: NDArray[np.float64]
    values: NDArray[np.float64]
    first: NDArray[np.int64]
    slack: float


def best_pairs(graph: Graph, *, horizon: int, worst: float) -> NDArray[np.int64]:
    """The pair to choose in each state (states,) with `horizon` steps to live; ties go to the first."""
    found = valued(graph, horizon=horizon, worst=worst)
    return _first_best(found.worth, found.values, graph.states, found.first, slack=found.slack)


def valued(graph: Graph, *, horizon: int, worst: float) -> Valued:
    """What each pair is worth with `horizon` steps to live.

    What comes later counts a little less (1 - 1/horizon a step), so that of two ways the shorter one is taken. A pair
    of which nothing is known is worth `worst`.
    """
    first = np.flatnonzero(np.diff(graph.states, prepend=-1))
    known, discount = graph.known, 1.0 - 1.0 / horizon
    values = np.zeros(len(first))
    worth = np.zeros(len(graph.states))
    scale = 1.0 + float(np.abs(graph.rewards).max(initial=abs(worst)))
    for _ in range(horizon):
        onward = np.where(graph.nexts == END, 0.0, values[graph.nexts]) * discount
        worth = np.bincount(graph.pairs, graph.shares * (graph.rewards + onward), minlength=len(graph.states))
        worth = np.where(known, worth, worst)
        before, values = values, np.maximum.reduceat(worth, first)
        if np.abs(values - before).max() <= TOLERANCE * scale:
            break
    return Valued(worth=worth, values=values, first=first, slack=1e-9 * scale)


def paid(graph: Graph, chosen: NDArray[np.int64], *, horizon: int, worst: float) -> NDArray[np.float64]:
    """What `horizon` steps from each state (states,) pay on average, added up as returns are, by the `chosen` pairs.

    `chosen` (states,) is the pair of each state. One of which nothing is known ends the episode with `worst`. After
    `SWEEPS` steps it is taken to go on as in the latter half of these.
    """
    taken = np.full(len(graph.states), -1)
    taken[chosen] = np.arange(len(chosen))
    kept = taken[graph.pairs] >= 0
    states, nexts, shares = taken[graph.pairs[kept]], graph.nexts[kept], graph.shares[kept]
    rewards, known = graph.rewards[kept], graph.known[chosen]
    values = half = np.zeros(len(chosen))
    sweeps = min(horizon, SWEEPS)
    for step in range(1, sweeps + 1):
        onward = rewards + np.where(nexts == END, 0.0, values[nexts])
        values = np.where(known, np.bincount(states, shares * onward, minlength=len(chosen)), worst)
        if step == sweeps // 2:
            half = values
    return values + (values - half) * ((horizon - sweeps) / (sweeps - sweeps // 2))


def _first_best(
    worth: NDArray[np.float64],
    values: NDArray[np.float64],
    states: NDArray[np.int64],
    first: NDArray[np.int64],
    *,
    slack: float,
) -> NDArray[np.int64]:
    """The first pair of each state that is within `slack` of its best."""
    good = worth >= values[states] - slack
    positions = np.where(good, np.arange(len(worth)), len(worth))
    return np.minimum.reduceat(positions, first)
