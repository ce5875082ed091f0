"""What a polynomial predicts: the change of a number, or a number itself."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from worldtwin.simulation import FINE_BITS, Gear
from worldtwin.world import Angle, Field, Integer, Lattice, Real, Spec, bounds, wrap_column

FURTHEST: Final = 1 << 60
SLACK: Final = 0.25
EDGE_SHARE: Final = 0.5


class Target(Struct, frozen=True):
    """A number in `column` of [next fields | outputs], predicted as a change of state column `base` (-1: of 0).

    What a `gear` moves it by is not predicted: that follows from where the gear's driver goes.
    """

    column: int
    base: int
    field: Field
    gear: Gear | None = None

    def moved(self, inputs: Lattice, results: Lattice) -> Lattice:
        """From where (n,) the changes are counted, in lattice steps: its base, moved by its gear."""
        start = inputs[:, self.base] if self.base >= 0 else np.zeros(len(inputs), dtype=np.int64)
        if self.gear is None:
            return start
        return start + self.gear.turned(results[:, self.gear.driver] - inputs[:, self.gear.driver], bits=0)


def numeric_targets(spec: Spec) -> tuple[Target, ...]:
    """The reals, angles and integers among the next fields and the outputs."""
    inside = tuple(
        Target(column=column, base=-1 if spec.stateless else column, field=field)
        for column, field in enumerate(spec.state.fields)
    )
    beside = tuple(
        Target(column=column, base=-1, field=field)
        for column, field in enumerate(spec.outputs.fields, start=len(spec.state))
    )
    return tuple(target for target in inside + beside if isinstance(target.field, Real | Angle | Integer))


def changes(targets: tuple[Target, ...], inputs: Lattice, results: Lattice) -> Lattice:
    """The recorded changes (n, targets) in lattice steps; `results` (n, next fields and outputs)."""
    columns = [difference(target, results[:, target.column] - target.moved(inputs, results)) for target in targets]
    return np.stack(columns, axis=1) if columns else np.zeros((len(inputs), 0), dtype=np.int64)


def difference(target: Target, steps: Lattice) -> Lattice:
    """`steps` (n,) between two values of the target; the shorter way around for angles."""
    return wrap_column(steps) if isinstance(target.field, Angle) else steps


def guard(values: Lattice) -> tuple[int, int]:
    """The lowest and highest change to believe: the range of the recorded `values` (n,) and a quarter, in 2^-8."""
    low, high = int(values.min()) << FINE_BITS, int(values.max()) << FINE_BITS
    slack = int(SLACK * (high - low))
    return max(-FURTHEST, low - slack), min(FURTHEST, high + slack)


def ungeared(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """The same targets, each predicted as all of its change."""
    return tuple(replace(target, gear=None) for target in targets)


def widest(target: Target, targets: tuple[Target, ...]) -> tuple[int, int]:
    """The lowest and highest change, in 2^-8, that the declared ranges of the target and its driver allow."""
    low, high = bounds(target.field)
    if target.base >= 0:
        low, high = low - high, high - low
    if target.gear is not None:
        lowest, highest = next(bounds(each.field) for each in targets if each.column == target.gear.driver)
        reach = abs(target.gear.turned(highest - lowest, bits=0)) + 1
        low, high = low - reach, high + reach
    return max(-FURTHEST, low << FINE_BITS), min(FURTHEST, high << FINE_BITS)


def limits(
    targets: tuple[Target, ...], inputs: Lattice, results: Lattice
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The changes (n, targets), in lattice steps, that keep each target within its field's declared range."""
    low = np.full((len(inputs), len(targets)), -np.inf)
    high = np.full((len(inputs), len(targets)), np.inf)
    for i, target in enumerate(targets):
        if not isinstance(target.field, Angle):
            lowest, highest = bounds(target.field)
            start = target.moved(inputs, results)
            low[:, i], high[:, i] = lowest - start, highest - start
    return low, high


def on_edge(targets: tuple[Target, ...], results: Lattice) -> NDArray[np.bool_]:
    """Which rows (n,) have a real number at the very end of its declared range.

    Something may have stopped it there, so what is recorded says little about where it was going. A field that is there
    most of the time lives there, and is not counted.
    """
    edge = np.zeros(len(results), dtype=np.bool_)
    for target in targets:
        if isinstance(target.field, Real):
            low, high = bounds(target.field)
            here = (results[:, target.column] <= low) | (results[:, target.column] >= high)
            if here.mean() < EDGE_SHARE:
                edge |= here
    return edge
