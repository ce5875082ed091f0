"""`Actor`: whatever takes actions in a world, many rows at a time; and the parameters that a search may change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask
from worldtwin.script import Parameter
from worldtwin.world import Lattice

Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Actor(Protocol):
    """Takes actions: a task, a population of tasks, or a list of moves."""

    @property
    def memory_width(self) -> int:
        """How many numbers it remembers within an episode."""
        ...

    def start_memory(self, n: int) -> Numbers:
        """What `n` episodes remember at their start (n, memory)."""
        ...

    def act_rows(self, states: Lattice, memory: Numbers, possible: Mask | None) -> tuple[Lattice, Numbers]:
        """The actions (n, a) in `states` (n, width), and the memory (n, memory) after them.

        `possible` (n, choices) says which values of the action are possible; None when all are.
        """
        ...


class Parameters(Struct, frozen=True, kw_only=True, eq=False):
    """What may be changed in a task: `values`, their ranges `low` and `high`, and which stay whole, all (p,)."""

    values: Numbers
    low: Numbers
    high: Numbers
    integer: Mask

    def __len__(self) -> int:
        """How many there are."""
        return len(self.values)

    @staticmethod
    def none() -> Parameters:
        """No parameters."""
        empty = np.zeros(0)
        return Parameters(values=empty, low=empty, high=empty, integer=np.zeros(0, dtype=np.bool_))


def parameters_of(declared: Sequence[Parameter]) -> Parameters:
    """The declared parameters of a program, one after the other."""
    sizes = [len(each.values) for each in declared]
    return Parameters(
        values=np.array([value for each in declared for value in each.values], dtype=np.float64),
        low=np.repeat(np.array([each.low for each in declared], dtype=np.float64), sizes),
        high=np.repeat(np.array([each.high for each in declared], dtype=np.float64), sizes),
        integer=np.repeat(np.array([each.integer for each in declared], dtype=np.bool_), sizes),
    )


def require_count(values: Numbers | Sequence[float], expected: int, kind: str) -> Numbers:
    """`values` as finite numbers (expected,). Raises `InvalidTask` saying how many there should be."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (expected,):
        raise InvalidTask(f"{numbers.size} parameter values are given: the {kind} has {expected}")
    if not np.isfinite(numbers).all():
        raise InvalidTask(f"parameter {int(np.argmin(np.isfinite(numbers)))} is not a finite number")
    return numbers
