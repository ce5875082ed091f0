"""Whole populations rehearse at once: every candidate from the same starts, one row for each pair of the two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.improving.starts import Begin, Starts, mixed_starts
from worldtwin.judging import MARGIN, Case, ask_each
from worldtwin.script import Program
from worldtwin.simulation import Backend, Candidates, Outcomes, Simulator, outcomes
from worldtwin.tasks import Actor, LocalTask, Network, Task, stack
from worldtwin.world import Lattice

Numbers = NDArray[np.float64]


class Rehearsal(Struct, frozen=True, kw_only=True, eq=False):
    """What candidates came to: mean `returns` (p,), and `scores` (p,) that rank them as the spec's objective does.

    `merits` (p,) add what the cases are worth to the returns on one scale, so that progress can be seen in both;
    `usual` (p,) are the merits from where episodes begin alone: from anywhere else even the best may fail.
    """

    scores: Numbers
    merits: Numbers
    usual: Numbers
    returns: Numbers
    sources: dict[str, int]


class Rehearsals(Struct, frozen=True, kw_only=True, eq=False):
    """How candidates of one task are scored in `simulator`: by their return, and by `cases` that the task drives."""

    task: Task | LocalTask
    simulator: Simulator
    cases: tuple[Case, ...] = ()
    begin: Begin = Begin.ANYWHERE
    backend: Backend | None = None

    @property
    def width(self) -> float:
        """How far apart the worst and the best merit can be."""
        low, high = self.simulator.spec.returns
        return (high - low) + (self._case_weight if self.cases else 0.0)

    @property
    def top(self) -> float:
        """The best merit that there can be."""
        return self.simulator.spec.returns[1] + (self._case_weight if self.cases else 0.0)

    def starts(self, count: int, *, key: Key) -> Starts:
        """Where `count` rehearsals begin."""
        return mixed_starts(self.simulator, count, key=key, begin=self.begin)

    def of(self, values: Numbers, starts: Starts, *, key: Key) -> Rehearsal:
        """What the candidates with parameters `values` (p, parameters) come to from `starts`."""
        population = actor_of(self.task, values)
        returns, sources = self._returns(population, len(values), starts)
        bonus = self._case_weight * self._satisfied(population, len(values), key)
        mean, usual = returns.mean(axis=1), returns[:, ~starts.recorded].mean(axis=1)
        return Rehearsal(
            scores=mean + self._precedence * bonus,
            merits=mean + bonus,
            usual=usual + bonus,
            returns=mean,
            sources=sources,
        )

    @property
    def _case_weight(self) -> float:
        """What satisfying all cases is worth: as much as the whole range of returns."""
        low, high = self.simulator.spec.returns
        return high - low if high > low else 1.0

    @property
    def _precedence(self) -> float:
        """How much more the cases count where candidates are ranked.

        Where they come first, one more satisfied episode outweighs all of the return; where they come later, all of
        them weigh as much as two returns that do not differ.
        """
        order = self.simulator.spec.objective
        if "cases" not in order or not self.cases:
            return 0.0
        if "return" in order and order.index("return") < order.index("cases"):
            return MARGIN
        return sum(self._weights) * max(case.passing for case in self.cases)

    @property
    def _weights(self) -> list[int]:
        """What each case is worth: a required one is not traded for all of the goals."""
        goals = sum(case.kind == "goal" for case in self.cases)
        return [1 if case.kind == "goal" else 1 + goals for case in self.cases]

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
            backend=self.backend,
        )
        low, high = self.simulator.spec.returns
        return np.clip(runs.returns, low, high).reshape(count, -1), runs.sources

    def _satisfied(self, population: Candidates, count: int, key: Key) -> Numbers:
        """How far each candidate is with the cases, from 0 to 1: half a success counts too, but none beyond passing."""
        total = np.zeros(count)
        for case, weight in zip(self.cases, self._weights, strict=True):
            asked = ask_each(case, population, self.simulator, candidates=count, key=key, backend=self.backend)
            total += weight * np.minimum(asked.satisfied.sum(axis=1) / case.passing, 1.0)
        return total / max(1, sum(self._weights))


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
