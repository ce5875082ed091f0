"""`evaluate`: a task in a real environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, final

import gymnasium
import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from worldtwin.environments.reading import Reading, readings, sense
from worldtwin.environments.writing import to_gymnasium
from worldtwin.errors import InvalidSpec, InvalidTask, InvalidValue
from worldtwin.exact import Key, below, draw
from worldtwin.tasks import Actor, LocalTask, Task
from worldtwin.traces import Traces
from worldtwin.world import Angle, Lattice, Spec, bounds

Reality: TypeAlias = gymnasium.Env[Any, Any]

MOST_STEPS: Final = 1_000_000
"""Where an episode is cut that neither the environment nor a spec limits."""

_NOISE: Final = 0
_CHOICE: Final = 16
_ROUNDED: Final = 1_000_000


class Evaluation(Struct, frozen=True, kw_only=True, eq=False):
    """What real episodes came to: `returns` (episodes,) as the environment pays, and their `steps` (episodes,).

    `outside` counts the readings that were out of the fields' ranges, or no numbers; the task saw the nearest value in
    range, or the last one.
    """

    returns: NDArray[np.float64]
    steps: NDArray[np.int64]
    outside: int


def evaluate(
    task: Actor,
    env: Reality,
    *,
    episodes: int,
    key: Key | int,
    spec: Spec | None = None,
    horizon: int | None = None,
    traces: Traces | None = None,
    noise: float = 0.0,
) -> Evaluation:
    """`task` in the real `env` for `episodes` episodes, whose seeds come from `key`; each is recorded in `traces`.

    `noise` is the share of actions drawn by chance; with 1, nobody looks, and images need no codecs yet. `spec` is the
    world's (default: as far as the task knows it). Episodes take at most `horizon` steps (default: the spec's, when one
    is given). Raises `InvalidTask` when the task and the environment do not fit.
    """
    world = spec or _world_of(task)
    if spec is not None and isinstance(task, Task | LocalTask):
        task.require_fit(spec)
    _require_actions(world, env)
    if noise >= 1 and world.state.pictures:  # nobody looks
        world = replace(world, state=world.state.seen_by(tuple(image.blind for image in world.state.pictures)))
    stay = _Stay(task, env, world, horizon or (MOST_STEPS if spec is None else spec.horizon), noise)
    words = Key.of(key).child("real").episodes(np.arange(episodes))
    returns, steps = np.zeros(episodes), np.zeros(episodes, dtype=np.int64)
    for number in range(episodes):
        lived = stay.episode(int(words[number, 0] >> 1), words[number : number + 1], recorded=traces is not None)
        returns[number], steps[number] = lived.paid, lived.steps
        if traces is not None and lived.steps:
            traces.append(lived.columns(world))
    return Evaluation(returns=returns, steps=steps, outside=stay.outside)


class _Step(Struct, frozen=True, kw_only=True):
    """One recorded step: physical values by field."""

    state: Mapping[str, Reading]
    action: Mapping[str, Reading]
    next: Mapping[str, Reading]
    outputs: Mapping[str, Reading]


class _Lived(Struct, frozen=True, kw_only=True):
    """One real episode."""

    paid: float
    steps: int
    recorded: list[_Step]

    def columns(self, spec: Spec) -> dict[str, list[Reading | None]]:
        """The recorded steps as raw columns of a trace store; an output that some steps lack is missing there."""
        parts = {"state": tuple(spec.state.parts), "action": spec.action.names, "next": tuple(spec.state.parts)}
        parts["outputs"] = tuple(name for name in spec.outputs.names if any(name in s.outputs for s in self.recorded))
        columns = {
            f"{part}.{name}": [getattr(step, part).get(name) for step in self.recorded]
            for part, names in parts.items()
            for name in names
        }
        for image in spec.state.pictures:  # each is the next step's beginning, but for the last one
            columns[f"next.{image.name}"][:-1] = [None] * (len(self.recorded) - 1)
        return columns


@final
class _Stay:
    """A task living in an environment. Mutable: it counts readings that were out of range."""

    def __init__(self, task: Actor, env: Reality, spec: Spec, horizon: int, noise: float) -> None:
        self._task, self._env, self._spec, self._horizon, self._noise = task, env, spec, horizon, noise
        choices = np.arange(spec.choices, dtype=np.int64)[:, None]
        self._choices = [to_gymnasium(spec.action, choice, env.action_space) for choice in choices]
        self.outside = 0

    def episode(self, seed: int, key: NDArray[np.uint32], *, recorded: bool) -> _Lived:
        """One episode from `seed`, with its own `key` (1, 2) for what is drawn by chance."""
        env, spec = self._env, self._spec
        memory = self._task.start_memory(1)
        shown, info = env.reset(seed=seed)
        now, fields = self._read(shown)
        states = spec.start_rows(fields)
        paid, done, taken = 0.0, False, 0
        record: list[_Step] = []
        while not done and taken < self._horizon:
            action, memory = self._act(states, memory, info, key, taken)
            shown, reward, terminated, truncated, info = env.step(self._given(action[0]))
            before, (now, fields) = now, self._read(shown, fields)
            states = spec.shift(states, action, fields)
            paid, done, taken = paid + float(reward), bool(terminated or truncated), taken + 1
            if recorded:
                outputs = {**info, "reward": float(reward), "terminated": int(terminated), "truncated": int(truncated)}
                record.append(_Step(state=before, action=_physical(spec, action), next=now, outputs=outputs))
        return _Lived(paid=paid, steps=taken, recorded=record)

    def _read(self, shown: object, held: Lattice | None = None) -> tuple[Mapping[str, Reading], Lattice]:
        try:
            found = readings(self._spec.state, shown, self._env.observation_space)
            row, outside = sense(self._spec.state, found, held)
        except (InvalidValue, InvalidSpec) as error:
            raise InvalidTask(f"{self._spec.name} does not fit this environment: {error}") from error
        self.outside += outside
        return found, row

    def _act(
        self, states: Lattice, memory: NDArray[np.float64], info: Mapping[str, Any], key: NDArray[np.uint32], step: int
    ) -> tuple[Lattice, NDArray[np.float64]]:
        possible = _possible(self._spec, states, info)
        action, memory = self._task.act_rows(states, memory, possible)
        if self._noise and draw(key, step, _NOISE)[0] < self._noise * 2**32:
            action = _drawn(self._spec, possible, key, step)
        return action, memory

    def _given(self, action: Lattice) -> Any:  # noqa: ANN401 - whatever the environment takes
        if self._choices:
            return self._choices[int(action[0])]
        return to_gymnasium(self._spec.action, action, self._env.action_space)


def _drawn(spec: Spec, possible: NDArray[np.bool_] | None, key: NDArray[np.uint32], step: int) -> Lattice:
    """An action (1, a) drawn evenly from the possible ones."""
    words = [draw(key, step, _CHOICE + position) for position in range(len(spec.action))]
    if possible is not None and possible.any():
        allowed = np.flatnonzero(possible[0])
        return allowed[below(words[0], len(allowed))][:, None]
    columns = [_between(*bounds(field), word) for field, word in zip(spec.action.fields, words, strict=True)]
    return np.stack(columns, axis=1)


def _between(low: int, high: int, words: NDArray[np.uint32]) -> Lattice:
    coarse = max(0, (high - low + 1).bit_length() - 31)
    return np.minimum(low + (below(words, ((high - low) >> coarse) + 1) << coarse), high)


def _possible(spec: Spec, states: Lattice, info: Mapping[str, Any]) -> NDArray[np.bool_] | None:
    """Which values of the action are possible (1, choices): as the state says, or else the environment's own mask."""
    possible = spec.possible_actions(states)
    mask = info.get("action_mask")
    if possible is None and mask is not None and spec.choices == np.size(mask):
        return np.asarray(mask, dtype=np.bool_).reshape(1, -1)
    return possible


def _physical(spec: Spec, action: Lattice) -> dict[str, Reading]:
    point = spec.action.decode(tuple(int(value) for value in action[0]))
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in point.items()}


def _world_of(task: Actor) -> Spec:
    match task:
        case Task():
            return task.world
        case LocalTask():
            return task.spec
        case _:
            raise InvalidTask("this actor says nothing about its world: give the spec")


def _require_actions(spec: Spec, env: Reality) -> None:
    """Refuse an environment that does not take the task's actions. Raises `InvalidTask`."""
    for row in (spec.action.low, spec.action.high):
        try:
            given = to_gymnasium(spec.action, row, env.action_space)
        except InvalidValue as error:
            raise InvalidTask(f"{spec.name} does not fit this environment: {error}") from error
        if not env.action_space.contains(given) or not _same(spec, row, given, env):
            action = spec.action.decode(tuple(int(value) for value in row))
            raise InvalidTask(f"the environment does not take the task's action {action}: it takes {env.action_space}")


def _same(spec: Spec, row: Lattice, given: Any, env: Reality) -> bool:  # noqa: ANN401 - whatever the environment takes
    """Whether an action is still what it was, but for a float's rounding, within the environment's limits."""
    back, _ = sense(spec.action, readings(spec.action, given, env.action_space))
    slack = (spec.action.high - spec.action.low) // _ROUNDED
    turning = np.array([isinstance(field, Angle) for field in spec.action.fields])
    return bool((turning | (np.abs(back[0] - row) <= slack)).all())
