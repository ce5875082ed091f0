"""Worlds without chance and with finitely many starts: there, all runs can be looked at instead of a sample."""

from __future__ import annotations

import math
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from worldtwin.simulation import Model, Simulator, Table
from worldtwin.tasks import Actor
from worldtwin.world import Lattice, Spec, Start, StartRange

MAX_STARTS: Final = 1 << 16


def all_starts(simulator: Simulator, *, most: int = MAX_STARTS) -> Lattice | None:
    """All the state rows (n, width) where episodes begin, equally likely; None when there are none or over `most`.

    None too where chance says which hidden state an episode begins in.
    """
    spec = simulator.spec
    if spec.start is None:
        return _surely(simulator, simulator.starts) if 0 < len(simulator.starts) <= most else None
    sizes = [_size(start) for start in _in_order(spec)]
    if math.prod(sizes) > most:
        return None
    axes = [_values(start) for start in _in_order(spec)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return _surely(simulator, spec.start_rows(grid.reshape(-1, len(axes))))


def _surely(simulator: Simulator, starts: Lattice) -> Lattice | None:
    """The state rows `starts` (n, width) with their hidden states; None where chance has a say in these."""
    spec, rows = simulator.spec, simulator.with_sure_hidden(starts)
    return None if spec.hidden and (rows[:, len(spec.state)] == spec.hidden).any() else rows


def draws_anywhere(simulator: Simulator) -> bool:
    """Whether any step could draw: a row of its tables with several outcomes, or a predictor that does."""
    models = (simulator.observed, simulator.synthetic, *_guessing(simulator))
    return any(_draws(model) for model in models if model is not None)


def draws_at(simulator: Simulator, states: Lattice, actions: Lattice) -> bool:
    """Whether any of the steps from `states` (n, width) by `actions` (n, a) draws."""
    inputs = np.concatenate([states, actions], axis=1)
    for table in (simulator.observed, simulator.synthetic):
        if table is not None and len(table) and len(inputs):
            found = table.lookup(inputs[:, table.inputs])
            if not table.edges.single[found[found >= 0]].all():
                return True
            inputs = inputs[found < 0]
    return len(inputs) > 0 and any(_draws(model) for model in _guessing(simulator))


@final
class Watched:
    """`actor`, and whether a step that it took could have gone another way. Mutable: `drew` turns true."""

    def __init__(self, actor: Actor, simulator: Simulator) -> None:
        self._actor, self._simulator = actor, simulator
        self.memory_width = actor.memory_width
        self.drew = False

    def start_memory(self, n: int) -> NDArray[np.float64]:
        """The actor's own."""
        return self._actor.start_memory(n)

    def act_rows(
        self, states: Lattice, memory: NDArray[np.float64], possible: NDArray[np.bool_] | None
    ) -> tuple[Lattice, NDArray[np.float64]]:
        """The actor's own."""
        actions, after = self._actor.act_rows(states, memory, possible)
        self.drew = self.drew or draws_at(self._simulator, states, actions)
        return actions, after


def _guessing(simulator: Simulator) -> tuple[Model, ...]:
    return simulator.predictors if simulator.spec.unknown == "guess" else ()


def _draws(model: Model) -> bool:
    return not model.edges.deterministic if isinstance(model, Table) else model.draws


def _in_order(spec: Spec) -> list[Start]:
    starts = spec.start or {}
    return [starts[name] for name in spec.state.names]


def _size(start: Start) -> int:
    return start.high - start.low + 1 if isinstance(start, StartRange) else len(start.values)


def _values(start: Start) -> NDArray[np.int64]:
    if isinstance(start, StartRange):
        return np.arange(start.low, start.high + 1)
    return np.array(start.values, dtype=np.int64)
