"""What is lived in reality only to learn from it: by an explorer where it can, else by chance, and near the task."""

from __future__ import annotations

from typing import Final, final

from msgspec import Struct

from worldtwin.improving.iterating.exploring import Explorer, is_explorable
from worldtwin.improving.iterating.recalling import Recalled, recalled_plans
from worldtwin.tasks import Actor, LocalTask, Task
from worldtwin.traces import GENESIS, Traces
from worldtwin.world import Spec

NOISES: Final = (0.3, 1.0)
"""The shares of actions drawn by chance while transitions are recorded, in turn: near the task, and anywhere."""


class Shares(Struct, frozen=True, kw_only=True):
    """Shares of the real steps, each up to where it ends.

    `as_it_is` shows how good the given task is; until `first` is recorded before anything is learned, less what had
    been recorded before; after `learning` the given and the best task are compared.
    """

    as_it_is: float
    first: float
    learning: float


USUALLY: Final = Shares(as_it_is=0.1, first=0.35, learning=0.65)
EXPLORED: Final = Shares(as_it_is=0.05, first=0.7, learning=0.75)
"""Where an explorer shows most of a world, and plans need no second try."""

RECALLED: Final = Shares(as_it_is=0.02, first=0.6, learning=0.75)
"""Where something is hidden: several plans are tried, and those that fail take whole episodes."""

EXPLORERS: Final = (10, 7, 5)
"""How many steps explorers recall, in turn, where something is hidden."""


class Watched(Struct, frozen=True, eq=False):
    """Who acts in the next episode, and the share `noise` of actions that is drawn by chance."""

    actor: Actor
    noise: float


@final
class Watch:
    """Chooses who acts in each episode that is lived to learn from it. Mutable: it has seen what was recorded."""

    def __init__(self, spec: Spec, traces: Traces) -> None:
        self._spec, self._traces = spec, traces
        self._explorers = [Explorer(spec, recalls=steps) for steps in _recalls(spec)] if is_explorable(spec) else []
        self._version, self._episodes = GENESIS, 0

    @property
    def shares(self) -> Shares:
        """What the real steps are for."""
        if not self._explorers:
            return USUALLY
        return RECALLED if self._spec.latent == "auto" else EXPLORED

    def recalled(self) -> list[Recalled]:
        """Plans by the latest steps, where something is hidden."""
        if not self._explorers or self._spec.latent != "auto":
            return []
        rows = self._traces.transitions(self._spec).transitions
        return recalled_plans(self._spec, rows.select(~rows.synthetic))

    def next(self, task: Task | LocalTask) -> Watched | None:
        """What to live next, where `task` is the best so far; None when there is nothing left to learn from that."""
        self._episodes += 1
        self._learn()
        if not self._explorers:
            return Watched(task, NOISES[(self._episodes - 1) % len(NOISES)])
        first = (self._episodes - 1) % len(self._explorers)
        for each in (*self._explorers[first:], *self._explorers[:first]):
            if not each.done:
                return Watched(each, 0.0)
        return None

    def _learn(self) -> None:
        """Let the explorers take in what was recorded since; those that met too much explore no further."""
        if not self._explorers:
            return
        fresh = self._traces.transitions(self._spec, since=self._version)
        self._version = fresh.version
        for each in self._explorers:
            each.learn(fresh.transitions)
        self._explorers = [each for each in self._explorers if not each.full]


def _recalls(spec: Spec) -> tuple[int, ...]:
    """How many steps each explorer recalls."""
    return EXPLORERS if spec.latent == "auto" else (0,)
