"""`Polynomial`: a learned prediction of numbers, published in whole numbers."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact.polynomial import (
    FURTHEST,
    SHIFTS,
    SUM_LIMIT,
    WEIGHT_LIMIT,
    Basis,
    Feature,
    beyond,
    evaluate,
    rounding,
    shifted,
)
from worldtwin.exact.rounding import round_shift
from worldtwin.simulation.models.checks import require, require_array, seal
from worldtwin.world import Angle, Category, Field, Integer, Lattice, Real, Set, Spec, bounds, wrap_column

FINE_BITS: Final = 8
"""Changes are computed in 2^-8 lattice steps and rounded once."""
CONFIDENCE_BITS: Final = 16
SCORE_BITS: Final = 8
MAX_PARTS: Final = 4096
MAX_TERMS: Final = 4096
MAX_MEMBERS: Final = 64
MAX_STEPS: Final = 4096
_CHANGE_LIMIT: Final = 1 << 61


class Polynomial(Struct, frozen=True, kw_only=True, eq=False, dict=True, tag="polynomial", forbid_unknown_fields=True):
    """Polynomials of degree three at most, one for each member and target.

    `terms` (terms, 3) are positions of parts of `features` (-1: no factor), `weights` (members, terms, targets) below
    2^31, `shifts` (members, targets). `targets` are columns of [next fields | outputs]. A target is the state column
    `bases[i]` (-1: nothing) plus a change of `round_shift(terms @ weights, shift)` 2^-8 lattice steps, kept in
    [`lows[i]`, `highs[i]`] and rounded once; then wrapped (angles) or kept within the field.

    Confidence: the score of an answer is the widest spread of members over `tolerances` (targets,), both in 2^-8 steps,
    in 2^-8; a score of at least `edges[i]` deserves `levels[i]` / 2^16, and an input outside of what the features keep
    the last level.
    """

    features: tuple[Feature, ...]
    terms: Lattice
    weights: Lattice
    shifts: Lattice
    targets: tuple[int, ...]
    bases: tuple[int, ...]
    lows: Lattice
    highs: Lattice
    tolerances: Lattice
    edges: Lattice
    levels: Lattice

    def __post_init__(self) -> None:
        """Refuse parts that do not fit each other, and sums that might not be exact. Raises `InvalidFile`."""
        _require_basis(self)
        _require_weights(self)
        _require_answers(self)
        seal(self)

    @property
    def members(self) -> int:
        """How many polynomials answer for each target."""
        return len(self.weights)

    @cached_property
    def basis(self) -> Basis:
        """The monomials."""
        return Basis(self.features, self.terms)

    @cached_property
    def carried(self) -> NDArray[np.float64]:
        """The weights (members * targets, terms) as the engine carries them."""
        return np.ascontiguousarray(self.weights.transpose(0, 2, 1).reshape(-1, len(self.terms)).astype(np.float64))

    @cached_property
    def _rounding(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return rounding(self.shifts)

    def changes(self, inputs: Lattice) -> Lattice:
        """The changes (members, targets, n) in 2^-8 steps for `inputs` (n, columns of [state row | action row])."""
        sums = evaluate(self.basis, self.carried, inputs).reshape(self.members, len(self.targets), -1)
        halves, scales = self._rounding
        return self._kept(shifted(sums, halves[:, :, None], scales[:, :, None]), axis=1)

    def changes_by(self, inputs: Lattice, member: Lattice) -> Lattice:
        """The changes (n, targets) in 2^-8 steps, row i by member `member[i]`."""
        sums = evaluate(self.basis, self.carried, inputs).reshape(self.members, len(self.targets), -1)
        own = sums[member, :, np.arange(len(inputs))] if self.members > 1 else sums[0].T
        halves, scales = self._rounding
        return self._kept(shifted(own, halves[member], scales[member]), axis=1)

    def middle(self, changes: Lattice) -> Lattice:
        """The median member's changes (n, targets) of `changes` (members, targets, n); the lower one of two."""
        return np.sort(changes, axis=0)[(self.members - 1) // 2].T

    def land(self, spec: Spec, inputs: Lattice, changes: Lattice) -> Lattice:
        """Where `changes` (n, targets) lead from `inputs`: lattice values (n, targets) within the fields."""
        steps = round_shift(changes, FINE_BITS)
        landed = np.empty_like(steps)
        fields = spec.state.fields + spec.outputs.fields
        for i, (target, base) in enumerate(zip(self.targets, self.bases, strict=True)):
            column = steps[:, i] + inputs[:, base] if base >= 0 else steps[:, i]
            landed[:, i] = _within(fields[target], column)
        return landed

    def scores(self, changes: Lattice) -> Lattice:
        """How much members disagree (n,): the widest spread of `changes` (members, targets, n) over its tolerance."""
        spread = np.minimum(changes.max(axis=0) - changes.min(axis=0), 1 << 54)
        return ((spread << SCORE_BITS) // self.tolerances[:, None]).max(axis=0)

    def confidence(self, inputs: Lattice, changes: Lattice) -> Lattice:
        """How sure the answers to `inputs` are (n,), in 2^-16."""
        step = np.maximum(np.searchsorted(self.edges, self.scores(changes), side="right") - 1, 0)
        return self.levels[np.where(beyond(self.features, inputs), len(self.levels) - 1, step)]

    def require_fits(self, spec: Spec) -> None:
        """Refuse features and targets that are not those of `spec`. Raises `InvalidFile`."""
        columns = input_fields(spec)
        for feature in self.features:
            require(feature.column < len(columns), f"feature of column {feature.column}: there are {len(columns)}")
            _require_kind(feature, columns[feature.column])
        results = spec.state.fields + spec.outputs.fields
        for target, base in zip(self.targets, self.bases, strict=True):
            require(target < len(results), f"target {target}: there are {len(results)} next fields and outputs")
            numeric = isinstance(results[target], Real | Angle | Integer)
            require(numeric, f"target {target}: a polynomial predicts numbers, not names")
            own = base == -1 or base == target < len(spec.state)
            require(own, f"target {target}: {base} is not its own state column")

    def _kept(self, changes: Lattice, axis: int) -> Lattice:
        shape = [1] * changes.ndim
        shape[axis] = len(self.targets)
        return np.minimum(np.maximum(changes, self.lows.reshape(shape)), self.highs.reshape(shape))


def input_fields(spec: Spec) -> tuple[Field, ...]:
    """The field of each column of [state row | action row]."""
    state, action = spec.state.fields, spec.action.fields
    return (*state, *(state + action) * spec.history, *action)


def _within(field: Field, column: Lattice) -> Lattice:
    if isinstance(field, Angle):
        return wrap_column(column)
    low, high = bounds(field)
    return np.minimum(np.maximum(column, low), high)


def _require_basis(model: Polynomial) -> None:
    for feature in model.features:
        name = f"feature of column {feature.column}"
        require(feature.column >= 0, f"{name}: there is no such column")
        require(abs(feature.center) < 1 << 53 and -40 <= feature.shift <= 36, f"{name}: its scale is out of range")
        require(-FURTHEST <= feature.low <= feature.high <= FURTHEST, f"{name}: its bounds are out of range")
        require(0 <= feature.count <= MAX_PARTS, f"{name}: {feature.count} values are too many")
    parts = model.basis.parts if model.features else 0
    require(0 <= parts <= MAX_PARTS, f"{parts} parts of features are more than {MAX_PARTS}")
    require_array("terms", model.terms, (-1, 3), low=-1, high=parts - 1)
    require(1 <= len(model.terms) <= MAX_TERMS, f"{len(model.terms)} terms: 1 to {MAX_TERMS} are allowed")
    packed = (model.terms[:, 1:] < 0) | (model.terms[:, :-1] >= 0)
    require(packed.all(), "terms: the factors of a term come first, then -1")


def _require_weights(model: Polynomial) -> None:
    members, targets = len(model.weights), len(model.targets)
    require(1 <= members <= MAX_MEMBERS, f"{members} members: 1 to {MAX_MEMBERS} are allowed")
    shape = (members, len(model.terms), targets)
    require_array("weights", model.weights, shape, low=1 - WEIGHT_LIMIT, high=WEIGHT_LIMIT - 1)
    require_array("shifts", model.shifts, (members, targets), low=SHIFTS[0], high=SHIFTS[1])
    largest = np.array(model.basis.largest, dtype=np.int64)
    size = np.abs(model.weights).transpose(0, 2, 1)
    high, low = (size >> 16) @ largest, (size & 0xFFFF) @ largest
    sums = [(above << 16) + below for above, below in zip(high.ravel().tolist(), low.ravel().tolist(), strict=True)]
    require(max(sums, default=0) < SUM_LIMIT, "weights: a sum could reach 2^52, where it would no longer be exact")


def _require_answers(model: Polynomial) -> None:
    count = len(model.targets)
    require(count == len(set(model.targets)) > 0, f"targets {model.targets} must be different columns")
    require(min(model.targets) >= 0 and len(model.bases) == count, "bases: one for each target")
    require_array("lows", model.lows, (count,), low=-_CHANGE_LIMIT, high=_CHANGE_LIMIT)
    require_array("highs", model.highs, (count,), low=-_CHANGE_LIMIT, high=_CHANGE_LIMIT)
    require((model.lows <= model.highs).all(), "lows: a lowest change is above the highest")
    require_array("tolerances", model.tolerances, (count,), low=1)
    require_array("edges", model.edges, (-1,))
    require(1 <= len(model.edges) <= MAX_STEPS, f"{len(model.edges)} steps of confidence: 1 to {MAX_STEPS} are allowed")
    require_array("levels", model.levels, (len(model.edges),), low=0, high=1 << CONFIDENCE_BITS)
    require((np.diff(model.edges) > 0).all(), "edges: the steps of confidence must rise")
    require((np.diff(model.levels) <= 0).all(), "levels: a higher score must not deserve more confidence")


def _require_kind(feature: Feature, field: Field) -> None:
    match feature.kind, field:
        case ("real", Real() | Integer()) | ("angle", Angle()):
            fits = True
        case ("category", Category(values=values)) | ("set", Set(values=values)):
            fits = feature.count == len(values) >= (2 if feature.kind == "category" else 1)
        case _:
            fits = False
    require(fits, f"feature of column {feature.column}: `{feature.kind}` does not fit a {type(field).__name__.lower()}")
