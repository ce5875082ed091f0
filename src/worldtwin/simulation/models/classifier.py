"""`Classifier`: a learned prediction of one name, or of one whole number, published in whole numbers."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct

from worldtwin.exact import STREAM_NOISE, Feature, Words, draw
from worldtwin.exact.chance import MAX_CHOICES, choose, weights
from worldtwin.exact.features import beyond, features, sizes
from worldtwin.simulation.models.checks import require, require_array, seal
from worldtwin.simulation.models.columns import require_features, require_features_fit
from worldtwin.simulation.models.confidence import CONFIDENCE_BITS, Confidence
from worldtwin.simulation.models.functions import Function, members_of, require_sum, summed, summed_own
from worldtwin.world import Category, Integer, Lattice, Set, Spec, bounds

_ONE: Final = 1 << CONFIDENCE_BITS


class Classifier(Struct, frozen=True, kw_only=True, eq=False, dict=True, tag="classifier", forbid_unknown_fields=True):
    """How likely each of some `values` (choices,) of the column `target` of [next fields | outputs] is.

    The sums of `functions` of the `features`' parts are logarithms of weights (base 2, in 2^-8), for each member and
    value. The score of an answer is 1 minus the share of the likeliest value over all members, in 2^-16; an input
    outside of what the features keep deserves the least.
    """

    features: tuple[Feature, ...]
    functions: tuple[Function, ...]
    target: int
    values: Lattice
    confidence: Confidence

    def __post_init__(self) -> None:
        """Refuse parts that do not fit each other, and sums that might not be exact. Raises `InvalidFile`."""
        require_features(self.features)
        self.confidence.require_parts(len(sizes(self.features)))
        require(self.target >= 0, f"target {self.target}: there is no such column")
        require_array("values", self.values, (-1,))
        count = len(self.values)
        require(1 <= count <= MAX_CHOICES, f"{count} values: 1 to {MAX_CHOICES} are allowed")
        require((np.diff(self.values) > 0).all(), "values: they must rise")
        require_sum(self.functions, sizes(self.features), {count})
        seal(self)

    @property
    def targets(self) -> tuple[int, ...]:
        """The columns of [next fields | outputs] that it predicts: one."""
        return (self.target,)

    @cached_property
    def members(self) -> int:
        """How many answers there are."""
        return members_of(self.functions)

    @property
    def draws(self) -> bool:
        """Whether the same input may have several answers."""
        return len(self.values) > 1

    @property
    def work(self) -> int:
        """Multiply-adds, and comparisons, that all members take for one row."""
        return sum(function.work for function in self.functions)

    def drawn(self, inputs: Lattice, member: Lattice, keys: Words, step: int | Lattice) -> Lattice:
        """A value (n,) for each of `inputs` (n, [state row | action row]), by the row's own member and key."""
        scores = summed_own(self.functions, features(self.features, inputs), len(self.values), member)
        return self.values[choose(draw(keys, step, STREAM_NOISE + self.target), scores)]

    def answer(self, _spec: Spec, inputs: Lattice, member: Lattice, keys: Words, step: int | Lattice) -> Lattice:
        """The target's column (n, 1) after `inputs`, row i by member `member[i]` and the own `keys`."""
        return self.drawn(inputs, member, keys, step)[:, None]

    def foreseen(self, _spec: Spec, inputs: Lattice) -> tuple[Lattice, float]:
        """The likeliest value of all members and then each member's (1 + members, 1), and how sure the first one is.

        For one row of `inputs` (1, columns).
        """
        shares = self.shares(inputs)
        best = np.concatenate([together(shares).argmax(axis=1), shares[:, 0].argmax(axis=1)])
        return self.values[best][:, None], int(self.confidences(inputs, shares)[0]) / (1 << CONFIDENCE_BITS)

    def shares(self, inputs: Lattice) -> Lattice:
        """How likely each value is (members, n, choices), in 2^-20 of the likeliest one of its member."""
        scores = summed(self.functions, features(self.features, inputs), len(self.values))
        return np.stack([weights(each.T) for each in scores])

    def scores(self, shares: Lattice) -> Lattice:
        """How unsure an answer is (n,): 1 minus the share of the likeliest value, in 2^-16."""
        total = together(shares)
        return _ONE - total.max(axis=1) * _ONE // total.sum(axis=1)

    def confidences(self, inputs: Lattice, shares: Lattice) -> Lattice:
        """How sure the likeliest values for `inputs` are (n,), in 2^-16."""
        parts = features(self.features, inputs)
        return self.confidence.of(self.scores(shares), parts, beyond(self.features, inputs))

    def require_fits(self, spec: Spec) -> None:
        """Refuse features, a target and values that are not those of `spec`. Raises `InvalidFile`."""
        require_features_fit(self.features, spec)
        results = spec.state.fields + spec.outputs.fields
        require(self.target < len(results), f"target {self.target}: there are {len(results)} next fields and outputs")
        own = results[self.target]
        require(isinstance(own, Category | Integer | Set), f"target {self.target}: a classifier predicts names")
        low, high = bounds(own)
        require_array("values", self.values, (-1,), low=low, high=high)


def together(shares: Lattice) -> Lattice:
    """How likely each value is (n, choices) over all members of `shares` (members, n, choices), each one alike."""
    return ((shares << CONFIDENCE_BITS) // shares.sum(axis=2, keepdims=True)).sum(axis=0)
