"""The functions that a model may add up, each exact in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np

from worldtwin.exact.polynomial import Floats
from worldtwin.simulation.models.checks import require
from worldtwin.simulation.models.ensemble import Ensemble
from worldtwin.simulation.models.forest import Forest
from worldtwin.simulation.models.polynomial import Polynomial
from worldtwin.world import Lattice

Function: TypeAlias = Polynomial | Ensemble | Forest
"""Each has `members` and `outputs`, tells its `work` for a row and what it can `reach`, and answers for all members
(`every`) or for each row's own one (`own`)."""

REACH_LIMIT: Final = 1 << 62
MAX_FUNCTIONS: Final = 16
MAX_ANSWERS: Final = 1 << 14
"""The most answers of a function for a row: its members times its outputs."""


def require_sum(functions: Sequence[Function], largest: Sequence[int], outputs: set[int]) -> None:
    """Refuse functions that do not add up to one of so many `outputs`, or not exactly. Raises `InvalidFile`.

    All have as many members, or one. `largest` is what each part can reach.
    """
    require(len(functions) > 0, "a model of no functions")
    require(len(functions) <= MAX_FUNCTIONS, f"{len(functions)} functions are more than {MAX_FUNCTIONS}")
    members = members_of(functions)
    for function in functions:
        name = type(function).__name__.lower()
        require(function.outputs in outputs, f"{name}: {function.outputs} outputs, expected {sorted(outputs)}")
        require(function.members in (1, members), f"{name}: {function.members} members beside {members} of another")
        answers = function.members * function.outputs
        require(answers <= MAX_ANSWERS, f"{name}: {answers} answers to a row are more than {MAX_ANSWERS}")
    reach = sum(function.reach(largest) for function in functions)
    require(reach < REACH_LIMIT, "functions: their sum could reach 2^62")


def members_of(functions: Sequence[Function]) -> int:
    """How many members their sum has."""
    return max(function.members for function in functions)


def summed(functions: Sequence[Function], parts: Floats, outputs: int) -> Lattice:
    """The sums (members, outputs, n) of all members for `parts` (parts, n); what a function lacks is 0."""
    total = np.zeros((members_of(functions), outputs, parts.shape[1]), dtype=np.int64)
    for function in functions:
        total[:, : function.outputs] += function.every(parts)
    return total


def summed_own(functions: Sequence[Function], parts: Floats, outputs: int, member: Lattice) -> Lattice:
    """The sums (n, outputs), row i by member `member[i]`."""
    if len(functions) == 1 and functions[0].outputs == outputs:
        return functions[0].own(parts, member)
    total = np.zeros((parts.shape[1], outputs), dtype=np.int64)
    for function in functions:
        total[:, : function.outputs] += function.own(parts, member if function.members > 1 else np.zeros_like(member))
    return total
