"""Worlds without chance and with finitely many starts: there, all runs can be looked at instead of a sample."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worldtwin.simulation import Polynomial, Simulator, Table
from worldtwin.world import Lattice, Spec, Start, StartRange

MAX_STARTS: Final = 1 << 16


def counted_are_certain(simulator: Simulator) -> bool:
    """Whether every counted row has one outcome, so that nothing is drawn as long as no predictor is asked."""
    return all(table.edges.deterministic for table in (simulator.observed, simulator.synthetic) if table is not None)


def guesses_are_certain(simulator: Simulator) -> bool:
    """Whether no predictor draws: every table among them has one outcome a row, every polynomial one member."""
    return simulator.spec.unknown == "error" or all(_draws_nothing(model) for model in simulator.predictors)


def all_starts(simulator: Simulator, *, most: int = MAX_STARTS) -> Lattice | None:
    """All the state rows (n, width) where episodes begin, equally likely; None when there are none or over `most`."""
    spec = simulator.spec
    if spec.start is None:
        return simulator.starts if 0 < len(simulator.starts) <= most else None
    sizes = [_size(start) for start in _in_order(spec)]
    if math.prod(sizes) > most:
        return None
    axes = [_values(start) for start in _in_order(spec)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return spec.start_rows(grid.reshape(-1, len(axes)))


def _draws_nothing(model: Table | Polynomial) -> bool:
    return model.edges.deterministic if isinstance(model, Table) else model.members == 1


def _in_order(spec: Spec) -> list[Start]:
    starts = spec.start or {}
    return [starts[name] for name in spec.state.names]


def _size(start: Start) -> int:
    return start.high - start.low + 1 if isinstance(start, StartRange) else len(start.values)


def _values(start: Start) -> NDArray[np.int64]:
    if isinstance(start, StartRange):
        return np.arange(start.low, start.high + 1)
    return np.array(start.values, dtype=np.int64)
