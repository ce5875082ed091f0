"""What goes into a machine that runs many rows, and what comes out: the memory, and results that are numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worldtwin.script.running.arithmetic import Mask, Values
from worldtwin.script.tree import Kind, Type

_DTYPES = {Kind.BOOL: np.bool_, Kind.FLOAT: np.float64}


def finite(results: list[Values], trapped: Mask) -> Mask:
    """The rows whose results are finite, and those that trapped: their results mean nothing."""
    answered = np.ones_like(trapped)
    for column in results:
        if column.dtype == np.float64:
            answered &= np.isfinite(column)
    return answered | trapped


def memory_cells(memory: NDArray[np.float64], kinds: tuple[Type, ...]) -> list[Values]:
    """The memory (n, numbers) as a cell for each of its fields."""
    cells: list[Values] = []
    position = 0
    for kind in kinds:
        dtype = _DTYPES.get(kind.kind, np.int64)
        width = kind.length or 1
        block = memory[:, position : position + width].astype(dtype)
        cells.append(block if kind.length else block[:, 0])
        position += width
    return cells


def memory_rows(cells: list[Values], before: NDArray[np.float64], lines: NDArray[np.int64]) -> NDArray[np.float64]:
    """The memory (n, numbers) that the cells (n,) or (n, length) hold; rows that trapped in a line keep theirs."""
    after = np.empty_like(before)
    position = 0
    for cell in cells:
        width = cell.shape[1] if cell.ndim == 2 else 1
        after[:, position : position + width] = cell if cell.ndim == 2 else cell[:, None]
        position += width
    if lines.any():
        trapped = lines > 0
        after[trapped] = before[trapped]
    return after
