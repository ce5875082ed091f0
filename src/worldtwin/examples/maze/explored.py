"""What happened in the demo, as values: what the report is made of."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.simulation import Simulator
from worldtwin.tasks import Task
from worldtwin.world import Lattice, Set, Transitions


class Way(Struct, frozen=True, kw_only=True):
    """What the robot says of a run: its poses, whether it got out, and how short the way could have been."""

    way: list[tuple[int, int, int]]
    steps: int
    out: bool
    shortest: int


class Explored(Struct, frozen=True, kw_only=True, eq=False):
    """What was recorded, and what came of it."""

    simulator: Simulator
    recorded: Transitions
    runs: int
    task: Task
    way: Way
    key: Key

    @property
    def _seen(self) -> Lattice:
        """Every state that was entered or left (n, fields)."""
        return np.concatenate([self.recorded.states, self.recorded.nexts])

    @property
    def visits(self) -> NDArray[np.int64]:
        """How often each cell was seen (rows, columns)."""
        columns, rows = self._seen[:, 0], self._seen[:, 1]
        return np.bincount(rows * 8 + columns, minlength=64).reshape(8, 8)

    @property
    def open_sides(self) -> set[tuple[int, int, int]]:
        """The sides (column, row, 0-3 from north clockwise) that the robot saw to be open."""
        field = self.simulator.spec.state.field("exits")
        names = field.values if isinstance(field, Set) else ()
        quarters = {"ahead": 0, "right": 1, "back": 2, "left": 3}
        seen = {tuple(row) for row in self._seen.tolist()}
        return {
            (column, row, (heading + quarters[name]) % 4)
            for column, row, heading, exits in seen
            for bit, name in enumerate(names)
            if exits >> bit & 1
        }
