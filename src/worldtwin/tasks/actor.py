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
    """What may be changed in a task: `values`, their ranges `low` and `high`, and which stay whole, all (p,).

    `choices` (p,) is how many names there are to choose from, in no order; 0 for numbers.
    """

    values: Numbers
    low: Numbers
    high: Numbers
    integer: Mask
    choices: NDArray[np.int64]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.values)

    @staticmethod
    def none() -> Parameters:
        """No parameters."""
        empty = np.zeros(0)
        return Parameters.numbers(empty, empty, empty)

    @staticmethod
    def numbers(values: Numbers, low: Numbers, high: Numbers) -> Parameters:
        """Real numbers only."""
        whole, choices = np.zeros(len(values), dtype=np.bool_), np.zeros(len(values), dtype=np.int64)
        return Parameters(values=values, low=low, high=high, integer=whole, choices=choices)


def parameters_of(declared: Sequence[Parameter]) -> Parameters:
    """The declared parameters of a program, one after the other."""
    sizes = [len(each.values) for each in declared]
    return Parameters(
        values=np.array([value for each in declared for value in each.values], dtype=np.float64),
        low=np.repeat(np.array([each.low for each in declared], dtype=np.float64), sizes),
        high=np.repeat(np.array([each.high for each in declared], dtype=np.float64), sizes),
        integer=np.repeat(np.array([each.integer for each in declared], dtype=np.bool_), sizes),
        choices=np.repeat(np.array([len(each.choices) for each in declared], dtype=np.int64), sizes),
    )


def require_count(values: Numbers | Sequence[float], expected: int, kind: str) -> Numbers:
    """`values` as finite numbers (expected,). Raises `InvalidTask` saying how many there should be."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (expected,):
        raise InvalidTask(f"{numbers.size} parameter values are given: the {kind} has {expected}")
    if not np.isfinite(numbers).all():
        raise InvalidTask(f"parameter {int(np.argmin(np.isfinite(numbers)))} is not a finite number")
    return numbers
