"""`distil`: any library's policy as an exact task.

The student acts, the policy says what it would have done there, the student learns from that (DAgger: Ross, Gordon and
Bagnell, AISTATS 2011): so it sees the states that its own mistakes lead to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from worldtwin.environments import Guest, Policy
from worldtwin.errors import InvalidValue
from worldtwin.exact import Key
from worldtwin.improving.distilling.lessons import MOST_STEPS, Wanderer, agreement, some_of, visited
from worldtwin.improving.distilling.student import Student
from worldtwin.improving.starts import fresh_starts, mixed_starts
from worldtwin.simulation import Simulator, outcomes
from worldtwin.tasks import Actor, Network, Task
from worldtwin.world import Lattice, Spec, shown

HIDDEN: Final = (64, 64)
ROUNDS: Final = 6
EPISODES: Final = 64
"""How many episodes show where the student gets to, and how many compare the two in the end."""

MAX_RECORDED: Final = 4096
"""How many states say how wide a network's inputs are."""

MOST_LISTED: Final = 1 << 14
"""Up to this many states a world without numbers is listed whole."""


class Distilled(Struct, frozen=True, kw_only=True, eq=False):
    """What came of a policy: the exact `task`, and how far it is from the policy.

    `agreement` is how alike their actions are in the states that the task gets into, from 0 to 1. `returns` are the
    means of the policy and of the task in the same `episodes` inside the simulator, none where the world pays nothing.
    The task was made from what the policy does in `states` states.
    """

    task: Task
    agreement: float
    returns: tuple[float, float] | None
    episodes: int
    states: int

    @property
    def loss(self) -> float:
        """What is not alike in their actions, from 0 to 1."""
        return 1.0 - self.agreement

    @property
    def text(self) -> str:
        """`loss 0.012: 98.8 % of ...` in two lines for people."""
        kind = "a network" if isinstance(self.task.program, Network) else "a table"
        lines = [f"loss {self.loss:.4f}: {kind}, its actions {self.agreement:.2%} those of the policy"]
        if self.returns is not None:
            policy, task = self.returns
            lines.append(f"in the simulator {shown(policy)} → {shown(task)} ({self.episodes} episodes of each)")
        return "\n".join([*lines, f"learned from {self.states:,} states"])

    def __str__(self) -> str:
        return self.text


def distil(
    policy: Policy,
    simulator: Simulator,
    *,
    hidden: Sequence[int] | None = None,
    rounds: int = ROUNDS,
    states: int = 4096,
    key: Key | int | None = None,
    report: Callable[[Distilled], object] | None = None,
) -> Task:
    """The exact task that acts in `simulator` as `policy` does; `report` is told how well, with the loss.

    A policy is a Stable-Baselines3 model, a function from an observation of `make_env` to an action, or an object with
    such a `predict`. Where a world of at most 16,384 states has no numbers and no history, the task is a table of all
    of them; else a network with the layers `hidden` (given: always a network), shown `states` states in each of
    `rounds`. No key: that of the simulator's digest. Raises `InvalidTask` when the policy does not fit the world.
    """
    if rounds < 1 or states < 1:
        raise InvalidValue(f"{rounds} rounds of {states} states teach nothing: give at least 1 of both")
    root = Key.of(int(simulator.digest[:16], 16) if key is None else key)
    guest = Guest(policy, simulator.spec)
    school = _School(guest=guest, simulator=simulator, states=states, key=root)
    if hidden is None and _is_listable(simulator.spec):
        task, shown_states = _listed(guest, simulator.spec)
    else:
        task, shown_states = school.taught(HIDDEN if hidden is None else hidden, rounds)
    if report is not None:
        report(school.compared(task, shown_states))
    return task


class _School(Struct, frozen=True, kw_only=True, eq=False):
    """A policy that teaches in `simulator`, by `states` states at a time."""

    guest: Guest
    simulator: Simulator
    states: int
    key: Key

    def taught(self, hidden: Sequence[int], rounds: int) -> tuple[Task, int]:
        """The network with the layers `hidden` after the round that made the best of it, and from how many states.

        The best has the highest return in the simulator, or where nothing is paid the highest agreement; of equals the
        later one.
        """
        spec = self.simulator.spec
        lesson = self._first()
        scale = Simulator(spec, recorded=some_of(lesson, MAX_RECORDED, key=self.key.child("scale")))
        task = Task.network(scale, hidden=hidden, key=self.key.child("task"))
        student = Student(task, most=rounds * self.states, key=self.key.child("student"))
        wanted = self._wanted(lesson)
        best = -math.inf
        for number in range(rounds):
            student.see(lesson, wanted)
            student.learn()
            learned = student.task
            lesson = self._visited([learned], self.key.child("round", number))
            wanted = self._wanted(lesson)
            worth = self._return(learned, "choice") if spec.reward else self._agreement(learned, lesson, wanted)
            if worth >= best:
                task, best = learned, worth
        return task, student.seen

    def compared(self, task: Task, states: int) -> Distilled:
        """The policy and `task`, learned from so many `states`, in the same fresh episodes."""
        key = self.key.child("report")
        there = some_of(
            visited(task, self.simulator, fresh_starts(self.simulator, EPISODES, key=key), key=key),
            self.states,
            key=key,
        )
        paid = self.simulator.spec.reward is not None
        return Distilled(
            task=task,
            agreement=self._agreement(task, there, self._wanted(there)),
            returns=(self._return(self.guest, "report"), self._return(task, "report")) if paid else None,
            episodes=EPISODES,
            states=states,
        )

    def _first(self) -> Lattice:
        """Where the policy gets to by itself, and when it is pushed off its paths, and what was recorded."""
        wanderer = Wanderer(self.guest, self.simulator.spec, key=self.key.child("wanderer"))
        return self._visited([self.guest, wanderer], self.key.child("first"), self.simulator.recorded)

    def _visited(self, actors: Sequence[Actor], key: Key, *more: Lattice) -> Lattice:
        """Some of the states that `actors` get into, and of `more`."""
        starts = mixed_starts(self.simulator, EPISODES, key=key)
        rows = [visited(actor, self.simulator, starts, key=key) for actor in actors]
        return some_of(np.concatenate([*rows, *more]), self.states, key=key)

    def _wanted(self, states: Lattice) -> Lattice:
        """What the policy does in `states` (n, width)."""
        return _actions(self.guest, self.simulator.spec, states)

    def _agreement(self, task: Task, states: Lattice, wanted: Lattice) -> float:
        spec = self.simulator.spec
        return agreement(spec.action, _actions(task, spec, states), wanted)

    def _return(self, actor: Actor, name: str) -> float:
        """The mean return of `actor` in the episodes of the key's child `name`."""
        spec = self.simulator.spec
        starts = fresh_starts(self.simulator, EPISODES, key=self.key.child(name))
        lived = outcomes(
            actor, self.simulator, starts=starts.rows, keys=starts.keys, horizon=min(spec.horizon, MOST_STEPS)
        )
        return float(np.clip(lived.returns, *spec.returns).mean())


def _actions(actor: Actor, spec: Spec, states: Lattice) -> Lattice:
    """What `actor` does in `states` (n, width) at an episode's start."""
    return actor.act_rows(states, actor.start_memory(len(states)), spec.possible_actions(states))[0]


def _is_listable(spec: Spec) -> bool:
    """Whether a table can say what is done in every state."""
    sizes = [int(high) - int(low) + 1 for low, high in zip(spec.state.low, spec.state.high, strict=True)]
    return spec.state.discrete and spec.action.discrete and not spec.history and math.prod(sizes) <= MOST_LISTED


def _listed(guest: Guest, spec: Spec) -> tuple[Task, int]:
    """The table of what the policy does in every state, and how many these are."""
    ranges = [np.arange(low, high + 1) for low, high in zip(spec.state.low, spec.state.high, strict=True)]
    states = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, len(ranges))
    return Task.table(spec, states, _actions(guest, spec, states)), len(states)
