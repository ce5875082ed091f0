"""`Ensemble`: networks as a function of a model's parts, in whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from msgspec import Struct

from worldtwin.exact.features import COARSE_DROP, coarse
from worldtwin.exact.network import (
    INPUT_LIMIT,
    Carried,
    Floats,
    StackedLayer,
    evaluate_all,
    evaluate_stacked,
    fault_of,
)
from worldtwin.simulation.models.checks import require, seal
from worldtwin.simulation.models.polynomial import MAX_MEMBERS
from worldtwin.world import Lattice

MAX_WORK: Final = 1 << 22


class Ensemble(Struct, frozen=True, kw_only=True, eq=False, dict=True, tag="ensemble", forbid_unknown_fields=True):
    """Networks of one shape, one for each member, of the parts rounded to 2^-12.

    The last of the `layers` gives the outputs: its shifts take them to their unit.
    """

    layers: tuple[StackedLayer, ...]

    def __post_init__(self) -> None:
        """Refuse layers whose shapes do not chain. Raises `InvalidFile`."""
        require(len(self.layers) > 0, "an ensemble of no networks")
        for number, layer in enumerate(self.layers):
            fits = layer.weights.ndim == 3
            require(fits, f"layer {number}: weights of {layer.weights.ndim} axes, expected networks, inputs, outputs")
        require(1 <= self.members <= MAX_MEMBERS, f"{self.members} members: 1 to {MAX_MEMBERS} are allowed")
        limit = f"{self.work:,} operations a step are more than {MAX_WORK:,}"
        require(self.work <= MAX_WORK, limit)
        for layer in self.layers:
            seal(layer)

    @property
    def members(self) -> int:
        """How many networks there are."""
        return len(self.layers[0].weights)

    @property
    def outputs(self) -> int:
        """How many outputs each has."""
        return self.layers[-1].weights.shape[-1]

    @property
    def work(self) -> int:
        """Multiply-adds that all members take for one row."""
        return sum(layer.multiply_adds for layer in self.layers)

    @cached_property
    def carried(self) -> tuple[Carried, ...]:
        """The layers as the engine carries them."""
        return tuple(Carried.of(layer) for layer in self.layers)

    def reach(self, largest: Sequence[int]) -> int:
        """What an output can reach when parts reach `largest`. Raises `InvalidFile` when a sum might not be exact."""
        inputs = [min((size >> COARSE_DROP) + 1, INPUT_LIMIT) for size in largest]
        fault, reach = fault_of(self.layers, inputs)
        require(not fault, f"ensemble: {fault}")
        return reach

    def every(self, parts: Floats) -> Lattice:
        """The outputs (members, outputs, n) of all members for `parts` (parts, n)."""
        return evaluate_all(self.carried, coarse(parts)).transpose(0, 2, 1)

    def own(self, parts: Floats, member: Lattice) -> Lattice:
        """The outputs (n, outputs), row i by member `member[i]`."""
        if self.members == 1:
            return evaluate_all(self.carried, coarse(parts))[0]
        return evaluate_stacked(self.carried, coarse(parts), member)
