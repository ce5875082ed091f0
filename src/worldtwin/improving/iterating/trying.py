"""Real episodes within a budget of steps that is never exceeded."""

from __future__ import annotations

from typing import Any, final

import gymnasium

from worldtwin.environments import Reality, evaluate
from worldtwin.exact import Key
from worldtwin.tasks import Actor, LocalTask, Task
from worldtwin.traces import Traces
from worldtwin.world import Spec


@final
class Metered(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment that counts its `steps`, those `taken` in its episode, and whether that is `over`. Mutable."""

    def __init__(self, env: Reality) -> None:
        super().__init__(env)
        self.steps = self.taken = 0
        self.over = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """As the environment does."""
        self.taken, self.over = 0, False
        return super().reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:  # noqa: ANN401 - whatever it takes
        """As the environment does; the step counts even when it fails or is interrupted."""
        self.steps, self.taken = self.steps + 1, self.taken + 1
        shown, reward, terminated, truncated, info = super().step(action)
        self.over = bool(terminated or truncated)
        return shown, reward, terminated, truncated, info


@final
class Trials:
    """Episodes of tasks in reality, all recorded in `traces`. Mutable: it counts episodes and steps."""

    def __init__(self, reality: Reality, spec: Spec, traces: Traces, key: Key) -> None:
        self._env, self._spec, self._traces, self._key = Metered(reality), spec, traces, key
        self.episodes = 0

    @property
    def steps(self) -> int:
        """How many real steps were taken so far, those of interrupted episodes too."""
        return self._env.steps

    def episode(self, task: Actor, *, most: int, noise: float = 0.0) -> float | None:
        """The return of one episode of at most `most` steps from a fresh seed; None when it was cut off there."""
        self.episodes += 1
        paid = self._lived(task, most, noise)
        return paid if self._env.over or self._env.taken >= self._spec.horizon else None

    def pair(self, first: Task | LocalTask, second: Task | LocalTask) -> tuple[float, float]:
        """The returns of two tasks in a whole episode each, from the same fresh seed."""
        self.episodes += 1
        return self._lived(first, self._spec.horizon, 0.0), self._lived(second, self._spec.horizon, 0.0)

    def _lived(self, task: Actor, most: int, noise: float) -> float:
        lived = evaluate(
            task,
            self._env,
            episodes=1,
            key=self._key.child("real", self.episodes),
            spec=self._spec,
            horizon=min(most, self._spec.horizon),
            traces=self._traces,
            noise=noise,
        )
        return float(lived.returns[0])
