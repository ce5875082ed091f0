"""The columns that models read and answer, and what a stranger's features may say about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from worldtwin.exact import Feature
from worldtwin.exact.features import FURTHEST
from worldtwin.simulation.models.checks import require
from worldtwin.world import Angle, Category, Field, Integer, Lattice, Real, Set, Spec, bounds, wrap_column

MAX_PARTS: Final = 4096


def input_fields(spec: Spec) -> tuple[Field, ...]:
    """The field of each column of [state row | action row]."""
    state, action = spec.inner.fields, spec.action.fields
    return (*state, *(state + action) * spec.history, *action)


def within(field: Field, column: Lattice) -> Lattice:
    """The `column` (n,) as values of `field`: an angle wraps, others stay in their range."""
    if isinstance(field, Angle):
        return wrap_column(column)
    low, high = bounds(field)
    return np.minimum(np.maximum(column, low), high)


def require_features(features: Sequence[Feature]) -> None:
    """Refuse features that could not be of any world. Raises `InvalidFile`."""
    for feature in features:
        name = f"feature of column {feature.column}"
        require(feature.column >= 0, f"{name}: there is no such column")
        require(abs(feature.center) < 1 << 53 and -40 <= feature.shift <= 36, f"{name}: its scale is out of range")
        require(-FURTHEST <= feature.low <= feature.high <= FURTHEST, f"{name}: its bounds are out of range")
        require(0 <= feature.count <= MAX_PARTS, f"{name}: {feature.count} values are too many")
    parts = sum(feature.parts for feature in features)
    require(0 <= parts <= MAX_PARTS, f"{parts} parts of features are more than {MAX_PARTS}")


def require_features_fit(features: Sequence[Feature], spec: Spec) -> None:
    """Refuse features of other columns than those of `spec`. Raises `InvalidFile`."""
    columns = input_fields(spec)
    for feature in features:
        require(feature.column < len(columns), f"feature of column {feature.column}: there are {len(columns)}")
        _require_kind(feature, columns[feature.column])


def _require_kind(feature: Feature, field: Field) -> None:
    match feature.kind, field:
        case ("real", Real() | Integer()) | ("angle", Angle()):
            fits = True
        case ("category", Category(values=values)) | ("set", Set(values=values)):
            fits = feature.count == len(values) >= (2 if feature.kind == "category" else 1)
        case _:
            fits = False
    require(fits, f"feature of column {feature.column}: `{feature.kind}` does not fit a {type(field).__name__.lower()}")
