"""What is lived in reality only to learn from it: by an explorer where it can, else by chance, and near the task."""

from __future__ import annotations

from typing import Final, final

from msgspec import Struct

from worldtwin.improving.iterating.exploring import Explorer, is_explorable
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


class Watched(Struct, frozen=True, eq=False):
    """Who acts in the next episode, and the share `noise` of actions that is drawn by chance."""

    actor: Actor
    noise: float


@final
class Watch:
    """Chooses who acts in each episode that is lived to learn from it. Mutable: it has seen what was recorded."""

    def __init__(self, spec: Spec, traces: Traces) -> None:
        self._spec, self._traces = spec, traces
        self._explorer = Explorer(spec) if is_explorable(spec) else None
        self._version, self._episodes = GENESIS, 0

    @property
    def shares(self) -> Shares:
        """What the real steps are for."""
        return USUALLY if self._explorer is None else EXPLORED

    def next(self, task: Task | LocalTask) -> Watched | None:
        """What to live next, where `task` is the best so far; None when there is nothing left to learn from that."""
        if self._explorer is None:
            self._episodes += 1
            return Watched(task, NOISES[(self._episodes - 1) % len(NOISES)])
        fresh = self._traces.transitions(self._spec, since=self._version)
        self._version = fresh.version
        self._explorer.learn(fresh.transitions)
        return None if self._explorer.done else Watched(self._explorer, 0.0)
