"""`rollout`: the episodes that a task lives through in a simulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from worldtwin.errors import InvalidValue
from worldtwin.exact import Key
from worldtwin.simulation.running.backend import Backend
from worldtwin.simulation.running.episodes import Episodes
from worldtwin.simulation.running.flock import Play
from worldtwin.simulation.running.outcomes import Fold, Outcomes, march
from worldtwin.simulation.running.settling import Settled
from worldtwin.simulation.simulator import Simulator
from worldtwin.simulation.starts import require_starts
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
    if starts is not None:
        require_starts(simulator.spec, starts, episodes)
    begin = simulator.start_states(keys) if starts is None else simulator.with_hidden(starts, keys)
    notes = _Notes(simulator, begin, steps)
    march(Play(actor=task, simulator=simulator), begin, keys, steps, notes.take, backend=backend)
    result = notes.episodes()
    if run is not None:
        run.write(result)
    return result


@final
class _Notes:
    """All that was seen so far, and what it adds up to. Mutable."""

    def __init__(self, simulator: Simulator, starts: Lattice, horizon: int) -> None:
        self._spec = simulator.spec
        self._fold = Fold(simulator, starts, horizon)
        self._seen: list[Settled] = []

    def take(self, seen: Settled) -> None:
        """Note some steps of some episodes."""
        self._fold.take(seen)
        self._seen.append(seen)

    def episodes(self) -> Episodes:
        """What was noted, one episode after the other."""
        outcomes: Outcomes = self._fold.outcomes(0)
        spec = self._spec
        episode = self._column((), lambda seen: np.broadcast_to(seen.rows, seen.taken.shape))
        order = np.argsort(episode, kind="stable")
        return Episodes(
            spec=spec,
            episode=episode[order],
            step=self._column((), _steps)[order],
            states=self._column((spec.width,), lambda seen: seen.walk.states)[order],
            actions=self._column((len(spec.action),), lambda seen: seen.walk.actions)[order],
            nexts=self._column((spec.width,), lambda seen: seen.walk.after)[order, : len(spec.state)],
            outputs=self._column((len(spec.outputs),), lambda seen: seen.walk.outputs)[order],
            rewards=self._column((), lambda seen: seen.rewards)[order],
            source=self._column((), lambda seen: seen.walk.source).astype(np.int8)[order],
            totals=outcomes.totals,
            steps=outcomes.steps,
            ended=outcomes.ended,
            unknown=outcomes.unknown,
        )

    def _column(
        self, shape: tuple[int, ...], read: Callable[[Settled], Lattice | NDArray[np.int8]]
    ) -> NDArray[np.int64]:
        """What `read` finds (k, m, *shape) in all that was seen, at the steps that count."""
        found = [_counting(seen, read(seen), shape) for seen in self._seen]
        return np.concatenate([*found, np.zeros((0, *shape), dtype=np.int64)])


def _counting(seen: Settled, column: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """The rows of `column` (k, m, *shape) at the steps that count."""
    return column.reshape(seen.taken.size, *shape) if seen.whole else column[seen.taken]


def _steps(seen: Settled) -> Lattice:
    numbers = np.arange(seen.first, seen.first + len(seen.taken))
    return np.broadcast_to(numbers[:, None], seen.taken.shape)
