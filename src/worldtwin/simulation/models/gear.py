"""`Gear`: a number that goes where another one takes it."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from worldtwin.exact.rounding import Integers, round_shift
from worldtwin.simulation.models.checks import require
from worldtwin.world import Angle, Field, Real, bounds

RATIO_BITS: Final = 30
"""Ratios are in 2^-30, and at most 2."""
_TURN_LIMIT: Final = 1 << 62


class Gear(Struct, frozen=True, forbid_unknown_fields=True):
    """The state column `driven` changes by `ratio`, in 2^-30, for each lattice step of change of the column `driver`.

    A position follows the speed that a step has led to, even where something has stopped it: physics that is computed
    by semi-implicit steps.
    """

    driven: int
    driver: int
    ratio: int

    def turned(self, steps: Integers, bits: int) -> Integers:
        """By how much, in 2^-`bits` steps, the driven column moves where its driver moved by so many `steps`."""
        return round_shift(self.ratio * steps, RATIO_BITS - bits)

    def is_exact(self, driver: Field) -> bool:
        """Whether it multiplies any change of the driver exactly."""
        low, high = bounds(driver)
        return abs(self.ratio) <= 2 << RATIO_BITS and abs(self.ratio) * (high - low) < _TURN_LIMIT

    def require_fits(self, driven: Field, driver: Field) -> None:
        """Refuse what cannot be multiplied exactly. Raises `InvalidFile`."""
        require(isinstance(driven, Real | Angle), f"gear: column {self.driven} is not a real number or an angle")
        require(isinstance(driver, Real), f"gear: column {self.driver} is not a real number")
        require(self.is_exact(driver), f"gear: the ratio {self.ratio} is too large")


def require_gears(gears: tuple[Gear, ...], targets: tuple[int, ...], bases: tuple[int, ...]) -> None:
    """Refuse gears between other columns than `targets` that change, and chains of them. Raises `InvalidFile`."""
    moved = {target for target, base in zip(targets, bases, strict=True) if target == base}
    driven = [gear.driven for gear in gears]
    require(len(driven) == len(set(driven)), f"gears: a column of {driven} is driven twice")
    for gear in gears:
        require(
            {gear.driven, gear.driver} <= moved, f"gear: {gear.driver} or {gear.driven} is not predicted as a change"
        )
        require(gear.driver not in driven, f"gear: the driver {gear.driver} is driven itself")
