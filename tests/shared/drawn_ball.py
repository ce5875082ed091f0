"""A ball in a bowl, seen by a camera: 16 x 16 grey pixels of a world whose true state is two numbers."""

from __future__ import annotations

from typing import Any, final

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

SIDE = 16
STEP = 0.25
PUSH = 0.6
LIMIT = 1.6


def drawn(place: float) -> NDArray[np.uint8]:
    """The picture (16, 16) of a ball at `place` from -1.6 to 1.6: a soft white disc on a bowl, before a grey wall."""
    across, down = np.meshgrid(np.arange(SIDE) - 7.5, np.arange(SIDE) - 7.5)
    away = np.square(across - 3.0 * place) + np.square(down - 2.0 + place * place)
    return np.rint(40 + 200 * np.exp(-away / 24)).astype(np.uint8)


@final
class DrawnBall(gymnasium.Env[NDArray[np.uint8], np.int64]):
    """Push a ball left or right so that it rests in the middle: it pays for being there, and shows only pictures."""

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own way

    def __init__(self) -> None:
        self.observation_space = spaces.Box(0, 255, (SIDE, SIDE), np.uint8)
        self.action_space = spaces.Discrete(3)
        self.place = self.speed = 0.0
        self._taken = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Begin at rest somewhere."""
        super().reset(seed=seed, options=options)
        self.place, self.speed, self._taken = float(self.np_random.uniform(-1, 1)), 0.0, 0
        return drawn(self.place), {}

    def step(self, action: np.int64) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Push for a moment."""
        force = PUSH * (int(action) - 1) - 0.4 * self.place - 0.1 * self.speed
        self.speed += STEP * force
        self.place = float(np.clip(self.place + STEP * self.speed, -LIMIT, LIMIT))
        self.speed *= abs(self.place) < LIMIT
        self._taken += 1
        return drawn(self.place), 1.0 - min(1.0, abs(self.place)), False, self._taken >= 40, {}
