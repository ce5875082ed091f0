"""Random worlds that mix slowly and are known exactly: groups of states that are seldom left."""

from __future__ import annotations

from typing import final

import numpy as np
from measured_rows import episodes_of
from numpy.typing import NDArray

from worldtwin.world import Integer, Space, Spec, Transitions

ACTIONS = 2


@final
class SlowWorld:
    """`groups` of `size` states each; a step leaves its group with the chance `leave`, always for the same state.

    Else it leads to one of so many `outcomes` of its own. Actions are random; episodes begin in some groups more often.
    """

    def __init__(self, seed: int, *, groups: int, size: int, outcomes: int, leave: float) -> None:
        chance = np.random.default_rng(seed)
        states = groups * size
        self.chances = np.zeros((states, ACTIONS, states))
        for state in range(states):
            group = np.arange(size) + state // size * size
            for action in range(ACTIONS):
                near = chance.choice(group, size=outcomes, replace=False)
                self.chances[state, action, near] += (1 - leave) * chance.dirichlet(np.full(outcomes, 0.5))
                self.chances[state, action, chance.integers(states)] += leave
        self.start = np.repeat(chance.dirichlet(np.full(groups, 0.5)), size) / size
        self._chance = chance

    @property
    def spec(self) -> Spec:
        """One field and one action."""
        field = Integer(low=0, high=len(self.start) - 1)
        return Spec(
            name="slow",
            state=Space(("place",), (field,)),
            action=Space(("move",), (Integer(low=0, high=ACTIONS - 1),)),
        )

    def record(self, episodes: int, steps: int) -> Transitions:
        """New episodes, drawn."""
        chance, ends = self._chance, self.chances.cumsum(axis=2)
        last = len(self.start) - 1
        state = np.minimum(np.searchsorted(self.start.cumsum(), chance.random(episodes)), last)
        rows = np.zeros((episodes, steps, 3), dtype=np.int64)
        for step in range(steps):
            action = chance.integers(ACTIONS, size=episodes)
            after = (ends[state, action] < chance.random(episodes)[:, None]).sum(axis=1)
            rows[:, step] = np.stack([state, action, np.minimum(after, last)], axis=1)
            state = rows[:, step, 2]
        flat = rows.reshape(-1, 3)
        return episodes_of(flat[:, :1], flat[:, 1:2], flat[:, 2:], length=steps)

    def visits(self, steps: int) -> NDArray[np.float64]:
        """How likely each (state, action, next state) is at a random step of an episode of so many `steps`."""
        state, total = self.start, np.zeros_like(self.start)
        for _ in range(steps):
            total = total + state
            state = state @ self.chances.mean(axis=1)
        return total[:, None, None] / steps / ACTIONS * self.chances

    def counts(self, rows: Transitions) -> NDArray[np.int64]:
        """How often each (state, action, next state) is in `rows`."""
        counts = np.zeros(self.chances.shape, dtype=np.int64)
        np.add.at(counts, (rows.states[:, 0], rows.actions[:, 0], rows.nexts[:, 0]), 1)
        return counts
