"""Spaces as libraries for training take them: choices from 0, boxes of 32-bit floats, pictures of 8-bit numbers."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldtwin.errors import InvalidSpec


def plain_space(shape: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
    """The plain form of `shape`, a space that `space_of` made."""
    match shape:
        case spaces.Discrete():
            return spaces.Discrete(int(shape.n))
        case spaces.MultiDiscrete():
            return spaces.MultiDiscrete(shape.nvec)
        case spaces.Box() if shape.dtype == np.uint8:
            return shape
        case spaces.Dict():
            raise InvalidSpec("Stable-Baselines3 takes an image alone: leave the other fields out of `state`")
        case spaces.Box():
            return spaces.Box(shape.low.astype(np.float32), shape.high.astype(np.float32), dtype=np.float32)
        case _:
            raise TypeError(f"space_of makes no {shape}")


def to_plain(batch: NDArray[Any], shape: gymnasium.Space[Any]) -> NDArray[Any]:
    """A batch (n, ...) of elements of `shape` in its plain form."""
    match shape:
        case spaces.Discrete() | spaces.MultiDiscrete():
            return batch - shape.start
        case _:
            return batch if shape.dtype == np.uint8 else batch.astype(np.float32)


def from_plain(batch: NDArray[Any], shape: gymnasium.Space[Any]) -> NDArray[Any]:
    """A batch (n, ...) of elements of the plain form of `shape` as elements of `shape`; numbers as near as it has."""
    match shape:
        case spaces.Discrete() | spaces.MultiDiscrete():
            return batch + shape.start
        case spaces.Box():
            return np.clip(batch.astype(np.float64), shape.low, shape.high)
        case _:
            raise TypeError(f"space_of makes no {shape}")
