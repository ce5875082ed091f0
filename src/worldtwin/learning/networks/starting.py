"""Where training begins: at the networks that a base published, in the units of today's rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from worldtwin.exact.features import ONE_BITS, Feature
from worldtwin.learning.networks.publishing import HIDDEN_BITS, Floats, restored
from worldtwin.learning.networks.training import HIDDEN, LIMIT, Examples, Weights
from worldtwin.simulation import Ensemble, Model, Regressor

MOST_SOLVED: Final = 16_384
RIDGE: Final = 1e-3


class Start(Struct, frozen=True, eq=False):
    """The networks to begin with; without any training begins anew, for the `reason` that is given."""

    weights: Weights | None = None
    reason: str = ""

    def on(self, examples: Examples) -> Start:
        """The start for `examples`, if its networks are then closer to the rows that judge them than none are."""
        if self.weights is None:
            return self
        weights = refitted(self.weights, examples)
        missed = np.zeros(2)
        for member, rows in enumerate(examples.judges):
            truth = examples.residuals[member, rows]
            told = weights.member(member).answers(examples.parts[rows])[0, :, : truth.shape[1]]
            missed += np.square(truth - told).mean(), np.square(truth).mean()
        if missed[0] < missed[1]:
            return Start(weights=weights)
        return Start(reason="those of `base` fit the new rows no better than none")


def start_in(
    base: Sequence[Model], features: tuple[Feature, ...], columns: Sequence[int], scales: Floats, members: int
) -> Start:
    """The networks that `base` has for the fields in `columns`, of parts of `features` and answers in `scales` (K,).

    A column to which they add nothing begins at nothing.
    """
    found = [(model, each) for model in base if isinstance(model, Regressor) for each in model.functions]
    ensembles = [(model, each) for model, each in found if isinstance(each, Ensemble)]
    if not ensembles:
        return Start(reason="`base` has none" if base else "")
    regressor, ensemble = ensembles[0]
    if [_seen(feature) for feature in regressor.features] != [_seen(feature) for feature in features]:
        return Start(reason="those of `base` see other inputs")
    if not _trainable(ensemble, members, len(regressor.targets)):
        return Start(reason="those of `base` are of another shape")
    places = [regressor.targets.index(column) for column in columns if column in regressor.targets]
    last = ensemble.layers[-1]
    if len(places) < len(columns) or not (last.weights[..., places].any() or last.bias[:, places].any()):
        return Start(reason="those of `base` predict other fields")
    units = np.ones(len(regressor.targets))
    units[places] = scales
    return Start(weights=moved(restored(ensemble, units).only(places), regressor.features, features))


def moved(weights: Weights, before: Sequence[Feature], after: Sequence[Feature]) -> Weights:
    """Networks that say to the parts of the features `after` what `weights` say to those of the features `before`.

    That holds wherever neither clips an input: each old part is a multiple of the new one, and a shift.
    """
    pairs = [pair for old, new in zip(before, after, strict=True) for pair in [_affine(old, new)] * new.parts]
    scales, shifts = np.array(pairs).T
    first, bias = weights.weights[0], weights.biases[0]
    return Weights(
        weights=(first * scales[:, None], *weights.weights[1:]),
        biases=(bias + shifts @ first, *weights.biases[1:]),
        steps=weights.steps,
    )


def refitted(weights: Weights, examples: Examples) -> Weights:
    """The networks after their last layers were solved for `examples`, close to what they were: in one pass, no steps.

    Each began as what another polynomial left, so that what is new in it must not look like an error of the network.
    """
    last, bias = (array.copy() for array in (weights.weights[-1], weights.biases[-1]))
    count = weights.targets
    for member, bag in enumerate(examples.bags[:, :MOST_SOLVED]):
        values = np.clip(examples.parts[bag], -LIMIT, LIMIT)[None]
        seen = weights.member(member).hidden(values)[0]
        seen = np.concatenate([seen, np.ones((len(seen), 1))], axis=1)
        before = np.concatenate([last[member, :, :count], bias[member, None, :count]])
        left, square = examples.residuals[member, bag] - seen @ before, seen.T @ seen
        ridge = RIDGE * np.trace(square) / len(square)
        after = before + np.linalg.solve(square + ridge * np.eye(len(square)), seen.T @ left)
        last[member, :, :count], bias[member, :count] = after[:-1], after[-1]
    return Weights(weights=(*weights.weights[:-1], last), biases=(*weights.biases[:-1], bias), steps=weights.steps)


def _affine(before: Feature, after: Feature) -> tuple[float, float]:
    """By what to multiply the parts of the feature `after`, and what to add, to have those of the one `before`."""
    if before.kind != "real":
        return 1.0, 0.0
    away = math.ldexp(after.center - before.center, -before.shift - ONE_BITS)
    return math.ldexp(1.0, after.shift - before.shift), away


def _seen(feature: Feature) -> tuple[int, str, int]:
    """What a feature looks at, however it is scaled."""
    return feature.column, feature.kind, feature.parts


def _trainable(ensemble: Ensemble, members: int, targets: int) -> bool:
    """Whether training makes networks of this shape."""
    *hidden, last = ensemble.layers
    clips = {(layer.clip, layer.swish) for layer in hidden} == {(round(LIMIT) << HIDDEN_BITS, False)}
    widths = [layer.weights.shape[2] for layer in hidden] == list(HIDDEN)
    plain = not last.clip and not last.swish
    return clips and widths and plain and ensemble.members == members and ensemble.outputs == targets
