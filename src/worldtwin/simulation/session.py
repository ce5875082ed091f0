"""`Session`: one running simulation, which can go back."""

from __future__ import annotations

import math
import re
from operator import index
from typing import Final, SupportsIndex, TypeAlias, final

import numpy as np

from worldtwin.errors import InvalidValue
from worldtwin.exact import Key
from worldtwin.simulation.answers import Source, StepResult
from worldtwin.simulation.predicting import require_possible, unknown
from worldtwin.simulation.running.flock import require_allowed
from worldtwin.simulation.simulator import Simulator
from worldtwin.simulation.sources import Known
from worldtwin.simulation.timeline import Timeline
from worldtwin.simulation.words import EpisodeWords
from worldtwin.tasks import Actor
from worldtwin.world import Action, Category, Spec, State

Row: TypeAlias = tuple[int, ...]

MAX_SETTLED: Final = 1 << 16
"""How many edges of a table a session remembers the results of."""
_SECONDS: Final = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
_DURATION: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|h)\s*")


@final
class Session:
    """One episode in `simulator`. Mutable: it holds the time, the state, and the actions that led there.

    The session of a key lives through the first episode of that key's `rollout`, after `reset` through the second, and
    so on. `start` gives physical values; without it the episode begins as the spec says. With `past` it goes on where
    that timeline ends. Raises `InvalidValue`.
    """

    def __init__(
        self, simulator: Simulator, *, key: Key | int, start: object | None = None, past: Timeline | None = None
    ) -> None:
        self.simulator = simulator
        self.asked = 0
        """How often the predictors were asked."""
        self._spec = spec = simulator.spec
        self._count = len(spec.inner)
        self._choices = _choices(spec)
        self._pay, self._sources = simulator.pay, simulator.sources
        self._settled: dict[Source, dict[int, tuple[Row, StepResult]]] = {Source.OBSERVED: {}, Source.SYNTHETIC: {}}
        self._key = Key.of(key)
        self._begin(Timeline(0, self._start_row(0, start)) if past is None else past)

    @property
    def time(self) -> int:
        """The number of steps from the start to where the session is."""
        return self._time

    @property
    def state(self) -> State:
        """Where the session is."""
        return self._spec.state.decode(self._row[: len(self._spec.state)])

    @property
    def ended(self) -> bool:
        """Whether the last step ended the episode."""
        return self._ended

    @property
    def history(self) -> tuple[Action, ...]:
        """The actions from the start to where the session is."""
        return tuple(self._spec.action.decode(move) for move in self._timeline.moves[: self._time])

    @property
    def possible(self) -> tuple[str, ...]:
        """The values of the action that are possible now; empty when the action is not one category."""
        field = self._spec.action.fields[0]
        if not self._spec.choices or not isinstance(field, Category):
            return ()
        mask = self._spec.possible_actions(np.array([self._row], dtype=np.int64))
        return field.values if mask is None else tuple(v for v, ok in zip(field.values, mask[0], strict=True) if ok)

    def step(self, action: object) -> StepResult:
        """Take `action`, a physical value. What followed, before the session went back to where it is, is forgotten.

        A failed step changes nothing. Raises `UnknownTransition` when no source answers, `InvalidValue` when the action
        is not possible or the episode has ended.
        """
        if self._ended:
            raise InvalidValue(f"the episode has ended at step {self._time}: rewind or reset")
        move = self._choices.get(action) if type(action) is str else None
        if move is None:
            move = self._spec.action.encode(action)
        if self._spec.possible:
            require_possible(self._spec, self._row, move)
        return self._take(move)

    def rewind(self, n: int | str = 1) -> State:
        """Go back by `n` steps, or by a duration such as "3 s", and say where that is. Raises `InvalidValue`."""
        self._require_state()
        steps = steps_of(self._spec, n)
        if steps > self._time:
            raise InvalidValue(f"cannot rewind by {n}: the session is at step {self._time}")
        return self.seek(self._time - steps)

    def seek(self, to: int | str) -> State:
        """Go to a step, or a time such as "3 s", at most the last that was taken, and say where that is.

        The state is computed again from the nearest snapshot. Raises `InvalidValue`.
        """
        self._require_state()
        target = steps_of(self._spec, to)
        if target > len(self._timeline.moves):
            raise InvalidValue(f"cannot seek to {to}: the session knows the steps up to {len(self._timeline.moves)}")
        self._travel(target)
        return self.state

    def forward(self, n: int | str, task: Actor) -> tuple[StepResult, ...]:
        """Let `task`, which remembers nothing yet, act for `n` steps or a duration, or until the episode ends."""
        memory = task.start_memory(1)
        results: list[StepResult] = []
        for _ in range(steps_of(self._spec, n)):
            if self._ended:
                break
            states = np.array([self._row], dtype=np.int64)
            possible = self._spec.possible_actions(states)
            moves, memory = task.act_rows(states, memory, possible)
            require_allowed(self._spec, moves, possible)
            results.append(self._take(tuple(moves[0].tolist())))
        return tuple(results)

    def branch(self) -> Session:
        """A session with the same past and the same luck, which goes its own way from here."""
        return Session(self.simulator, key=self._key, past=self._timeline.until(self._time))

    def reset(self, start: object | None = None) -> State:
        """Begin the next episode, and say where."""
        episode = self._timeline.episode + 1
        self._begin(Timeline(episode, self._start_row(episode, start)))
        return self.state

    def _begin(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._keys = self._key.episodes(np.array([timeline.episode], dtype=np.int64))
        self._words = EpisodeWords(self._keys)
        self._time, self._row, self._ended = 0, timeline.start, False
        self._travel(len(timeline.moves))

    def _start_row(self, episode: int, start: object | None) -> Row:
        spec, keys = self._spec, self._key.episodes(np.array([episode], dtype=np.int64))
        if start is not None:
            fields = np.array([spec.state.encode(start)], dtype=np.int64)
        elif spec.stateless and spec.start is None and not len(self.simulator.starts):
            fields = spec.state.low[None, :]
        else:
            return tuple(self.simulator.start_states(keys)[0].tolist())
        return tuple(self.simulator.with_hidden(spec.start_rows(fields), keys)[0].tolist())

    def _take(self, move: Row) -> StepResult:
        """The step `move` from here, which becomes part of the timeline."""
        row = self._row
        known = self._sources.known_row(row + move)
        values, result = self._computed(row, move) if known is None else self._counted(row, move, known)
        after = self._shifted(row, move, values[: self._count])
        self._timeline.take(self._time, move, after)
        self._time, self._row, self._ended = self._time + 1, after, result.ended
        return result

    def _counted(self, row: Row, move: Row, known: Known) -> tuple[Row, StepResult]:
        """What a table says: its values, and the result; what an edge comes to is remembered."""
        edge = known.drawn(self._words, self._time)
        settled = self._settled[known.source]
        found = settled.get(edge)
        if found is None:
            values = known.values(edge)
            found = values, self._result(row, move, values, known.source)
            if len(known.table.inputs) == len(row) + len(move) and len(settled) < MAX_SETTLED:
                settled[edge] = found
        return found

    def _computed(self, row: Row, move: Row) -> tuple[Row, StepResult]:
        values, source = self._asked(row, move, self._time)
        return values, self._result(row, move, values, source)

    def _result(self, row: Row, move: Row, values: Row, source: Source) -> StepResult:
        spec, count = self._spec, self._count
        reward, ended = self._pay.of_one(row, move, values, count)
        shown, outputs = spec.state.decode(values[: len(spec.state)]), spec.outputs.decode(values[count:])
        return StepResult(shown, outputs, reward, ended, source)

    def _asked(self, row: Row, move: Row, time: int) -> tuple[Row, Source]:
        """Next fields and outputs as predictors compute them. Raises `UnknownTransition`."""
        states, moves = np.array([row], dtype=np.int64), np.array([move], dtype=np.int64)
        ahead = self.simulator.advance(states, moves, self._keys, time)
        self.asked += ahead.asked
        if ahead.source[0] == Source.UNKNOWN:
            raise unknown(self._spec, row, move)
        return (*ahead.next_fields[0].tolist(), *ahead.outputs[0].tolist()), Source(int(ahead.source[0]))

    def _shifted(self, row: Row, move: Row, fields: Row) -> Row:
        """The state row after `move` led from `row` to `fields`."""
        count = self._count
        return fields if len(row) == count else fields + (row[:count] + move + row[count:])[: len(row) - count]

    def _travel(self, target: int) -> None:
        """Compute the state at `target` from a snapshot before it: whether the episode ended is said by a step."""
        time, row = self._timeline.nearest(max(0, target - 1))
        ended = False
        for at in range(time, target):
            move = self._timeline.moves[at]
            known = self._sources.known_row(row + move)
            values = self._asked(row, move, at)[0] if known is None else known.values(known.drawn(self._words, at))
            fields = values[: self._count]
            if at == len(self._timeline.moves) - 1:
                ended = self._pay.of_one(row, move, values, self._count)[1]
            row = self._shifted(row, move, fields)
        if not target:
            ended = bool(self._pay.stuck(np.array([row], dtype=np.int64))[0])
        self._time, self._row, self._ended = target, row, ended

    def _require_state(self) -> None:
        if self._spec.stateless:
            raise InvalidValue(f"{self._spec.name} is stateless: its session has no state to go back to")


def _choices(spec: Spec) -> dict[str, Row]:
    """The action of each name, when the action is one category."""
    field = spec.action.fields[0]
    return {name: (i,) for i, name in enumerate(field.values)} if spec.choices and isinstance(field, Category) else {}


def steps_of(spec: Spec, n: int | str) -> int:
    """A number of steps: itself, or those of a duration such as "3 s". Raises `InvalidValue`."""
    if not isinstance(n, str):
        return _whole(n)
    found = _DURATION.fullmatch(n)
    if found is None:
        raise InvalidValue(f"`{n}` is neither a number of steps nor a duration such as 3 s, 250 ms or 2 min")
    if spec.step_seconds is None:
        raise InvalidValue(f"{spec.name} has no clock: give a number of steps instead of `{n}`")
    steps = float(found[1]) * _SECONDS[found[2]] / spec.step_seconds
    if not math.isfinite(steps) or abs(steps - round(steps)) > 1e-6 * max(1.0, steps):
        raise InvalidValue(f"`{n}` is not a whole number of steps of {spec.step_seconds:g} s")
    return round(steps)


def _whole(n: SupportsIndex) -> int:
    try:
        steps = index(n)
    except TypeError as error:
        raise InvalidValue(f"{n!r} is no whole number of steps, and no duration such as `3 s`") from error
    if steps < 0:
        raise InvalidValue(f"{steps} steps: give 0 or more")
    return steps
