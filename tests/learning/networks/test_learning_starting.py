"""Fitting on top of networks: they begin where those of the base ended, in the units of the new rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from worldtwin.exact.features import ONE_BITS, Feature, features
from worldtwin.learning.calibration import UNKNOWN
from worldtwin.learning.networks.publishing import published
from worldtwin.learning.networks.starting import Start, refitted, start_in
from worldtwin.learning.networks.training import ANEW, BATCH, CHECKPOINTS, FURTHER, Examples, Weights
from worldtwin.simulation import Ensemble, Polynomial, Regressor

MEMBERS = 2
SPREAD = 40
"""The logarithm of the spread of the numbers below, in lattice steps."""
TARGETS = (1, 3, 4)
BEFORE = (
    Feature(column=0, kind="real", shift=SPREAD - ONE_BITS),
    Feature(column=2, kind="angle"),
    Feature(column=3, kind="category", count=3),
    Feature(column=5, kind="real", center=7 << SPREAD, shift=SPREAD - ONE_BITS),
)
PARTS = sum(feature.parts for feature in BEFORE)
SCALES = np.array([2.0**6, 2.0**20, 2.0**33])


def networks(seed: int, width: int = 64, targets: int = 3) -> Weights:
    chance = np.random.default_rng(seed)
    shapes = [(MEMBERS, *pair) for pair in pairwise((PARTS, width, 64, 2 * targets))]
    return Weights(
        weights=tuple(chance.normal(size=shape) / np.sqrt(shape[1]) for shape in shapes),
        biases=tuple(chance.normal(size=(MEMBERS, shape[2])) * 0.3 for shape in shapes),
    )


def base(seed: int) -> Regressor:
    return holding(published(networks(seed), SCALES, noise=False))


def holding(ensemble: Ensemble) -> Regressor:
    return Regressor(
        features=BEFORE,
        functions=(ensemble,),
        targets=TARGETS,
        bases=TARGETS,
        lows=np.full(3, -(1 << 60)),
        highs=np.full(3, 1 << 60),
        tolerances=np.ones(3, dtype=np.int64),
        confidence=UNKNOWN,
    )


def inputs(seed: int, n: int = 300) -> np.ndarray:
    """Numbers within 1.5 spreads of where the base had its centre, directions, and names."""
    chance = np.random.default_rng(seed)
    rows = np.zeros((n, 6), dtype=np.int64)
    rows[:, [0, 5]] = np.rint(chance.uniform(-1.5, 1.5, size=(n, 2)) * 2.0**SPREAD)
    rows[:, 5] += 7 << SPREAD
    rows[:, 2] = chance.integers(-(2**23), 2**23, size=n)
    rows[:, 3] = chance.integers(3, size=n)
    return rows


def parts(of: tuple[Feature, ...], rows: np.ndarray) -> np.ndarray:
    return np.ldexp(features(of, rows).T, -ONE_BITS)


def rescaled(away: float, wider: int) -> tuple[Feature, ...]:
    """The features as they are when numbers are `away` spreads from where they were, and spread 2^`wider` as far."""
    moved = round(away * 2.0**SPREAD)
    return tuple(
        replace(each, center=each.center + moved, shift=each.shift + wider) if each.kind == "real" else each
        for each in BEFORE
    )


@given(
    st.integers(0, 1000),
    st.floats(-2.0, 2.0),
    st.integers(-1, 6),
    st.permutations(range(3)),
    st.lists(st.integers(-3, 3), min_size=3, max_size=3),
)
@settings(max_examples=25, deadline=None)
def test_networks_begin_with_what_the_base_says(
    seed: int, away: float, wider: int, order: list[int], louder: list[int]
) -> None:
    regressor, after, rows = base(seed), rescaled(away, wider), inputs(seed)
    columns, scales = [TARGETS[i] for i in order], np.ldexp(SCALES, louder)[order]
    start = start_in((regressor,), after, columns, scales, MEMBERS)
    assert start.weights is not None
    told = start.weights.answers(parts(after, rows))
    truth = regressor.changes(rows).values[:, order].transpose(0, 2, 1) / 256
    missed = (told[..., :3] * scales - truth) / SCALES[order]
    rounding = 0.5 / 256 / SCALES.min()
    assert np.sqrt(np.square(missed).mean()) < 2**-9 + rounding
    assert np.abs(missed).max() < 2**-7 + rounding
    assert not told[..., 3:].any()


def said(regressor: Regressor, rows: np.ndarray) -> np.ndarray:
    """The answers (members, n, targets) of a base, in `SCALES`."""
    return regressor.changes(rows).values.transpose(0, 2, 1) / 256 / SCALES


def examples(of: tuple[Feature, ...], rows: np.ndarray, residuals: np.ndarray) -> Examples:
    """The first two thirds of the rows are to learn from, the others judge."""
    train = 2 * len(rows) // 3
    return Examples(
        parts=parts(of, rows),
        residuals=residuals,
        bags=np.random.default_rng(1).integers(train, size=(MEMBERS, train)),
        judges=(np.arange(train, len(rows)),) * MEMBERS,
    )


def losses(weights: Weights, of: Examples, rows: Sequence[np.ndarray]) -> np.ndarray:
    """The mean squared error of each member in its own `rows`."""
    missed = weights.answers(of.parts)[..., : of.residuals.shape[2]] - of.residuals
    return np.array([np.square(missed[member, mine]).mean() for member, mine in enumerate(rows)])


@given(st.integers(0, 1000), st.floats(-2.0, 2.0), st.integers(-1, 6))
@settings(max_examples=25, deadline=None)
def test_training_begins_at_the_loss_of_the_base(seed: int, away: float, wider: int) -> None:
    regressor, after, rows = base(seed), rescaled(away, wider), inputs(seed, 3000)
    noise = np.random.default_rng(seed).normal(0.0, 0.05, size=(MEMBERS, len(rows), 3))
    known = examples(after, rows, said(regressor, rows) + noise)
    start = start_in((regressor,), after, TARGETS, SCALES, MEMBERS)
    assert start.weights is not None
    assert np.allclose(losses(start.weights, known, known.judges), 0.05**2, rtol=0.15)
    begun = start.on(known)
    assert begun.weights is not None
    assert (losses(begun.weights, known, known.judges) < 1.15 * 0.05**2).all()


@given(st.integers(0, 1000), st.floats(-2.0, 2.0))
@settings(max_examples=25, deadline=None)
def test_what_another_polynomial_leaves_is_solved_without_any_step(seed: int, slope: float) -> None:
    regressor, rows = base(seed), inputs(seed, 3000)
    bent = slope * parts(BEFORE, rows)[:, :1] ** 2 - slope
    known = examples(BEFORE, rows, said(regressor, rows) + bent)
    start = begun(regressor)
    assert start.weights is not None
    solved = refitted(start.weights, known)
    before, now = (losses(each, known, known.bags) for each in (start.weights, solved))
    assert (now <= before + 1e-12).all()
    assert (losses(solved, known, known.judges) < 0.3 * np.square(bent).mean() + 1e-4).all()


def test_a_field_that_the_base_left_alone_begins_at_nothing() -> None:
    scales = np.array([2.0**6, 0.0, 2.0**33])
    regressor = holding(published(networks(1), scales, noise=False))
    start = start_in((regressor,), BEFORE, TARGETS, SCALES, MEMBERS)
    assert start.weights is not None
    told = start.weights.answers(parts(BEFORE, inputs(1)))
    assert told[..., 0].any()
    assert not told[..., 1].any()
    assert start_in((regressor,), BEFORE, [3], SCALES[1:2], MEMBERS).reason == "those of `base` predict other fields"


def begun(regressor: Regressor, after: tuple[Feature, ...] = BEFORE, members: int = MEMBERS) -> Start:
    return start_in((regressor,), after, TARGETS, SCALES, members)


def swishing(regressor: Regressor) -> Regressor:
    (ensemble,) = regressor.functions
    assert isinstance(ensemble, Ensemble)
    first, *others = ensemble.layers
    layers = (replace(first, clip=0, swish=True), *others)
    return replace(regressor, functions=(Ensemble(layers=layers),))


def plain(regressor: Regressor) -> Regressor:
    return replace(
        regressor,
        functions=(
            Polynomial(
                terms=np.array([[0, -1, -1]]),
                weights=np.ones((MEMBERS, 1, 3), dtype=np.int64),
                shifts=np.zeros((MEMBERS, 3), dtype=np.int64),
            ),
        ),
    )


def by_chance(seed: int) -> Start:
    """Networks where there is nothing to know."""
    rows = inputs(seed)
    tossed = np.random.default_rng(seed).normal(size=(MEMBERS, len(rows), 3))
    return begun(base(seed)).on(examples(BEFORE, rows, tossed))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: begun(plain(base(1))), "`base` has none"),
        (lambda: begun(base(1), BEFORE[:-1]), "those of `base` see other inputs"),
        (lambda: begun(base(1), members=MEMBERS + 1), "those of `base` are of another shape"),
        (
            lambda: begun(holding(published(networks(1, width=32), SCALES, noise=False))),
            "those of `base` are of another shape",
        ),
        (lambda: begun(swishing(base(1))), "those of `base` are of another shape"),
        (lambda: start_in((base(1),), BEFORE, [0, 1], SCALES[:2], MEMBERS), "those of `base` predict other fields"),
        (lambda: by_chance(1), "those of `base` fit the new rows no better than none"),
    ],
)
def test_networks_begin_anew_and_say_why(make: Callable[[], Start], reason: str) -> None:
    start = make()
    assert start.weights is None
    assert start.reason == reason


def test_without_a_base_there_is_nothing_to_say() -> None:
    assert start_in((), BEFORE, TARGETS, SCALES, MEMBERS).reason == ""


@given(st.integers(1, 10**6))
def test_a_quarter_of_the_effort_is_a_quarter_of_the_steps(rows: int) -> None:
    for effort in (ANEW, FURTHER):
        assert effort.span(rows) * CHECKPOINTS <= effort.steps
        assert abs(4 * effort.quarter.span(rows) - effort.span(rows)) <= 4
    assert ANEW.span(64 * BATCH) * CHECKPOINTS == 150 * 64
