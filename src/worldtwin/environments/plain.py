"""Spaces as libraries for training take them: choices are numbered from 0, boxes hold 32-bit floats."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray


def plain_space(shape: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
    """The plain form of `shape`, a space that `space_of` made."""
    match shape:
        case spaces.Discrete():
            return spaces.Discrete(int(shape.n))
        case spaces.MultiDiscrete():
            return spaces.MultiDiscrete(shape.nvec)
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
            return batch.astype(np.float32)


def from_plain(batch: NDArray[Any], shape: gymnasium.Space[Any]) -> NDArray[Any]:
    """A batch (n, ...) of elements of the plain form of `shape` as elements of `shape`; numbers as near as it has."""
    match shape:
        case spaces.Discrete() | spaces.MultiDiscrete():
            return batch + shape.start
        case spaces.Box():
            return np.clip(batch.astype(np.float64), shape.low, shape.high)
        case _:
            raise TypeError(f"space_of makes no {shape}")
