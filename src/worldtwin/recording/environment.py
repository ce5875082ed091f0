"""`RecordEnv`: a Gymnasium environment whose steps are recorded while whatever uses it runs unchanged."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Final, SupportsFloat

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from worldtwin.errors import InvalidValue
from worldtwin.recording.buffer import Buffer
from worldtwin.recording.episode import Episode, number_episodes
from worldtwin.recording.observing import Observer, Read, axes_of, reader_of
from worldtwin.traces import Traces

MEASURED: Final = ("reward", "terminated", "truncated")


class Step:
    """One step of an environment: what was seen before and after, the action, the outputs."""

    __slots__ = ("action", "after", "before", "episode", "outputs", "step")

    def __init__(self, episode: Episode, step: int, before: Sequence[Any], action: Sequence[Any] | None) -> None:
        self.episode, self.step, self.before, self.action = episode, step, before, action
        self.after: Sequence[Any] = ()
        self.outputs: Sequence[Any] = ()


class RecordEnv(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """`env`, recorded in `traces`: as the fields of its spec, or as raw numbers when it has none yet.

    Reward, `terminated`, `truncated` and, by their names, values of `info` are outputs. Steps are stored within 100 ms,
    and before `traces` is read; with `durable` before each step returns. Raises `InvalidSpec` when fields do not fit.
    """

    def __init__(
        self, env: gymnasium.Env[Any, Any], traces: Traces | str | os.PathLike[str], *, durable: bool = False
    ) -> None:
        if not isinstance(env, gymnasium.Env):
            raise InvalidValue(
                f"{type(env).__name__} is no single Gymnasium environment: wrap each one before they are joined"
            )
        gymnasium.Wrapper.__init__(self, env)
        self.traces = traces if isinstance(traces, Traces) else Traces(traces)
        RecordConstructorArgs.__init__(self, traces=str(self.traces.path), durable=durable)
        spec = self.traces.spec
        self._see, self._do = reader_of(env.observation_space), reader_of(env.action_space)
        self._states = Observer("state", axes_of(env.observation_space, "state"), spec and spec.state)
        self._actions = Observer("action", axes_of(env.action_space, "action"), spec and spec.action)
        self._shown = tuple(name for name in (spec.outputs.names if spec else ()) if name not in MEASURED)
        self.buffer: Buffer[Step] = Buffer(self._store, self.traces.path.name)
        self.traces.attach(self.buffer)
        self._put = self.buffer.put_durably if durable else self.buffer.put
        self._episode, self._count, self._before = Episode(), 0, None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin a new episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._begin(observation)
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:  # noqa: ANN401 - Gymnasium's types
        """Take one step and record it. What the last one led to is the episode's end, not the next beginning."""
        before = self._before
        row = None if before is None else Step(self._episode, self._count, before, _read(self._do, action))
        observation, reward, terminated, truncated, info = self.env.step(action)
        if row is None:
            self._begin(observation)
            return observation, reward, terminated, truncated, info
        row.after = self._before = self._see(observation)
        shown = [info.get(name) for name in self._shown] if self._shown else ()
        row.outputs = (float(reward), bool(terminated), bool(truncated), *shown)
        self._put(row)
        self._count += 1
        if terminated or truncated:
            self._before = None
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        """Store what is left, and close the environment. Raises `TracesError` when something could not be stored."""
        try:
            self.buffer.close()
        finally:
            self.env.close()

    def _begin(self, observation: Any) -> None:  # noqa: ANN401 - Gymnasium's type
        self._episode, self._count, self._before = Episode(), 0, self._see(observation)

    def _store(self, steps: list[Step]) -> None:
        number_episodes((step.episode for step in steps), self.traces.begin)
        columns: dict[str, Any] = {
            "episode": [step.episode.number for step in steps],
            "step": [step.step for step in steps],
            **self._states.columns([step.before for step in steps]),
            **self._actions.columns([step.action for step in steps]),
            **self._states.columns([step.after for step in steps], "next"),
        }
        measured = zip(*[step.outputs for step in steps], strict=True)
        columns.update(
            {f"outputs.{name}": list(values) for name, values in zip((*MEASURED, *self._shown), measured, strict=True)}
        )
        self.traces.append(columns)


def _read(read: Callable[[Any], Sequence[Any]] | Read, action: Any) -> Sequence[Any] | None:  # noqa: ANN401 - Gymnasium's type
    """The row of `action`; nothing when it is no action at all, which the environment will say better."""
    try:
        return read(action)
    except (TypeError, ValueError, KeyError, IndexError):
        return None
