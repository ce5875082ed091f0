"""What answers where nothing was seen, and which way of learning it held-out rows prefer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.exact.chance import LOGS
from worldtwin.learning.calibration import calibration_error
from worldtwin.learning.guessing import discrete_columns
from worldtwin.learning.portfolio.names import Grown, Naming, named, naming
from worldtwin.learning.portfolio.noise import noise_in
from worldtwin.learning.portfolio.numbers import Contest, Kind, Kinds, Learned, all_of, contest
from worldtwin.learning.portfolio.residual import Training
from worldtwin.learning.regression.extrapolating import far_columns
from worldtwin.learning.regression.fitting import (
    MOST_ROWS,
    SILENCE,
    Lesson,
    Recorded,
    Trust,
    choices_of,
    distances,
    located,
    published,
    solved,
    trust_in,
)
from worldtwin.learning.regression.gearing import geared
from worldtwin.learning.regression.ridge import MARGIN, Choice, Floats
from worldtwin.learning.regression.target import Target, numeric_targets
from worldtwin.simulation import Function, Model, Regressor
from worldtwin.world import Integer, Lattice, Spec

Drifts: TypeAlias = Callable[[tuple[Model, ...]], Floats | None]
"""How far each state field is off when predictors run on their own; None where that cannot be told."""

FURTHER: Final = 1.1
"""Better one step ahead, but further off than this many times on its own: the polynomials are safer."""


class Way(Struct, frozen=True, kw_only=True, eq=False):
    """How each column of [next fields | outputs] is predicted where nothing was seen.

    `targets` by `kinds`, their polynomials as `choices` say, beside what else was `learned`, with as much `trust`, and
    believed further in the input columns `far`; the columns `named` by trees where some were grown, else by coarser
    tables. `errors` are those of all that was tried.
    """

    targets: tuple[Target, ...]
    choices: tuple[Choice, ...]
    kinds: Kinds
    learned: Learned
    trust: Trust
    far: tuple[int, ...] = ()
    named: Mapping[int, Grown | None]
    errors: Mapping[int, Mapping[str, float]]

    @staticmethod
    def nothing() -> Way:
        """The way where there is nothing to learn."""
        learned = Learned(weights=np.zeros((1, 1, 0)))
        return Way(targets=(), choices=(), kinds={}, learned=learned, trust=Trust.none(0), named={}, errors={})

    @property
    def quick(self) -> bool:
        """Whether learning in this way trains no networks."""
        return "networks" not in self.kinds.values()

    @property
    def training(self) -> Training | None:
        """How its networks were trained; None when it has none."""
        networks = self.learned.networks
        return None if self.quick or networks is None else networks.training

    def driver(self, column: int) -> int | None:
        """The state column that drives a column; None when none does."""
        return next((t.gear.driver for t in self.targets if t.column == column and t.gear is not None), None)

    def described(self, column: int) -> str | None:
        """What predicts a column, in words; None when coarser counts do, or nothing."""
        grown = self.named.get(column)
        if grown is not None:
            return f"trees ({grown.rounds})"
        place = next((i for i, target in enumerate(self.targets) if target.column == column), None)
        if place is None:
            return None
        noisy = len(self.trust.noise) and self.trust.noise[place] > LOGS[0]
        return _words(self.kinds[column], column, self.choices[place], self.learned) + (", with noise" if noisy else "")


class Trial(Struct, frozen=True, kw_only=True, eq=False):
    """The best way, what it gave on the rows to learn from, and how far its confidence is from the truth.

    These `predictors` have no noise, so that their errors are those of what is expected.
    """

    way: Way
    predictors: tuple[Model, ...]
    calibration: float | None


def trial_of(
    spec: Spec,
    train: Recorded,
    aside: Recorded,
    *,
    asked: NDArray[np.bool_],
    episodes: Lattice,
    drifts: Drifts,
    base: Sequence[Model] = (),
    key: Key,
) -> Trial:
    """The way of learning from `train` that is closest to the rows kept `aside`, which are from `episodes` (n,).

    1. Each number gets the polynomial that they prefer, and a gear where it follows from where another one goes.
    2. Where it is not exact, networks and trees compete with it in those rows that are `asked` of predictors (n,).
       Networks go on from those among the predictors of `base`.
    3. Each name, and each whole number that is not better computed, is counted, or left to trees.
    4. On their own, `drifts` says, the winners must not be further off than the polynomials.
    5. Polynomials that hold from the inner half of the record to the outer half are believed further than the rest.
    6. What is left of a number is published as noise where it is chance.
    """
    lesson = Lesson.of(spec, numeric_targets(spec), train.thinned(MOST_ROWS, key.child("train")))
    lesson, equations = geared(spec, lesson, aside, key.child("trial"))  # 1
    choices = choices_of(lesson, equations, aside)  # 1
    weights = solved(lesson, equations, choices)
    found = contest(spec, lesson, weights, choices, aside.at(asked), base=base, key=key.child("contest"))  # 2
    names = _Names(spec, lesson, train, aside, asked, key.child("names"))
    kept, namings = names.divided(found)  # 3
    part, learned = lesson.only(kept), found.learned.only(kept)
    models = tuple(naming.model for naming in namings.values() if naming.model is not None)
    kinds = _steady(part, learned, found.kinds, models, drifts)  # 4
    part = part.believed(spec, _far(spec, part, kinds, tuple(choices[i] for i in kept), key.child("far")))  # 5
    functions = learned.functions(part, kinds) if kept else ()
    noise = noise_in(spec, part, functions, aside) if kept else SILENCE  # 6
    trust, scores, right = trust_in(spec, part, functions, aside, noise)
    way = Way(
        targets=part.targets,
        choices=tuple(choices[i] for i in kept),
        kinds=kinds,
        learned=learned,
        trust=trust,
        far=part.far,
        named={column: naming.grown for column, naming in namings.items()},
        errors={**_errors(lesson, choices, kept, found), **{c: naming.losses for c, naming in namings.items()}},
    )
    predictors = (*_regressors(part, functions, trust.silent()), *models)
    return Trial(way=way, predictors=predictors, calibration=calibration_error(scores, right, episodes))


def predictors_of(spec: Spec, way: Way, recorded: Recorded, key: Key) -> tuple[Model, ...]:
    """The predictors that all `recorded` rows give in the way that a trial found."""
    lesson = Lesson.of(spec, way.targets, recorded.thinned(MOST_ROWS, key.child("all")), way.far)
    weights = solved(lesson, lesson.equations(key.child("final")), way.choices)
    learned = way.learned.again(lesson, weights, way.choices, way.kinds, key.child("again"))
    functions = learned.functions(lesson, way.kinds) if way.targets else ()
    models = (
        named(spec, lesson.design, column, grown, recorded, key.child("named", column))
        for column, grown in way.named.items()
    )
    return (*_regressors(lesson, functions, way.trust), *(model for model in models if model is not None))


def _regressors(lesson: Lesson, functions: tuple[Function, ...], trust: Trust) -> tuple[Regressor, ...]:
    return (located(published(lesson, functions, trust), lesson),) if lesson.targets else ()


class _Names(Struct, frozen=True):
    """What counting, or trees of names, can do for each discrete column."""

    spec: Spec
    lesson: Lesson
    train: Recorded
    aside: Recorded
    asked: NDArray[np.bool_]
    key: Key

    def divided(self, found: Contest) -> tuple[list[int], dict[int, Naming]]:
        """The positions of the targets to compute, and how the other columns are named.

        Whole numbers are computed only when their distance from the truth, on the rows kept aside, beats by 2 % how far
        their names are from it, as distributions: a rare crash is better given its chance than never foreseen. One that
        never happened aside is looked for in all rows.
        """
        whole = [i for i, target in enumerate(self.lesson.targets) if isinstance(target.field, Integer)]
        rare = self.lesson.moving(self.lesson.recorded) & ~self.lesson.moving(self.aside)
        every = self.lesson.recorded.with_more(self.aside) if rare[whole].any() else self.aside
        judges = {i: every if rare[i] else self.aside for i in whole}
        missed = self._missed([i for i in whole if not rare[i]], found, self.aside)
        missed |= self._missed([i for i in whole if rare[i]], found, every)
        kept, namings = list[int](), dict[int, Naming]()
        places = {target.column: i for i, target in enumerate(self.lesson.targets)}
        for column in discrete_columns(self.spec):
            place = places.get(column, -1)
            if missed.get(place) == 0.0:
                kept.append(place)
                continue
            asked = self.aside.at(self.asked)
            how = naming(self.spec, self.lesson.design, column, self.train, asked, self.key.child("column", column))
            if place >= 0 and missed[place] < MARGIN * how.missed(judges[place], column):
                kept.append(place)
            else:
                namings[column] = how
        others = [i for i in range(len(self.lesson.targets)) if i not in whole]
        return sorted(kept + others), namings

    def _missed(self, whole: list[int], found: Contest, judge: Recorded) -> dict[int, float]:
        """How far computed whole numbers are from the truth in `judge` on average; infinitely when nobody knows."""
        if not whole or not len(self.aside.inputs):
            return dict.fromkeys(whole, math.inf)
        part = self.lesson.only(whole)
        regressor = published(part, found.learned.only(whole).functions(part, found.kinds), Trust.none(len(whole)))
        off = distances(self.spec, regressor, judge, regressor.changes(judge.inputs)).mean(axis=0)
        return dict(zip(whole, off.tolist(), strict=True))


def _steady(lesson: Lesson, learned: Learned, kinds: Kinds, models: tuple[Model, ...], drifts: Drifts) -> Kinds:
    """The `kinds` of the lesson's targets, or all polynomials when those are steadier on their own."""
    simple = all_of(lesson, "polynomial")
    mine: Kinds = {column: kinds[column] for column in simple}
    if mine == simple:
        return simple
    none = Trust.none(len(lesson.targets))
    near, far = (drifts((published(lesson, learned.functions(lesson, each), none), *models)) for each in (simple, mine))
    if near is None or far is None or far.mean() <= FURTHER * near.mean():
        return mine
    return simple


def _far(spec: Spec, lesson: Lesson, kinds: Kinds, choices: tuple[Choice, ...], key: Key) -> tuple[int, ...]:
    """The input columns in which the lesson's answers are believed further; none where not all are polynomials."""
    alone = set(kinds.values()) == {"polynomial"}
    return far_columns(spec, lesson, choices, key) if alone else ()


def _errors(
    lesson: Lesson, choices: tuple[Choice, ...], kept: list[int], found: Contest
) -> dict[int, Mapping[str, float]]:
    """By column and by what was tried: the root mean squared error, over the spread of one step's change."""
    spread = np.maximum(1.0, lesson.spread)
    columns = [target.column for target in lesson.targets]
    return {
        columns[i]: {
            _words(kind, columns[i], choices[i], found.learned): math.sqrt(squared[i]) / float(spread[i])
            for kind, squared in found.errors.items()
            if math.isfinite(squared[i])
        }
        for i in kept
    }


def _words(kind: Kind, column: int, choice: Choice, learned: Learned) -> str:
    """What `kind` means for a column."""
    match kind:
        case "polynomial":
            return f"polynomial of degree {choice.degree}"
        case "networks":
            return f"polynomial of degree {choice.degree} + residual networks"
        case "trees":
            return f"trees ({learned.trees.rounds(column)})" if learned.trees is not None else "trees"
