"""`make_env`: a simulator as a Gymnasium environment."""

from __future__ import annotations

from typing import Any, Final, final

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded

from worldtwin.environments.twin import Twin
from worldtwin.exact import Key
from worldtwin.simulation import Simulator, Source

_FIRST: Final = np.zeros(1, dtype=np.int64)


@final
class SimulatedEnv(gymnasium.Env[Any, Any]):
    """One episode of a simulator at a time; `info` has the `source` of each step and the `action_mask` of some worlds.

    A seed is the key of all episodes until the next one; without any, one is drawn from `np_random`.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own way

    def __init__(self, simulator: Simulator) -> None:
        self._twin = Twin(simulator, 1)
        self.observation_space = self._twin.observation_space
        self.action_space = self._twin.action_space
        self._seeded = self._running = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin the next episode; with a `seed`, the first one of its key."""
        super().reset(seed=seed, options=options)
        if seed is not None or not self._seeded:
            self._twin.seed(0, Key.of(int(self.np_random.integers(2**63)) if seed is None else seed))
            self._seeded = True
        self._twin.start(_FIRST)
        self._running = True
        return self._shown(), self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:  # noqa: ANN401 - whatever the space holds
        """Take one step. Raises `ResetNeeded` after an episode's end."""
        if not self._running:
            raise ResetNeeded("the episode is over: call reset() first")
        done = self._twin.step(_FIRST, self._twin.chosen(np.asarray(action)[None]))
        terminated, truncated = bool(done.terminated[0]), bool(done.truncated[0])
        self._running = not (terminated or truncated)
        info = {"source": Source(int(done.sources[0])).name.lower(), **self._info()}
        return self._shown(), float(done.rewards[0]), terminated, truncated, info

    def _shown(self) -> Any:  # noqa: ANN401 - whatever the space holds
        shown = self._twin.shown()
        return {name: part[0] for name, part in shown.items()} if isinstance(shown, dict) else shown[0]

    def _info(self) -> dict[str, Any]:
        possible = self._twin.possible()
        return {} if possible is None else {"action_mask": possible[0]}


def make_env(simulator: Simulator) -> SimulatedEnv:
    """`simulator` as a Gymnasium environment: for any library that learns or plays in one."""
    return SimulatedEnv(simulator)
