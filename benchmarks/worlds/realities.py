"""The real environments of the truth table: Gymnasium's own, some of them seen in another way, and a robot's maze."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldtwin.examples.maze import robot

WAYS: Final = ("ahead", "left", "right", "back")


class TaxiInParts(gymnasium.ObservationWrapper[NDArray[np.int64], Any, Any]):
    """Taxi-v4 that shows row, column, passenger and destination, and says nothing of which actions make sense."""

    def __init__(self) -> None:
        super().__init__(gymnasium.make("Taxi-v4"))
        self.observation_space = spaces.MultiDiscrete([5, 5, 5, 4])

    def observation(self, observation: Any) -> NDArray[np.int64]:  # noqa: ANN401 - a number
        """The four parts of one number."""
        return np.array(list(self.unwrapped.decode(int(observation))), dtype=np.int64)

    def reset(self, **given: Any) -> tuple[NDArray[np.int64], dict[str, Any]]:  # noqa: ANN401 - as Gymnasium says
        """Begin without hints."""
        shown, _ = self.env.reset(**given)
        return self.observation(shown), {}

    def step(self, action: Any) -> tuple[NDArray[np.int64], float, bool, bool, dict[str, Any]]:  # noqa: ANN401 - a number
        """Step without hints."""
        shown, reward, terminated, truncated, _ = self.env.step(action)
        return self.observation(shown), float(reward), terminated, truncated, {}


class Blind(gymnasium.ObservationWrapper[NDArray[Any], Any, Any]):
    """An environment that shows only some of its numbers."""

    def __init__(self, name: str, shown: list[int]) -> None:
        super().__init__(gymnasium.make(name))
        space = self.env.observation_space
        assert isinstance(space, spaces.Box)
        self._shown = shown
        self.observation_space = spaces.Box(space.low[shown], space.high[shown], dtype=np.float32)

    def observation(self, observation: NDArray[Any]) -> NDArray[Any]:
        """What is left to see."""
        return observation[self._shown]


class AliasedMaze(gymnasium.Env[NDArray[np.int8], int]):
    """The maze of `worldtwin demo maze`, of which the robot sees the open ways around it and nothing else.

    A way that is closed leaves it where it is, and counts as a step.
    """

    observation_space = spaces.MultiBinary(4)
    action_space = spaces.Discrete(4)

    def __init__(self) -> None:
        self._pose, self._time = robot.BEGIN, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.int8], dict[str, Any]]:
        """Back to the beginning."""
        super().reset(seed=seed, options=options)
        self._pose, self._time = robot.BEGIN, 0
        return self._seen(), {}

    def step(self, action: int) -> tuple[NDArray[np.int8], float, bool, bool, dict[str, Any]]:
        """Turn that way and drive one cell."""
        if WAYS[action] in robot.exits(self._pose):
            self._pose = robot.drive(self._pose, WAYS[action])
        self._time += 1
        return self._seen(), -1.0, self._pose[:2] == robot.EXIT, self._time >= robot.PATIENCE, {}

    def _seen(self) -> NDArray[np.int8]:
        opened = robot.exits(self._pose)
        return np.array([way in opened for way in WAYS], dtype=np.int8)


def _registered(name: str) -> Callable[[], gymnasium.Env[Any, Any]]:
    return lambda: gymnasium.make(name)


REALITIES: Final[Mapping[str, Callable[[], gymnasium.Env[Any, Any]]]] = {
    "cart-pole": _registered("CartPole-v1"),
    "cart-pole-blind": lambda: Blind("CartPole-v1", [0, 2]),
    "pendulum": _registered("Pendulum-v1"),
    "pendulum-blind": lambda: Blind("Pendulum-v1", [0, 1]),
    "mountain-car": _registered("MountainCarContinuous-v0"),
    "acrobot": _registered("Acrobot-v1"),
    "taxi": TaxiInParts,
    "frozen-lake": _registered("FrozenLake-v1"),
    "maze": AliasedMaze,
    "lunar-lander": _registered("LunarLanderContinuous-v3"),
}
"""How the reality of each row is made."""
