"""`rollout`: the episodes that a task lives through in a simulator."""

from __future__ import annotations

from typing import Protocol, final

import numpy as np

from worldtwin.errors import InvalidValue
from worldtwin.exact import Key
from worldtwin.simulation.running.backend import Backend
from worldtwin.simulation.running.episodes import Episodes
from worldtwin.simulation.running.flock import Play, Stride
from worldtwin.simulation.running.outcomes import Fold, Outcomes, march
from worldtwin.simulation.simulator import Simulator
from worldtwin.tasks import Actor
from worldtwin.world import Lattice


class Sink(Protocol):
    """Keeps what happened, for whoever wants to look at it."""

    def write(self, episodes: Episodes) -> None:
        """Keep `episodes`."""
        ...


def rollout(
    task: Actor,
    simulator: Simulator,
    *,
    episodes: int,
    horizon: int | None = None,
    key: Key | int,
    starts: Lattice | None = None,
    backend: Backend | None = None,
    run: Sink | None = None,
) -> Episodes:
    """The episodes that `task` lives through in `simulator`, at most `horizon` steps each (the spec's, unless given).

    They begin as the spec says, or at the state rows `starts` (episodes, width). A function of its arguments: batches,
    backends and machines do not matter. An episode also stops where nothing is known; then it is charged the worst
    step reward for each step that it had left. Raises `InvalidValue`, and `InvalidTask` at an impossible action.
    """
    steps = simulator.spec.horizon if horizon is None else horizon
    if episodes < 0 or steps < 0:
        raise InvalidValue(f"{episodes} episodes of {steps} steps: give 0 or more of both")
    keys = Key.of(key).episodes(np.arange(episodes))
    begin = simulator.start_states(keys) if starts is None else starts
    if begin.shape != (episodes, simulator.spec.width):
        raise InvalidValue(f"starts have shape {begin.shape}: {episodes} episodes need {simulator.spec.width} columns")
    notes = _Notes(simulator, begin, steps)
    march(Play(actor=task, simulator=simulator), begin, keys, steps, notes.take, backend=backend)
    result = notes.episodes()
    if run is not None:
        run.write(result)
    return result


@final
class _Notes:
    """The strides so far, and what they add up to. Mutable."""

    def __init__(self, simulator: Simulator, starts: Lattice, horizon: int) -> None:
        self._spec = simulator.spec
        self._fold = Fold(simulator, starts, horizon)
        self._strides: list[tuple[int, Stride]] = []

    def take(self, stride: Stride, t: int) -> None:
        """Note step `t` of some episodes."""
        self._fold.take(stride, t)
        self._strides.append((t, stride.at(~stride.unknown) if stride.unknown.any() else stride))

    def episodes(self) -> Episodes:
        """What was noted, one episode after the other."""
        outcomes: Outcomes = self._fold.outcomes(0)
        spec = self._spec
        episode = self._column("rows", ())
        order = np.argsort(episode, kind="stable")
        steps = [np.full(len(stride.rows), t, dtype=np.int64) for t, stride in self._strides]
        return Episodes(
            spec=spec,
            episode=episode[order],
            step=np.concatenate([*steps, np.zeros(0, dtype=np.int64)])[order],
            states=self._column("states", (spec.width,))[order],
            actions=self._column("actions", (len(spec.action),))[order],
            nexts=self._column("after", (spec.width,))[order, : len(spec.state)],
            outputs=self._column("outputs", (len(spec.outputs),))[order],
            rewards=self._column("rewards", ())[order],
            source=self._column("source", ()).astype(np.int8)[order],
            totals=outcomes.totals,
            steps=outcomes.steps,
            ended=outcomes.ended,
            unknown=outcomes.unknown,
        )

    def _column(self, name: str, shape: tuple[int, ...]) -> Lattice:
        return np.concatenate(
            [*(getattr(stride, name) for _, stride in self._strides), np.zeros((0, *shape), dtype=np.int64)]
        )
