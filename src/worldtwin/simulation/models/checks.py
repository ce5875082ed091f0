"""Checks of values that may come from a stranger's file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worldtwin.errors import InvalidFile
from worldtwin.world import seal

__all__ = ["require", "require_array", "seal"]


def require(condition: bool | np.bool_, message: str) -> None:  # noqa: FBT001 - what is required
    """Refuse with `message` unless `condition` holds. Raises `InvalidFile`."""
    if not condition:
        raise InvalidFile(message)


def require_array(
    name: str, array: NDArray[np.int64], shape: tuple[int, ...], *, low: int | None = None, high: int | None = None
) -> None:
    """Refuse an array that is not int64, of `shape` (-1: any length) and in [low, high]. Raises `InvalidFile`."""
    require(array.dtype == np.int64, f"{name}: expected 64-bit whole numbers, got {array.dtype}")
    fits = array.ndim == len(shape) and all(want in (-1, size) for want, size in zip(shape, array.shape, strict=False))
    require(fits, f"{name}: expected shape {shape}, got {array.shape}")
    if array.size:
        require(low is None or int(array.min()) >= low, f"{name}: {array.min()} is below {low}")
        require(high is None or int(array.max()) <= high, f"{name}: {array.max()} is above {high}")
