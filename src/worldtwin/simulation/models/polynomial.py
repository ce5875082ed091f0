"""`Polynomial`: a function of a model's parts, in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct

from worldtwin.exact.polynomial import SHIFTS, SUM_LIMIT, WEIGHT_LIMIT, Floats, Plan, evaluate, reaches
from worldtwin.exact.rounding import rounding, shifted
from worldtwin.simulation.models.checks import require, require_array, seal
from worldtwin.world import Lattice

MAX_TERMS: Final = 4096
MAX_MEMBERS: Final = 64


class Polynomial(Struct, frozen=True, kw_only=True, eq=False, dict=True, tag="polynomial", forbid_unknown_fields=True):
    """Polynomials of degree three at most, one for each member and output.

    `terms` (terms, 3) are positions of parts (-1: no factor), `weights` (members, terms, outputs) below 2^31, `shifts`
    (members, outputs): an output is `round_shift(monomials @ weights, shift)`.
    """

    terms: Lattice
    weights: Lattice
    shifts: Lattice

    def __post_init__(self) -> None:
        """Refuse shapes that do not fit each other. Raises `InvalidFile`."""
        require_array("terms", self.terms, (-1, 3), low=-1)
        require(1 <= len(self.terms) <= MAX_TERMS, f"{len(self.terms)} terms: 1 to {MAX_TERMS} are allowed")
        packed = (self.terms[:, 1:] < 0) | (self.terms[:, :-1] >= 0)
        require(packed.all(), "terms: the factors of a term come first, then -1")
        require(1 <= len(self.weights) <= MAX_MEMBERS, f"{len(self.weights)} members: 1 to {MAX_MEMBERS} are allowed")
        shape = (self.members, len(self.terms), -1)
        require_array("weights", self.weights, shape, low=1 - WEIGHT_LIMIT, high=WEIGHT_LIMIT - 1)
        require_array("shifts", self.shifts, (self.members, self.outputs), low=SHIFTS[0], high=SHIFTS[1])
        seal(self)

    @property
    def members(self) -> int:
        """How many polynomials answer for each output."""
        return len(self.weights)

    @property
    def outputs(self) -> int:
        """How many outputs it has."""
        return self.weights.shape[2]

    @property
    def work(self) -> int:
        """Monomials, and multiply-adds, that all members take for one row."""
        return len(self.terms) + self.weights.size

    @cached_property
    def plan(self) -> Plan:
        """The order of multiplications."""
        return Plan.of(self.terms)

    @cached_property
    def carried(self) -> Floats:
        """The weights (members * outputs, terms) as the engine carries them."""
        return np.ascontiguousarray(self.weights.transpose(0, 2, 1).reshape(-1, len(self.terms)).astype(np.float64))

    @cached_property
    def rounding(self) -> tuple[Floats, Floats]:
        """What is added to sums, and what they are multiplied by, (members, outputs)."""
        return rounding(self.shifts)

    def reach(self, largest: Sequence[int]) -> int:
        """What an output can reach when parts reach `largest`. Raises `InvalidFile` when a sum might not be exact."""
        require_array("terms", self.terms, (-1, 3), high=len(largest) - 1)
        terms = np.array(reaches(self.terms, largest), dtype=np.int64)
        size = np.abs(self.weights).transpose(0, 2, 1)
        pairs = zip(((size >> 16) @ terms).ravel().tolist(), ((size & 0xFFFF) @ terms).ravel().tolist(), strict=True)
        sums = [(above << 16) + below for above, below in pairs]
        require(max(sums) < SUM_LIMIT, "weights: a sum could reach 2^52, where it would no longer be exact")
        shifts: list[int] = self.shifts.ravel().tolist()
        return max((total >> by) + 1 if by > 0 else total << -by for total, by in zip(sums, shifts, strict=True))

    def every(self, parts: Floats) -> Lattice:
        """The outputs (members, outputs, n) of all members for `parts` (parts, n)."""
        halves, scales = self.rounding
        return shifted(self._sums(parts), halves[:, :, None], scales[:, :, None])

    def own(self, parts: Floats, member: Lattice) -> Lattice:
        """The outputs (n, outputs), row i by member `member[i]`."""
        sums = self._sums(parts)
        own = sums[member, :, np.arange(parts.shape[1])] if self.members > 1 else sums[0].T
        halves, scales = self.rounding
        return shifted(own, halves[member], scales[member])

    def _sums(self, parts: Floats) -> Floats:
        return evaluate(self.plan, self.carried, parts).reshape(self.members, self.outputs, -1)
