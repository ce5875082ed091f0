"""`Regressor`: a learned prediction of numbers, published in whole numbers."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from msgspec import UNSET, Struct, UnsetType, field

from worldtwin.exact import STREAM_NOISE, Feature, Words, draw
from worldtwin.exact.chance import LOGS, deviations, normal
from worldtwin.exact.features import Floats, beyond, features, sizes
from worldtwin.exact.rounding import round_shift
from worldtwin.simulation.models.checks import require, require_array, seal
from worldtwin.simulation.models.columns import require_features, require_features_fit, within
from worldtwin.simulation.models.confidence import CONFIDENCE_BITS, SCORE_BITS, Confidence
from worldtwin.simulation.models.functions import Function, members_of, require_sum, summed, summed_own
from worldtwin.simulation.models.gear import Gear, require_gears
from worldtwin.world import Angle, Integer, Lattice, Real, Spec

FINE_BITS: Final = 8
"""Changes are computed in 2^-8 lattice steps and rounded once."""
_CHANGE_LIMIT: Final = 1 << 61
_NOISE_LIMIT: Final = 1 << 60


class Changes(Struct, frozen=True, eq=False):
    """What all members say: `values` (members, targets, n) in 2^-8 steps, and the logarithms of their noise.

    `noise` (members, targets, n), in 2^-8, is None where there is none.
    """

    values: Lattice
    noise: Lattice | None = None

    @property
    def middle(self) -> Lattice:
        """The median member's changes (n, targets); the lower one of two."""
        return np.sort(self.values, axis=0)[(len(self.values) - 1) // 2].T


class Regressor(Struct, frozen=True, kw_only=True, eq=False, dict=True, tag="regressor", forbid_unknown_fields=True):
    """A sum of functions of the `features`' parts, for each member and target.

    `targets` are columns of [next fields | outputs]. A target is the state column `bases[i]` (-1: nothing) plus a
    change in 2^-8 lattice steps, kept in [`lows[i]`, `highs[i]`], plus noise, plus what its gear turns, if it has one
    of the `gears`; rounded once; then wrapped (angles) or kept within the field. Drivers land before what they drive: a
    gear turns by how far its driver came, noise and limits and all.

    Noise is normal. The logarithm (base 2, in 2^-8) of its standard deviation, in 2^-8 steps, is the sum of the
    functions' further outputs, one for each target (0 without any), kept in [`quiet[i]`, `loud[i]`]; there is none
    where these are empty.

    Confidence: the score of an answer is the widest spread of members and noise over `tolerances` (targets,), both in
    2^-8 steps, in 2^-8; an input outside of what the features keep deserves the least.
    """

    features: tuple[Feature, ...]
    functions: tuple[Function, ...]
    targets: tuple[int, ...]
    bases: tuple[int, ...]
    lows: Lattice
    highs: Lattice
    tolerances: Lattice
    confidence: Confidence
    quiet: Lattice = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    loud: Lattice = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    gears: tuple[Gear, ...] | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse parts that do not fit each other, and sums that might not be exact. Raises `InvalidFile`."""
        require_features(self.features)
        self.confidence.require_parts(len(sizes(self.features)))
        _require_answers(self)
        count = len(self.targets)
        outputs = {count, 2 * count} if self.noisy else {count}
        require_sum(self.functions, sizes(self.features), outputs)
        seal(self)

    @property
    def noisy(self) -> bool:
        """Whether its answers have noise."""
        return len(self.loud) > 0

    @cached_property
    def order(self) -> tuple[tuple[int, Gear | None], ...]:
        """The positions of the targets, those that are driven after all others and with their gears."""
        driven = {self.targets.index(gear.driven): gear for gear in self.gears or ()}
        return (*((i, None) for i in range(len(self.targets)) if i not in driven), *driven.items())

    @cached_property
    def members(self) -> int:
        """How many answers there are for each target."""
        return members_of(self.functions)

    @property
    def draws(self) -> bool:
        """Whether the same input may have several answers."""
        return self.members > 1 or self.noisy

    @property
    def work(self) -> int:
        """Parts, multiply-adds, and comparisons, that all members take for one row."""
        return (
            sum(each.parts for each in self.features)
            + sum(each.work for each in self.functions)
            + len(self.gears or ())
        )

    @property
    def outputs(self) -> int:
        """How many outputs its functions are added up for."""
        return len(self.targets) * (2 if self.noisy else 1)

    def changes(self, inputs: Lattice) -> Changes:
        """What all members say to `inputs` (n, columns of [state row | action row])."""
        sums = summed(self.functions, self._parts(inputs), self.outputs)
        count = len(self.targets)
        values = _between(sums[:, :count], self.lows[:, None], self.highs[:, None])
        if not self.noisy:
            return Changes(values)
        return Changes(values, _between(sums[:, count:], self.quiet[:, None], self.loud[:, None]))

    def drawn(self, inputs: Lattice, member: Lattice, keys: Words, step: int | Lattice) -> Lattice:
        """The changes (n, targets) in 2^-8 steps with their noise, row i by member `member[i]` and the own `keys`."""
        sums = summed_own(self.functions, self._parts(inputs), self.outputs, member)
        count = len(self.targets)
        values = _between(sums[:, :count], self.lows, self.highs)
        if self.noisy:
            logs = _between(sums[:, count:], self.quiet, self.loud)
            for i, target in enumerate(self.targets):
                values[:, i] += normal(draw(keys, step, STREAM_NOISE + target), logs[:, i])
        return values

    def answer(self, spec: Spec, inputs: Lattice, member: Lattice, keys: Words, step: int | Lattice) -> Lattice:
        """The targets' columns (n, targets) after `inputs`, row i by member `member[i]` and the own `keys`."""
        return self.land(spec, inputs, self.drawn(inputs, member, keys, step))

    def foreseen(self, spec: Spec, inputs: Lattice) -> tuple[Lattice, float]:
        """The median member's answer and then each member's (1 + members, targets), and how sure the first one is.

        For one row of `inputs` (1, columns); without noise.
        """
        changes = self.changes(inputs)
        every = np.concatenate([changes.middle[None], changes.values.transpose(0, 2, 1)])[:, 0]
        sure = int(self.confidences(inputs, changes)[0]) / (1 << CONFIDENCE_BITS)
        return self.land(spec, np.repeat(inputs, len(every), axis=0), every), sure

    def land(self, spec: Spec, inputs: Lattice, changes: Lattice) -> Lattice:
        """Where `changes` (n, targets) lead from `inputs`: lattice values (n, targets) within the fields."""
        landed = np.empty_like(changes)
        fields = spec.inner.fields + spec.outputs.fields
        for i, gear in self.order:
            change, base = changes[:, i], self.bases[i]
            if gear is not None:
                moved = landed[:, self.targets.index(gear.driver)] - inputs[:, gear.driver]
                change = change + gear.turned(moved, FINE_BITS)
            steps = round_shift(change, FINE_BITS)
            landed[:, i] = within(fields[self.targets[i]], steps + inputs[:, base] if base >= 0 else steps)
        return landed

    def scores(self, changes: Changes) -> Lattice:
        """How unsure an answer is (n,): the widest spread of members and noise over its tolerance."""
        spread = changes.values.max(axis=0) - changes.values.min(axis=0)
        if changes.noise is not None:
            spread = spread + deviations(changes.noise.max(axis=0))
        return ((np.minimum(spread, 1 << 54) << SCORE_BITS) // self.tolerances[:, None]).max(axis=0)

    def doubts(self, inputs: Lattice, changes: Changes) -> Lattice:
        """The scores (n,) of the answers to `inputs`, stretched where these are far from what is known."""
        return self.confidence.stretched(self.scores(changes), self._parts(inputs))

    def confidences(self, inputs: Lattice, changes: Changes) -> Lattice:
        """How sure the answers to `inputs` are (n,), in 2^-16."""
        return self.confidence.of(self.scores(changes), self._parts(inputs), beyond(self.features, inputs))

    def require_fits(self, spec: Spec) -> None:
        """Refuse features and targets that are not those of `spec`. Raises `InvalidFile`."""
        require_features_fit(self.features, spec)
        results = spec.inner.fields + spec.outputs.fields
        for target, base in zip(self.targets, self.bases, strict=True):
            require(target < len(results), f"target {target}: there are {len(results)} next fields and outputs")
            numeric = isinstance(results[target], Real | Angle | Integer)
            require(numeric, f"target {target}: a regressor predicts numbers, not names")
            own = base == -1 or base == target < len(spec.inner)
            require(own, f"target {target}: {base} is not its own state column")
        for gear in self.gears or ():
            gear.require_fits(results[gear.driven], results[gear.driver])

    def _parts(self, inputs: Lattice) -> Floats:
        return features(self.features, inputs)


def _between(values: Lattice, lows: Lattice, highs: Lattice) -> Lattice:
    return np.minimum(np.maximum(values, lows), highs)


def _require_answers(model: Regressor) -> None:
    count = len(model.targets)
    require(count == len(set(model.targets)) > 0, f"targets {model.targets} must be different columns")
    require(min(model.targets) >= 0 and len(model.bases) == count, "bases: one for each target")
    require_array("lows", model.lows, (count,), low=-_CHANGE_LIMIT, high=_CHANGE_LIMIT)
    require_array("highs", model.highs, (count,), low=-_CHANGE_LIMIT, high=_CHANGE_LIMIT)
    require((model.lows <= model.highs).all(), "lows: a lowest change is above the highest")
    require_gears(model.gears or (), model.targets, model.bases)
    require_array("tolerances", model.tolerances, (count,), low=1)
    noisy = count if len(model.loud) or len(model.quiet) else 0
    require_array("quiet", model.quiet, (noisy,), low=LOGS[0], high=LOGS[1])
    require_array("loud", model.loud, (noisy,), low=LOGS[0], high=LOGS[1])
    require((model.quiet <= model.loud).all(), "quiet: the least noise is above the most")
    tame = not noisy or int(np.abs(np.stack([model.lows, model.highs])).max()) < _NOISE_LIMIT
    require(tame, "lows: a change with noise could reach 2^61")
