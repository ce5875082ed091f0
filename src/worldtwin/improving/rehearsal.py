"""Whole populations rehearse at once: every candidate from the same starts, one row for each pair of the two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.improving.starts import Starts
from worldtwin.judging import Case, ask_each
from worldtwin.script import Program
from worldtwin.simulation import Candidates, Outcomes, Simulator, outcomes
from worldtwin.tasks import Actor, LocalTask, Network, Task, stack
from worldtwin.world import Lattice

Numbers = NDArray[np.float64]


class Rehearsal(Struct, frozen=True, kw_only=True, eq=False):
    """What candidates came to: mean `returns` (p,), and `scores` (p,) that add what cases say; `sources` by name.

    `usual` (p,) are the scores from where episodes begin alone: from anywhere else even the best may fail.
    """

    scores: Numbers
    usual: Numbers
    returns: Numbers
    sources: dict[str, int]


class Rehearsals(Struct, frozen=True, kw_only=True, eq=False):
    """How candidates of one task are scored in `simulator`: by their return, and by `cases` that the task drives."""

    task: Task | LocalTask
    simulator: Simulator
    cases: tuple[Case, ...] = ()

    @property
    def width(self) -> float:
        """How far apart the worst and the best score can be."""
        low, high = self.simulator.spec.returns
        return (high - low) + (self._case_weight if self.cases else 0.0)

    @property
    def top(self) -> float:
        """The best score that there can be."""
        return self.simulator.spec.returns[1] + (self._case_weight if self.cases else 0.0)

    @property
    def _case_weight(self) -> float:
        """What satisfying all cases is worth: as much as the whole range of returns."""
        low, high = self.simulator.spec.returns
        return high - low if high > low else 1.0

    def of(self, values: Numbers, starts: Starts, *, key: Key) -> Rehearsal:
        """What the candidates with parameters `values` (p, parameters) come to from `starts`."""
        population = actor_of(self.task, values)
        returns, sources = self._returns(population, len(values), starts)
        bonus = self._case_weight * self._satisfied(population, len(values), key)
        mean, usual = returns.mean(axis=1), returns[:, ~starts.recorded].mean(axis=1)
        return Rehearsal(scores=mean + bonus, usual=usual + bonus, returns=mean, sources=sources)

    def _returns(self, population: Candidates, count: int, starts: Starts) -> tuple[Numbers, dict[str, int]]:
        """The returns (count, starts) of each candidate, and how many transitions each source answered."""
        if self.simulator.spec.reward is None:
            return np.zeros((count, len(starts))), {}
        runs: Outcomes = outcomes(
            population,
            self.simulator,
            starts=np.tile(starts.rows, (count, 1)),
            keys=np.tile(starts.keys, (count, 1)),
            horizon=self.simulator.spec.horizon,
            candidate=np.repeat(np.arange(count), len(starts)),
        )
        low, high = self.simulator.spec.returns
        return np.clip(runs.returns, low, high).reshape(count, -1), runs.sources

    def _satisfied(self, population: Candidates, count: int, key: Key) -> Numbers:
        """The share of the case episodes that each candidate satisfies, so that half a success counts too."""
        total = np.zeros(count)
        for case in self.cases:
            total += ask_each(case, population, self.simulator, candidates=count, key=key).satisfied.mean(1)
        return total / max(1, len(self.cases))


@final
class Several:
    """Tasks side by side as one actor: row i is acted on by task `candidate[i]`."""

    def __init__(self, tasks: Sequence[Actor]) -> None:
        self._tasks = tuple(tasks)
        self.memory_width = tasks[0].memory_width

    def start_memory(self, n: int) -> Numbers:
        """What is remembered at an episode's start (n, memory)."""
        return self._tasks[0].start_memory(n)

    def act_rows(
        self,
        states: Lattice,
        memory: Numbers,
        possible: NDArray[np.bool_] | None,
        candidate: Lattice,
    ) -> tuple[Lattice, Numbers]:
        """The action of each row's own task, and its memory after."""
        actions: Lattice | None = None
        after = np.empty_like(memory)
        for number in np.unique(candidate):
            mine = candidate == number
            allowed = None if possible is None else possible[mine]
            acted, after[mine] = self._tasks[number].act_rows(states[mine], memory[mine], allowed)
            if actions is None:
                actions = np.empty((len(states), acted.shape[1]), dtype=np.int64)
            actions[mine] = acted
        return np.empty((0, 1), dtype=np.int64) if actions is None else actions, after


def actor_of(task: Task | LocalTask, values: Numbers) -> Candidates:
    """One actor for the candidates of `task` with parameters `values` (p, parameters)."""
    if isinstance(task, Task) and isinstance(task.program, Network | Program):
        return stack(task, values)
    return Several([task.with_parameters(row) for row in values])
