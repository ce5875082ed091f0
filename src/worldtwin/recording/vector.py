"""`RecordVectorEnv`: many Gymnasium environments that step at once, each recorded as if it were alone."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper
from gymnasium.vector.utils import iterate

from worldtwin.errors import InvalidValue
from worldtwin.recording.episode import Episode
from worldtwin.recording.steps import Step, StepWriter
from worldtwin.traces import Traces

UNSEEN: Final = "the environment does not show where the episode ended"


class _Lane:
    """One of the environments: its episode, its steps so far, and what was seen last: nothing when it is over."""

    __slots__ = ("before", "count", "episode")

    def __init__(self) -> None:
        self.episode, self.count = Episode(), 0
        self.before: Sequence[Any] | None = None

    def begin(self, before: Sequence[Any]) -> None:
        self.episode, self.count, self.before = Episode(), 0, before


class RecordVectorEnv(VectorWrapper[Any, Any, Any, Any, Any]):
    """`env`, whose environments are recorded in `traces`, each in episodes of its own, as `RecordEnv` does.

    The three ways in which it resets itself (`metadata["autoreset_mode"]`) are told apart: a step that only resets is
    none, and the last state of an episode is `final_obs` where the step also resets. A step that ends an episode and
    does not show where is marked and counted. Raises `InvalidValue` for an environment without a mode.
    """

    def __init__(
        self, env: VectorEnv[Any, Any, Any], traces: Traces | str | os.PathLike[str], *, durable: bool = False
    ) -> None:
        mode = env.metadata.get("autoreset_mode")
        if not isinstance(mode, AutoresetMode):
            raise InvalidValue(
                f"{type(env.unwrapped).__name__} does not say how it resets itself: set its metadata['autoreset_mode'] "
                "to a gymnasium.vector.AutoresetMode"
            )
        self._mode = mode
        self.traces = traces if isinstance(traces, Traces) else Traces(traces)
        self._writer = StepWriter(self.traces, env.single_observation_space, env.single_action_space, durable=durable)
        self.buffer = self._writer.buffer
        self._lanes = [_Lane() for _ in range(env.num_envs)]
        super().__init__(env)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401 - a number, or one for each
        """Begin a new episode in each environment, or in those of `options["reset_mask"]`."""
        mask = np.array((options or {}).get("reset_mask", np.ones(self.num_envs, dtype=np.bool_)))
        observations, infos = self.env.reset(seed=seed, options=options)
        for lane, seen, chosen in zip(self._lanes, self._parted(observations), mask, strict=True):
            if chosen:
                lane.begin(self._writer.see(seen))
        return observations, infos

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:  # noqa: ANN401 - Gymnasium's types
        """Take one step in each environment, and record those that are one."""
        steps = [
            None if lane.before is None else Step(lane.episode, lane.count, lane.before, action)
            for lane, action in zip(self._lanes, self._done(actions), strict=True)
        ]
        result = self.env.step(actions)
        for index, (lane, step, seen) in enumerate(zip(self._lanes, steps, self._parted(result[0]), strict=True)):
            if step is not None:
                over = self._complete(step, index, seen, result)
                lane.count, lane.before = lane.count + 1, None if over else step.after
            if self._begins(lane, step):
                lane.begin(self._writer.see(seen))
        self._writer.put([step for step in steps if step is not None])
        return result

    def close(self, **kwargs: Any) -> None:  # noqa: ANN401 - Gymnasium's types
        """Store what is left, and close the environments. Raises `TracesError` when something could not be stored."""
        try:
            self.buffer.close()
        finally:
            self.env.close(**kwargs)

    def _complete(self, step: Step, index: int, seen: Any, result: tuple[Any, ...]) -> bool:  # noqa: ANN401 - Gymnasium's types
        """Add to `step` what the environment number `index` answered; whether the episode is over."""
        _, rewards, terminated, truncated, infos = result
        over = bool(terminated[index] or truncated[index])
        if over and self._mode is AutoresetMode.SAME_STEP:
            seen, infos = _value_at(infos, "final_obs", index), infos.get("final_info", {})
        step.after = None if seen is None else self._writer.see(seen)
        step.mark = UNSEEN if seen is None else ""
        shown = [_value_at(infos, name, index) for name in self._writer.shown]
        step.outputs = (float(rewards[index]), bool(terminated[index]), bool(truncated[index]), *shown)
        return over

    def _begins(self, lane: _Lane, step: Step | None) -> bool:
        """Whether what `lane` has just seen is where an episode begins."""
        if lane.before is not None or self._mode is AutoresetMode.DISABLED:
            return False
        return step is None or self._mode is AutoresetMode.SAME_STEP

    def _parted(self, observations: Any) -> Iterable[Any]:  # noqa: ANN401 - Gymnasium's types
        return iterate(self.env.observation_space, observations)

    def _done(self, actions: Any) -> list[Sequence[Any] | None]:  # noqa: ANN401 - Gymnasium's types
        """The action of each environment; nothing for all when these are no actions, as `StepWriter.do` has it."""
        try:
            parted = list(iterate(self.env.action_space, actions))
        except (TypeError, ValueError, KeyError, IndexError):
            parted = []
        if len(parted) != self.num_envs:
            return [None] * self.num_envs
        return [self._writer.do(action) for action in parted]


def _value_at(infos: Mapping[str, Any], name: str, index: int) -> Any:  # noqa: ANN401 - what an environment says
    """What environment number `index` said under `name`; None when it said nothing."""
    mask = infos.get(f"_{name}")
    if name not in infos or (mask is not None and not mask[index]):
        return None
    value = infos[name]
    if isinstance(value, Mapping):
        return {key: _value_at(value, key, index) for key in value if f"_{key}" in value or key[:1] != "_"}
    return value[index].item() if isinstance(value[index], np.generic) else value[index]
