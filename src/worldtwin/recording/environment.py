"""`RecordEnv`: a Gymnasium environment whose steps are recorded while whatever uses it runs unchanged."""

from __future__ import annotations

import os
from typing import Any, Self, SupportsFloat, overload

import gymnasium
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv

from worldtwin.errors import InvalidValue
from worldtwin.recording.episode import Episode
from worldtwin.recording.steps import Step, StepWriter
from worldtwin.recording.vector import RecordVectorEnv
from worldtwin.traces import Traces


class RecordEnv(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """`env`, recorded in `traces`: as the fields of its spec, or as raw numbers when it has none yet.

    Reward, `terminated`, `truncated` and, by their names, values of `info` are outputs. Steps are stored within 100 ms,
    and before `traces` is read; with `durable` before each step returns. A vector environment stays one: it becomes a
    `RecordVectorEnv`. Raises `InvalidSpec` when fields do not fit.
    """

    @overload
    def __new__(
        cls, env: VectorEnv[Any, Any, Any], traces: Traces | str | os.PathLike[str], *, durable: bool = False
    ) -> RecordVectorEnv: ...
    @overload
    def __new__(
        cls, env: gymnasium.Env[Any, Any], traces: Traces | str | os.PathLike[str], *, durable: bool = False
    ) -> Self: ...
    def __new__(
        cls,
        env: gymnasium.Env[Any, Any] | VectorEnv[Any, Any, Any],
        traces: Traces | str | os.PathLike[str],
        *,
        durable: bool = False,
    ) -> Self | RecordVectorEnv:
        """A recorder of the kind that `env` is: Python does not initialise what is no instance of this class."""
        if isinstance(env, VectorEnv):
            return RecordVectorEnv(env, traces, durable=durable)
        return super().__new__(cls)

    def __init__(
        self, env: gymnasium.Env[Any, Any], traces: Traces | str | os.PathLike[str], *, durable: bool = False
    ) -> None:
        if not isinstance(env, gymnasium.Env):
            raise InvalidValue(f"{type(env).__name__} is no Gymnasium environment: wrap one, or a vector of them")
        gymnasium.Wrapper.__init__(self, env)
        self.traces = traces if isinstance(traces, Traces) else Traces(traces)
        RecordConstructorArgs.__init__(self, traces=str(self.traces.path), durable=durable)
        self._writer = StepWriter(self.traces, env.observation_space, env.action_space, durable=durable)
        self.buffer = self._writer.buffer
        self._episode, self._count, self._before = Episode(), 0, None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin a new episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        self._begin(observation)
        return observation, info

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:  # noqa: ANN401 - Gymnasium's types
        """Take one step and record it. What the last one led to is the episode's end, not the next beginning."""
        before = self._before
        row = None if before is None else Step(self._episode, self._count, before, self._writer.do(action))
        observation, reward, terminated, truncated, info = self.env.step(action)
        if row is None:
            self._begin(observation)
            return observation, reward, terminated, truncated, info
        row.after = self._before = self._writer.see(observation)
        shown = [info.get(name) for name in self._writer.shown]
        row.outputs = (float(reward), bool(terminated), bool(truncated), *shown)
        self._writer.put([row])
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
        self._episode, self._count, self._before = Episode(), 0, self._writer.see(observation)
