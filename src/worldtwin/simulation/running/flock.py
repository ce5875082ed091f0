"""A flock of episodes that step together; those that have stopped leave it."""

from __future__ import annotations

from typing import Protocol, TypeAlias, cast

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask
from worldtwin.exact import STREAM_MEMBER, Words, draw
from worldtwin.simulation.simulator import Simulator
from worldtwin.tasks import NO_ANSWER, Actor
from worldtwin.world import Category, Lattice, Spec

Mask: TypeAlias = NDArray[np.bool_]
Numbers: TypeAlias = NDArray[np.float64]


class Candidates(Protocol):
    """Many candidates that act side by side: row i is acted on by `candidate[i]`."""

    @property
    def memory_width(self) -> int:
        """How many numbers it remembers within an episode."""
        ...

    def start_memory(self, n: int) -> Numbers:
        """What `n` episodes remember at their start (n, memory)."""
        ...

    def act_rows(
        self, states: Lattice, memory: Numbers, possible: Mask | None, candidate: Lattice
    ) -> tuple[Lattice, Numbers]:
        """The actions (n, a) in `states` (n, width), and the memory (n, memory) after them."""
        ...


class Flock(Struct, frozen=True, kw_only=True, eq=False):
    """The episodes that still run: their numbers `rows` (m,), and what belongs to each.

    `states` (m, width), `memory` (m, memory), own `keys` (m, 2), the words that choose their `members` (m,), and their
    `candidate` (m,) of the actor.
    """

    rows: Lattice
    states: Lattice
    memory: Numbers
    keys: Words
    members: Words
    candidate: Lattice

    def at(self, kept: Lattice | slice, states: Lattice, memory: Numbers) -> Flock:
        """The episodes `kept` of these, at their new `states` (m, width) and with their new `memory` (m, memory)."""
        return Flock(
            rows=self.rows[kept],
            states=states[kept],
            memory=memory[kept],
            keys=self.keys[kept],
            members=self.members[kept],
            candidate=self.candidate[kept],
        )


class Play(Struct, frozen=True, kw_only=True, eq=False):
    """Who acts where: `actor` in `simulator`; of many, `candidate[i]` in episode i (n,)."""

    actor: Actor | Candidates
    simulator: Simulator
    candidate: Lattice | None = None

    def flock(self, starts: Lattice, keys: Words, rows: slice) -> Flock:
        """The episodes `rows` of those that begin at `starts` (n, width) with their own `keys` (n, 2)."""
        numbers = np.arange(len(starts))[rows]
        return Flock(
            rows=numbers,
            states=starts[rows],
            memory=self.actor.start_memory(len(numbers)),
            keys=keys[rows],
            members=draw(keys[rows], 0, STREAM_MEMBER),
            candidate=numbers if self.candidate is None else self.candidate[rows],
        )

    def act(self, flock: Flock) -> tuple[Lattice, Numbers, Mask]:
        """The actions (m, a), the memory (m, memory) after them, and in which rows (m,) there was no answer.

        Where there was none the action is the lowest one. Raises `InvalidTask` at an impossible action.
        """
        spec = self.simulator.spec
        possible = spec.possible_actions(flock.states)
        actions, memory = self._choose(flock, possible)
        silent = (actions == NO_ANSWER).any(axis=1)
        if silent.any():
            actions = np.where(silent[:, None], spec.action.low, actions)
            require_allowed(spec, actions[~silent], None if possible is None else possible[~silent])
        else:
            require_allowed(spec, actions, possible)
        return actions, memory, silent

    def _choose(self, flock: Flock, possible: Mask | None) -> tuple[Lattice, Numbers]:
        if self.candidate is None:
            return cast("Actor", self.actor).act_rows(flock.states, flock.memory, possible)
        candidates = cast("Candidates", self.actor)  # whoever names candidates hands them in
        return candidates.act_rows(flock.states, flock.memory, possible, flock.candidate)


def require_allowed(spec: Spec, actions: Lattice, possible: Mask | None) -> None:
    """Refuse `actions` (n, a) that are outside of their ranges or not `possible` (n, choices). Raises `InvalidTask`."""
    inside = (actions >= spec.action.low) & (actions <= spec.action.high)
    if not inside.all():
        row, column = np.argwhere(~inside)[0]
        raise InvalidTask(f"the task's {spec.action.names[column]} {actions[row, column]} is outside of its range")
    if possible is None:
        return
    allowed = possible[np.arange(len(actions)), actions[:, 0]]
    field = spec.action.fields[0]
    if not allowed.all() and isinstance(field, Category):
        row = int(np.argmin(allowed))
        names = ", ".join(value for value, ok in zip(field.values, possible[row].tolist(), strict=True) if ok)
        raise InvalidTask(f"the task chose `{field.values[actions[row, 0]]}`, which is not possible here: {names} are")
