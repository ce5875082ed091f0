"""What networks know beyond polynomials: one ensemble for all numbers that need it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.exact.features import ONE_BITS, features
from worldtwin.learning.holdout import chance
from worldtwin.learning.regression.fitting import MEMBERS, Lesson, Recorded, values_of
from worldtwin.learning.regression.ridge import Choice, Floats, Part
from worldtwin.learning.regression.target import changes
from worldtwin.simulation import Ensemble, Model
from worldtwin.world import Lattice

MOST_ROWS: Final = 50_000
WORTH: Final = 0.05
"""Networks are kept where they remove more than this share of the held-out squared error."""
_BLOCK: Final = 1 << 13


class Training(Struct, frozen=True, kw_only=True):
    """How networks were trained: in so many `steps`, where beginning `anew` takes so many.

    They went on from a base's if they are `warm`; if they did not, though there is one, it is for the `reason`.
    """

    steps: int
    anew: int
    warm: bool = False
    reason: str = ""

    @property
    def told(self) -> str:
        """Where they began, in words; nothing where there was no base."""
        if self.warm:
            return f"networks went on from those of `base`: {self.steps:,} steps of training instead of {self.anew:,}"
        return f"networks began anew: {self.reason}" if self.reason else ""


class Networks(Struct, frozen=True, kw_only=True, eq=False):
    """An ensemble for the targets in `columns` of [next fields | outputs], whose outputs are `scales` (K,) steps each.

    Their `shares` (K,), between 0 and 1, are believed.
    """

    columns: tuple[int, ...]
    scales: Floats
    shares: Floats
    ensemble: Ensemble
    training: Training

    def function(self, lesson: Lesson, columns: set[int]) -> Ensemble:
        """What they add to all targets of the lesson: nothing but to those in `columns`."""
        from worldtwin.learning.networks.publishing import published, restored, widened  # noqa: PLC0415 - brings JAX, a second and more

        shares = self.shares * [column in columns for column in self.columns]
        places = [position_of(lesson, column) for column in self.columns]
        whole = published(restored(self.ensemble, self.scales), self.scales * shares, noise=False)
        return widened(whole, places, len(lesson.targets))


def tried(
    lesson: Lesson,
    weights: Floats,
    choices: tuple[Choice, ...],
    columns: list[int],
    aside: Recorded,
    *,
    base: Sequence[Model],
    key: Key,
) -> Networks | None:
    """Networks for the targets in `columns`, as good as the rows kept `aside` find them; None when that is not enough.

    Each answer is worth the share of it that fits the rows kept aside best, and is left out when it removes no more
    than 5 % of the squared error there. Networks that `base` has, and that are closer to these rows than none, go on
    with a quarter of the steps.
    """
    from worldtwin.learning.networks.publishing import published  # noqa: PLC0415 - brings JAX, a second and more
    from worldtwin.learning.networks.starting import start_in  # noqa: PLC0415 - the same
    from worldtwin.learning.networks.training import ANEW, CHECKPOINTS, Examples, trained  # noqa: PLC0415 - the same

    places = [position_of(lesson, column) for column in columns]
    train = _usable(lesson, choices, places, lesson.recorded.thinned(MOST_ROWS, key.child("rows")))
    judge = _usable(lesson, choices, places, aside)
    residuals = [_residuals(lesson, weights, places, rows) for rows in (train, judge)]
    scales = np.exp2(np.ceil(np.log2(np.maximum(np.sqrt(np.square(residuals[0]).mean(axis=(0, 1))), 1.0))))
    count = len(train.inputs)
    parts = [_parts(lesson, rows.inputs) for rows in (train, judge)]
    examples = Examples(
        parts=np.concatenate(parts),
        residuals=np.concatenate(residuals, axis=1) / scales,
        bags=chance(key.child("bags")).integers(count, size=(MEMBERS, count)),
        judges=(np.arange(count, count + len(judge.inputs)),) * MEMBERS,
    )
    start = start_in(base, lesson.design.basis.features, columns, scales, MEMBERS).on(examples)
    effort, anew = ANEW if start.weights is None else ANEW.quarter, ANEW.span(count) * CHECKPOINTS
    found = trained(examples, key=key.child("training"), effort=effort, base=start.weights)
    shares = _shares(found.answers(parts[1])[..., : len(columns)], residuals[1] / scales)
    kept = np.flatnonzero(shares > 0.0).tolist()
    if not kept:
        return None
    return Networks(
        columns=tuple(columns[i] for i in kept),
        scales=scales[kept],
        shares=shares[kept],
        ensemble=published(found.only(kept), scales[kept], noise=False),
        training=Training(steps=found.steps, anew=anew, warm=start.weights is not None, reason=start.reason),
    )


def continued(
    networks: Networks, lesson: Lesson, weights: Floats, choices: tuple[Choice, ...], columns: set[int], key: Key
) -> Networks:
    """The `networks` for `columns` after they went on learning from all rows of the lesson."""
    from worldtwin.learning.networks.publishing import published, restored  # noqa: PLC0415 - brings JAX, a second and more
    from worldtwin.learning.networks.training import CHECKPOINTS, FURTHER, Examples, trained  # noqa: PLC0415 - the same

    kept = [i for i, column in enumerate(networks.columns) if column in columns]
    scales = networks.scales[kept]
    places = [position_of(lesson, networks.columns[i]) for i in kept]
    rows = _usable(lesson, choices, places, lesson.recorded.thinned(MOST_ROWS, key.child("rows")))
    count = len(rows.inputs)
    bags = chance(key.child("bags")).integers(count, size=(MEMBERS, count))
    examples = Examples(
        parts=_parts(lesson, rows.inputs),
        residuals=_residuals(lesson, weights, places, rows) / scales,
        bags=bags,
        judges=tuple(np.setdiff1d(np.arange(count), bag) for bag in bags),
    )
    past, base = networks.training, restored(networks.ensemble, networks.scales).only(kept)
    effort = FURTHER.quarter if past.warm else FURTHER
    found = trained(examples, key=key.child("training"), effort=effort, base=base)
    return Networks(
        columns=tuple(networks.columns[i] for i in kept),
        scales=scales,
        shares=networks.shares[kept],
        ensemble=published(found, scales, noise=False),
        training=replace(past, steps=past.steps + found.steps, anew=past.anew + FURTHER.span(count) * CHECKPOINTS),
    )


def position_of(lesson: Lesson, column: int) -> int:
    """Which target of the lesson is in `column` of [next fields | outputs]."""
    return [target.column for target in lesson.targets].index(column)


def _shares(answers: Floats, residuals: Floats) -> Floats:
    """How much (K,) of `answers` fits `residuals`, both (members, n, K), by least squares; 0 if not worth it."""
    fitting = (answers * residuals).sum(axis=(0, 1)) / np.maximum(np.square(answers).sum(axis=(0, 1)), 1e-12)
    shares = np.clip(fitting, 0.0, 1.0)
    left = np.square(residuals - shares * answers).sum(axis=(0, 1))
    return np.where(left < (1.0 - WORTH) * np.square(residuals).sum(axis=(0, 1)), shares, 0.0)


def _usable(lesson: Lesson, choices: tuple[Choice, ...], places: list[int], rows: Recorded) -> Recorded:
    """The `rows` to learn from: none that were stopped at an edge, or leap, when a polynomial leaves those out."""
    parts = {choices[place].part for place in places}
    fewest: Part = "usual" if "usual" in parts else "inside" if "inside" in parts else "all"
    return rows.at(lesson.within(fewest, rows))


def _residuals(lesson: Lesson, weights: Floats, places: list[int], rows: Recorded) -> Floats:
    """What each member's polynomials leave (members, n, K) of `rows`, in lattice steps."""
    left = np.empty((len(weights), len(rows.inputs), len(places)))
    for block in _blocks(len(rows.inputs)):
        truth = changes(lesson.targets, rows.inputs[block], rows.results[block])[:, places]
        left[:, block] = truth - values_of(lesson.design, rows.inputs[block]) @ weights[:, :, places]
    return left


def _parts(lesson: Lesson, inputs: Lattice) -> NDArray[np.float64]:
    """What the networks see (n, parts) of `inputs`."""
    return np.ldexp(features(lesson.design.basis.features, inputs).T, -ONE_BITS)


def _blocks(count: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, count, _BLOCK))
