"""By what each number is predicted: a polynomial, networks on top of it, or trees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import numpy as np
from msgspec import Struct

from worldtwin.exact import Key
from worldtwin.learning.portfolio import residual
from worldtwin.learning.portfolio import trees as wood
from worldtwin.learning.portfolio.residual import Networks
from worldtwin.learning.portfolio.trees import Trees
from worldtwin.learning.regression.fitting import Lesson, Recorded, Trust, distances, exactly, polynomial, published
from worldtwin.learning.regression.ridge import MARGIN, Choice, Floats
from worldtwin.simulation import Changes, Function, Model
from worldtwin.world import Integer, Spec

Kind: TypeAlias = Literal["polynomial", "networks", "trees"]
"""`networks` are on top of the polynomial."""
Kinds: TypeAlias = Mapping[int, Kind]
"""What predicts each column of [next fields | outputs] that is a number."""

LEAST_ROWS: Final = 200
LEAST_ASIDE: Final = 20


class Learned(Struct, frozen=True, kw_only=True, eq=False):
    """What was learned of numbers: `weights` (members, terms, targets) of the polynomials, and what else was tried."""

    weights: Floats
    networks: Networks | None = None
    trees: Trees | None = None

    def only(self, positions: list[int]) -> Learned:
        """What was learned of some of the targets."""
        return Learned(weights=self.weights[:, :, positions], networks=self.networks, trees=self.trees)

    def functions(self, lesson: Lesson, kinds: Kinds) -> tuple[Function, ...]:
        """The functions that predict the lesson's targets by `kinds`."""
        mine = [kinds[target.column] for target in lesson.targets]
        columns = {kind: {t.column for t in lesson.targets if kinds[t.column] == kind} for kind in set(mine)}
        functions: list[Function] = []
        if set(mine) != {"trees"}:
            functions.append(polynomial(lesson, self.weights * [kind != "trees" for kind in mine]))
        if "networks" in columns and self.networks is not None:
            functions.append(self.networks.function(lesson, columns["networks"]))
        if "trees" in columns and self.trees is not None:
            functions.append(self.trees.function(lesson, columns["trees"]))
        return tuple(functions)

    def again(self, lesson: Lesson, weights: Floats, choices: tuple[Choice, ...], kinds: Kinds, key: Key) -> Learned:
        """The same learned from all rows of the lesson, with the polynomials of `weights`."""
        networks, trees = self.networks, self.trees
        columns = {kind: {t.column for t in lesson.targets if kinds[t.column] == kind} for kind in kinds.values()}
        if networks is not None and "networks" in columns:
            own = key.child("networks")
            networks = residual.continued(networks, lesson, weights, choices, columns["networks"], own)
        if trees is not None and "trees" in columns:
            trees = wood.regrown(trees, lesson, columns["trees"], key.child("trees"))
        return Learned(weights=weights, networks=networks, trees=trees)


class Contest(Struct, frozen=True, kw_only=True, eq=False):
    """What was `learned`, the held-out squared `errors` (targets,) of each kind that was tried, and who won."""

    learned: Learned
    errors: Mapping[Kind, Floats]
    kinds: Kinds


def contest(
    spec: Spec,
    lesson: Lesson,
    weights: Floats,
    choices: tuple[Choice, ...],
    aside: Recorded,
    *,
    base: Sequence[Model],
    key: Key,
) -> Contest:
    """The polynomials of `weights` against networks on top of them, and against trees, on the rows kept `aside`.

    Only where polynomials are not exact, and there are enough rows. The simplest wins that no other beats by 2 %.
    Networks go on from those of `base`.
    """
    learned, kinds = Learned(weights=weights), all_of(lesson, "polynomial")
    if not lesson.targets or len(aside.inputs) < LEAST_ASIDE or len(lesson.recorded.inputs) < LEAST_ROWS:
        return Contest(learned=learned, errors={}, kinds=kinds)
    squares, free = _squares(spec, lesson, learned, kinds, aside), lesson.within("usual", aside)
    errors: dict[Kind, Floats] = {"polynomial": squares.mean(axis=(0, 1))}
    inside = errors["polynomial"]
    if free.any():
        inside = np.where(lesson.moving(aside.at(free)), squares[:, free].mean(axis=(0, 1)), inside)
    needed = _needing(lesson, choices, errors["polynomial"], inside) if lesson.design.basis.features else []
    if not needed:
        return Contest(learned=learned, errors=errors, kinds=kinds)
    smooth = [t.column for t in lesson.targets if t.column in needed and not isinstance(t.field, Integer)]
    networks = None
    if smooth:
        own = key.child("networks")
        networks = residual.tried(lesson, weights, choices, smooth, aside, base=base, key=own)
    learned = Learned(weights=weights, networks=networks, trees=wood.tried(lesson, needed, aside, key.child("trees")))
    if networks is not None:
        errors["networks"] = _tried(spec, lesson, learned, "networks", networks.columns, aside)
    errors["trees"] = _tried(spec, lesson, learned, "trees", needed, aside)
    return Contest(learned=learned, errors=errors, kinds=_winners(lesson, errors, len(aside.inputs)))


def all_of(lesson: Lesson, kind: Kind) -> Kinds:
    """The same kind for all targets."""
    return {target.column: kind for target in lesson.targets}


def _needing(lesson: Lesson, choices: tuple[Choice, ...], errors: Floats, inside: Floats) -> list[int]:
    """The columns of the targets that the polynomials, with squared `errors` (targets,), do not quite predict.

    Those that were learned from a part of the rows only have to predict such rows, with the errors `inside` (targets,).
    """
    partly = np.array([choice.part != "all" for choice in choices], dtype=np.bool_)
    missed = np.sqrt(np.where(partly, np.minimum(errors, inside), errors))
    return [lesson.targets[i].column for i in np.flatnonzero(missed > exactly(lesson)).tolist()]


def _winners(lesson: Lesson, errors: Mapping[Kind, Floats], rows: int) -> Kinds:
    """For each target the first kind whose error (targets,) no later one beats by 2 %, or by more on few `rows`.

    The mean of n squared errors is off by some sqrt(2 / n) of itself, and those of two kinds mostly by the same.
    """
    margin = min(MARGIN, 1 - 1 / np.sqrt(max(1, rows)))
    kinds = dict(all_of(lesson, "polynomial"))
    for place, target in enumerate(lesson.targets):
        best = np.inf
        for kind, squared in errors.items():
            if squared[place] < margin * best:
                best, kinds[target.column] = squared[place], kind
    return kinds


def _tried(spec: Spec, lesson: Lesson, learned: Learned, kind: Kind, columns: Sequence[int], aside: Recorded) -> Floats:
    """The squared errors (targets,) of one kind; infinite but in the `columns` that it was tried for."""
    others: Kinds = all_of(lesson, "polynomial")
    kinds: dict[int, Kind] = {column: kind if column in columns else own for column, own in others.items()}
    mine = [target.column in columns for target in lesson.targets]
    return np.where(mine, _squares(spec, lesson, learned, kinds, aside).mean(axis=(0, 1)), np.inf)


def _squares(spec: Spec, lesson: Lesson, learned: Learned, kinds: Kinds, aside: Recorded) -> Floats:
    """The squared errors (members, n, targets), in lattice steps, of each published member one step ahead.

    No error counts as larger than changes usually are, so that a few leaps do not decide about all other rows.
    """
    regressor = published(lesson, learned.functions(lesson, kinds), Trust.none(len(lesson.targets)))
    values = regressor.changes(aside.inputs).values
    missed = [distances(spec, regressor, aside, Changes(each[None])).astype(np.float64) for each in values]
    return np.square(np.minimum(missed, lesson.usual.most))
