"""From recorded rows to the polynomial that is published, and how sure of a regressor one may be."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from msgspec import UNSET, Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.exact.features import ONE_BITS
from worldtwin.exact.polynomial import terms_of
from worldtwin.learning.calibration import UNKNOWN, calibrated
from worldtwin.learning.holdout import chance
from worldtwin.learning.neighbourhood import Neighbourhood
from worldtwin.learning.regression.design import Design, design_of
from worldtwin.learning.regression.quantise import quantised
from worldtwin.learning.regression.ridge import Choice, Floats, Gram, Part, Rows, choose, resampled, spared
from worldtwin.learning.regression.target import Target, changes, guard, limits, on_edge, ungeared, widest
from worldtwin.learning.regression.usual import Usual
from worldtwin.simulation import FINE_BITS, Changes, Confidence, Function, Polynomial, Regressor
from worldtwin.world import Angle, Integer, Lattice, Spec, wrap_column

MEMBERS: Final = 5
MOST_ROWS: Final = 200_000
TOLERANCE: Final = 0.85
NEARLY: Final = 2.0**-7
"""Of the spread of one step's change: a polynomial with a smaller error may do with fewer monomials."""
EXACT: Final = 2.0**-12
"""Of the same: a polynomial with a smaller error needs no help."""
ROUNDING: Final = 0.5
"""Nor does one with a smaller error in lattice steps, but for whole numbers."""
SILENCE: Final = np.zeros(0, dtype=np.int64)
"""No noise."""


class Recorded(Struct, frozen=True, eq=False):
    """`inputs` (n, [state row | action row]) and the `results` (n, [next fields | outputs]) that were recorded."""

    inputs: Lattice
    results: Lattice

    def at(self, rows: Lattice | NDArray[np.bool_] | slice) -> Recorded:
        """The recorded `rows`: positions, a mask or a part."""
        return Recorded(inputs=self.inputs[rows], results=self.results[rows])

    def with_more(self, other: Recorded) -> Recorded:
        """These rows, and then those of `other`."""
        inputs, results = (self.inputs, other.inputs), (self.results, other.results)
        return Recorded(inputs=np.concatenate(inputs), results=np.concatenate(results))

    def thinned(self, most: int, key: Key) -> Recorded:
        """At most `most` rows, in their order."""
        if len(self.inputs) <= most:
            return self
        return self.at(np.sort(chance(key).choice(len(self.inputs), size=most, replace=False)))


class Trust(Struct, frozen=True, eq=False):
    """What held-out rows say about a regressor.

    Errors within `tolerances` (targets,), in 2^-8 steps, are good; the `confidence` says how likely that is. What is
    left is noise: the logarithms (base 2, in 2^-8) of its standard deviation in 2^-8 steps are `noise` (targets,);
    empty where there is none.
    """

    tolerances: Lattice
    confidence: Confidence
    noise: Lattice

    def silent(self) -> Trust:
        """The same without noise."""
        return Trust(tolerances=self.tolerances, confidence=self.confidence, noise=SILENCE)

    @staticmethod
    def none(targets: int, noise: Lattice = SILENCE) -> Trust:
        """What is known before any row was looked at: nothing."""
        return Trust(tolerances=np.full(targets, 1 << FINE_BITS, dtype=np.int64), confidence=UNKNOWN, noise=noise)


class Lesson(Struct, frozen=True, eq=False, dict=True):
    """Recorded rows as a problem of least squares, whose answer is believed further in the input columns `far`.

    The `changes` (n, targets) are those to learn: what gears move a target by is not among them.
    """

    design: Design
    targets: tuple[Target, ...]
    recorded: Recorded
    changes: Lattice
    far: tuple[int, ...] = ()

    @staticmethod
    def of(spec: Spec, targets: tuple[Target, ...], recorded: Recorded, far: tuple[int, ...] = ()) -> Lesson:
        """The lesson of `recorded` rows, at least one."""
        design, steps = design_of(spec, recorded.inputs, far), changes(targets, recorded.inputs, recorded.results)
        return Lesson(design=design, targets=targets, recorded=recorded, changes=steps, far=far)

    def only(self, positions: list[int]) -> Lesson:
        """The lesson of some of the targets."""
        targets = tuple(self.targets[i] for i in positions)
        return replace(self, targets=targets, changes=self.changes[:, positions])

    def believed(self, spec: Spec, far: tuple[int, ...]) -> Lesson:
        """The same lesson, believed further in the input columns `far`."""
        return replace(self, design=design_of(spec, self.recorded.inputs, far), far=far)

    def read(self, rows: Rows) -> tuple[Floats, Floats]:
        """Terms (n, terms) and changes (n, targets), in lattice steps, of some rows."""
        return values_of(self.design, self.recorded.inputs[rows]), self.changes[rows].astype(np.float64)

    @cached_property
    def moves(self) -> Lattice:
        """The recorded changes (n, targets) with what gears are there for."""
        return changes(ungeared(self.targets), self.recorded.inputs, self.recorded.results)

    @cached_property
    def spread(self) -> Floats:
        """The standard deviation (targets,) of one step's change, in lattice steps."""
        return self.moves.std(axis=0)

    @cached_property
    def usual(self) -> Usual:
        """How large changes usually are."""
        return Usual.of(self.targets, self.moves)

    def within(self, part: Part, rows: Recorded) -> NDArray[np.bool_]:
        """Which of some rows (n,) are in a `part` of them."""
        if part == "all":
            return np.ones(len(rows.inputs), dtype=np.bool_)
        inside = ~on_edge(self.targets, rows.results)
        return inside & ~self.leaping(rows) if part == "usual" else inside

    def leaping(self, rows: Recorded) -> NDArray[np.bool_]:
        """In which of some rows (n,) any target leaps."""
        return self.usual.leaps(changes(ungeared(self.targets), rows.inputs, rows.results))

    def moving(self, rows: Recorded) -> NDArray[np.bool_]:
        """Which targets (targets,) change by more than one amount in some rows: elsewhere being right is no merit."""
        steps = changes(ungeared(self.targets), rows.inputs, rows.results)
        return (steps != steps[:1]).any(axis=0)

    def equations(self, key: Key) -> dict[Part, Gram]:
        """The normal equations of all rows, and of those parts of them that are fewer."""
        edge, leap = on_edge(self.targets, self.recorded.results), self.usual.leaps(self.moves)
        more: dict[Part, NDArray[np.bool_]] = {"usual": ~edge & ~leap, "inside": ~edge & leap, "all": edge}
        random, sums = chance(key), list[tuple[Part, Gram]]()
        for part, rows in more.items():
            if rows.any():
                own = resampled(np.flatnonzero(rows), self.read, MEMBERS, random)
                sums.append((part, sums[-1][1] + own if sums else own))
        largest = sums.pop()[1]
        return {"all": largest, **dict(reversed(sums))}


def values_of(design: Design, inputs: Lattice) -> Floats:
    """The values (n, terms) of the design's terms, exactly as the simulator computes them."""
    return np.ldexp(terms_of(design.basis, inputs).T, -ONE_BITS)


def choices_of(lesson: Lesson, equations: dict[Part, Gram], aside: Recorded) -> tuple[Choice, ...]:
    """How each target is best learned, as the rows kept `aside` say; the simplest way when there are none.

    What holds exactly wherever nothing is stopped or leaps is better than what is a little wrong everywhere, unless
    nothing moves there: whether something crashed is decided in the leaps.
    """
    if not len(aside.inputs):
        return (Choice(ridge=1e-2),) * len(lesson.targets)
    whole: dict[Part, Gram] = {part: equation.at(0) for part, equation in equations.items()}
    terms = values_of(lesson.design, aside.inputs)
    found = _preferred(lesson, whole, aside, terms)
    free = lesson.within("usual", aside)
    if len(whole) == 1 or not free.any():
        return tuple(choice for choice, _ in found)
    fewest: Part = list(whole)[-1]
    exact = _preferred(lesson, {fewest: whole[fewest]}, aside.at(free), terms[free])
    enough = np.where(lesson.moving(aside.at(free)), exactly(lesson), -np.inf)
    return tuple(
        there if error <= enough[place] else choice
        for place, ((choice, _), (there, error)) in enumerate(zip(found, exact, strict=True))
    )


def _preferred(lesson: Lesson, whole: dict[Part, Gram], aside: Recorded, terms: Floats) -> list[tuple[Choice, float]]:
    """For each target the choice that the rows kept `aside`, with their `terms`, prefer; and its error in them."""
    truth = changes(lesson.targets, aside.inputs, aside.results)
    low, high = limits(lesson.targets, aside.inputs, aside.results)

    def error_of(weights: Floats) -> Floats:
        missed = np.abs(np.clip(terms[:, : len(weights)] @ weights, low, high) - truth)
        return np.square(np.minimum(missed, lesson.usual.most)).mean(axis=0)

    enough = NEARLY * lesson.spread
    found = choose(whole, lesson.design.counts, error_of, len(lesson.targets))
    equations = [whole[choice.part].head(lesson.design.counts[choice.degree - 1]) for choice in found]
    return [
        spared(equation, place, choice, error_of, enough[place])
        for place, (equation, choice) in enumerate(zip(equations, found, strict=True))
    ]


def exactly(lesson: Lesson) -> Floats:
    """The error (targets,) below which a polynomial needs no help; whole numbers that are off are wrong, if rarely."""
    rounding = [0.0 if isinstance(target.field, Integer) else ROUNDING for target in lesson.targets]
    return np.maximum(rounding, EXACT * lesson.spread)


def solved(lesson: Lesson, equations: dict[Part, Gram], choices: tuple[Choice, ...]) -> Floats:
    """The weights (members, terms, targets) of the chosen ways, in lattice steps."""
    weights = np.zeros((MEMBERS, len(lesson.design.basis.terms), len(choices)))
    for choice in sorted(set(choices), key=choices.index):
        mine = [i for i, other in enumerate(choices) if other == choice]
        count = lesson.design.counts[min(choice.degree, len(lesson.design.counts)) - 1]
        part: Part = "usual" if choice.part == "inside" and "inside" not in equations else choice.part
        equation = equations.get(part, equations["all"]).head(count)
        for places in [mine] if choice.least == 0.0 else [[place] for place in mine]:
            kept = equation.at(0).of(places[0]).telling(choice.ridge, choice.least)
            own = equation.only(kept)
            members = Gram(left=own.left[1:], right=own.right[1:, :, places])
            weights[:, kept[:, None], places] = members.solve(choice.ridge)
    return weights


def polynomial(lesson: Lesson, weights: Floats) -> Polynomial:
    """The polynomials with `weights` (members, terms, targets), in lattice steps, in integers."""
    units = np.ldexp(weights, FINE_BITS - ONE_BITS)
    whole = [[quantised(column, lesson.design.basis.largest) for column in member.T] for member in units]
    return Polynomial(
        terms=lesson.design.basis.terms,
        weights=np.stack([np.stack([column for column, _ in member], axis=1) for member in whole]),
        shifts=np.array([[shift for _, shift in member] for member in whole], dtype=np.int64),
    )


def published(lesson: Lesson, functions: tuple[Function, ...], trust: Trust) -> Regressor:
    """The sum of `functions` of the lesson's features, with guards from the recorded changes, or from the fields."""
    if lesson.far:
        guards = [widest(target, lesson.targets) for target in lesson.targets]
    else:
        guards = [guard(column) for column in lesson.changes.T]
    return Regressor(
        features=lesson.design.basis.features,
        functions=functions,
        targets=tuple(target.column for target in lesson.targets),
        bases=tuple(target.base for target in lesson.targets),
        lows=np.array([low for low, _ in guards], dtype=np.int64),
        highs=np.array([high for _, high in guards], dtype=np.int64),
        tolerances=trust.tolerances,
        confidence=trust.confidence,
        quiet=trust.noise,
        loud=trust.noise,
        gears=tuple(target.gear for target in lesson.targets if target.gear is not None) or UNSET,
    )


def located(regressor: Regressor, lesson: Lesson) -> Regressor:
    """The regressor with a confidence that falls far from what the lesson recorded."""
    found = Neighbourhood.of(regressor.features, lesson.recorded.inputs)
    return replace(regressor, confidence=replace(regressor.confidence, known=found.known, near=found.near))


def trust_in(
    spec: Spec, lesson: Lesson, functions: tuple[Function, ...], aside: Recorded, noise: Lattice
) -> tuple[Trust, Lattice, NDArray[np.bool_]]:
    """What the rows kept `aside` say about a regressor; also the doubt about each (n,), and whether it was good enough.

    Good enough is within the error that 85 % of these rows stay below, in every target.
    """
    trust = Trust.none(len(lesson.targets), noise)
    if not len(aside.inputs) or not lesson.targets:
        return trust, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    regressor = published(lesson, functions, trust)
    found = regressor.changes(aside.inputs)
    missed = distances(spec, regressor, aside, found)
    tolerances = np.maximum(np.ceil(np.quantile(missed, TOLERANCE, axis=0)).astype(np.int64), 1)
    trust = Trust(tolerances=tolerances << FINE_BITS, confidence=trust.confidence, noise=noise)
    scores = located(published(lesson, functions, trust), lesson).doubts(aside.inputs, found)
    right = np.all(missed <= tolerances, axis=1)
    return Trust(tolerances=trust.tolerances, confidence=calibrated(scores, right), noise=noise), scores, right


def distances(spec: Spec, regressor: Regressor, aside: Recorded, found: Changes) -> Lattice:
    """How far (n, targets) the middle of the changes `found` lands from the truth, in lattice steps."""
    away = regressor.land(spec, aside.inputs, found.middle) - aside.results[:, regressor.targets]
    fields = spec.inner.fields + spec.outputs.fields
    for i, target in enumerate(regressor.targets):
        if isinstance(fields[target], Angle):
            away[:, i] = wrap_column(away[:, i])
    return np.abs(away)
