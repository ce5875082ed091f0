"""Regressors of polynomials: landing, members, confidence, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec import structs

from worldtwin.errors import InvalidFile
from worldtwin.exact import Key
from worldtwin.exact.polynomial import Basis, terms_of
from worldtwin.exact.rounding import round_shift
from worldtwin.simulation import RATIO_BITS, Changes, Feature, Gear, Polynomial, Regressor, Simulator
from worldtwin.world import wrap


def model_of(simulator: Simulator) -> Regressor:
    model = simulator.predictors[-1]
    assert isinstance(model, Regressor)
    return model


def inputs_of(simulator: Simulator, n: int, seed: int) -> np.ndarray:
    chance = np.random.default_rng(seed)
    spec = simulator.spec
    states = chance.integers(spec.state.low, spec.state.high + 1, size=(n, len(spec.state)))
    return np.concatenate([states, chance.integers(0, 2, size=(n, 1))], axis=1)


@given(some.integers(0, 1000))
def test_a_change_is_the_rounded_sum_of_64_bit_integers(cart: Simulator, seed: int) -> None:
    model, inputs = model_of(cart), inputs_of(cart, 7, seed)
    polynomial = own(model)
    terms = terms_of(Basis(model.features, polynomial.terms), inputs).astype(np.int64)
    sums = np.einsum("mft,fn->mtn", polynomial.weights, terms)
    exact = (sums + (1 << polynomial.shifts[:, :, None] >> 1)) >> polynomial.shifts[:, :, None]

    assert (model.changes(inputs).values == np.clip(exact, model.lows[:, None], model.highs[:, None])).all()


@given(some.integers(0, 1000))
def test_each_row_follows_its_own_member(cart: Simulator, seed: int) -> None:
    model, inputs = model_of(cart), inputs_of(cart, 9, seed)
    member = np.arange(9) % model.members

    found = model.drawn(inputs, member, Key.of(seed).episodes(np.arange(9)), 0)

    assert (found == model.changes(inputs).values[member, :, np.arange(9)]).all()


@given(some.integers(0, 1000), some.integers(-(1 << 28), 1 << 28))
def test_angles_wrap_and_numbers_stay_in_range(cart: Simulator, seed: int, change: int) -> None:
    model, inputs = model_of(cart), inputs_of(cart, 3, seed)
    landed = model.land(cart.spec, inputs, np.full((3, 4), change))
    steps = round_shift(change, 8)
    low, high = cart.spec.state.low, cart.spec.state.high

    assert landed[:, 2].tolist() == [wrap(angle + steps) for angle in inputs[:, 2].tolist()]
    assert (landed[:, [0, 1, 3]] == np.clip(inputs[:, [0, 1, 3]] + steps, low[[0, 1, 3]], high[[0, 1, 3]])).all()


@given(some.integers(0, 1000), some.integers(-(1 << 28), 1 << 28), some.integers(-(1 << 30), 1 << 30))
def test_what_is_driven_also_moves_with_what_its_driver_came_to(
    cart: Simulator, seed: int, change: int, ratio: int
) -> None:
    gears = (Gear(driven=0, driver=1, ratio=ratio), Gear(driven=2, driver=3, ratio=-ratio))
    free, inputs = model_of(cart), inputs_of(cart, 5, seed)
    changes = np.full((5, 4), change)

    alone = free.land(cart.spec, inputs, changes)
    landed = structs.replace(free, gears=gears).land(cart.spec, inputs, changes)

    low, high = int(cart.spec.state.low[0]), int(cart.spec.state.high[0])
    assert (landed[:, [1, 3]] == alone[:, [1, 3]]).all()
    for before, after in zip(inputs.tolist(), landed.tolist(), strict=True):
        with_place = change + round_shift(ratio * (after[1] - before[1]), RATIO_BITS - 8)
        with_angle = change + round_shift(-ratio * (after[3] - before[3]), RATIO_BITS - 8)
        assert after[0] == min(high, max(low, before[0] + round_shift(with_place, 8)))
        assert after[2] == wrap(before[2] + round_shift(with_angle, 8))


@pytest.mark.parametrize(
    ("gears", "said"),
    [
        ((Gear(0, 1, 1), Gear(0, 3, 1)), "driven twice"),
        ((Gear(0, 1, 1), Gear(1, 3, 1)), "is driven itself"),
        ((Gear(0, 0, 1),), "is driven itself"),
        ((Gear(0, 9, 1),), "not predicted as a change"),
        ((Gear(0, 2, 1),), "not a real number"),
        ((Gear(0, 1, (2 << RATIO_BITS) + 1),), "too large"),
    ],
)
def test_gears_that_cannot_turn_are_refused(cart: Simulator, gears: tuple[Gear, ...], said: str) -> None:
    with pytest.raises(InvalidFile, match=said):
        structs.replace(model_of(cart), gears=gears).require_fits(cart.spec)


def test_the_middle_member_is_the_median(cart: Simulator) -> None:
    model = model_of(cart)
    changes = model.changes(inputs_of(cart, 20, 1))

    assert (changes.middle == np.median(changes.values, axis=0).T).all()


def test_more_disagreement_never_deserves_more_confidence(cart: Simulator) -> None:
    model, inputs = model_of(cart), np.zeros((6, 5), dtype=np.int64)
    spread = np.array([0, 1, 1 << 22, 1 << 23, 1 << 24, 1 << 27])
    changes = np.zeros((2, 4, 6), dtype=np.int64)
    changes[1, 2] = spread
    found = model.confidences(inputs, Changes(changes))

    assert model.scores(Changes(changes)).tolist() == (spread * 256 >> 24).tolist()
    assert found.tolist() == [60_000, 60_000, 60_000, 30_000, 30_000, 3_000]


def test_an_input_beyond_what_was_recorded_deserves_the_least(cart: Simulator) -> None:
    feature = structs.replace(model_of(cart).features[0], low=-100, high=100)
    model = structs.replace(model_of(cart), features=(feature, *model_of(cart).features[1:]))
    inputs = np.zeros((2, 5), dtype=np.int64)
    inputs[1, 0] = 1 << 20

    changes = Changes(np.zeros((1, 4, 2), dtype=np.int64))

    assert model.confidences(inputs, changes).tolist() == [60_000, 3_000]


def with_feature(model: Regressor, at: int, **parts: object) -> dict[str, object]:
    features = list(model.features)
    features[at] = structs.replace(features[at], **parts)
    return {"features": tuple(features)}


def own(model: Regressor) -> Polynomial:
    function = model.functions[0]
    assert isinstance(function, Polynomial)
    return function


def altered(model: Regressor, **parts: object) -> dict[str, object]:
    return {"functions": (structs.replace(own(model), **parts),)}


def sure(model: Regressor, **parts: object) -> dict[str, object]:
    return {"confidence": structs.replace(model.confidence, **parts)}


FORGERIES: dict[str, Callable[[Regressor], dict[str, object]]] = {
    "no such column": lambda m: with_feature(m, 0, column=-1),
    "scale is out of range": lambda m: with_feature(m, 0, shift=60),
    "bounds are out of range": lambda m: with_feature(m, 0, low=1 << 30),
    "values are too many": lambda m: with_feature(m, 4, count=1 << 20),
    "terms: .* is above 4": lambda m: {"features": m.features[:4]},
    "0 terms": lambda m: altered(m, terms=own(m).terms[:0], weights=own(m).weights[:, :0]),
    "factors of a term come first": lambda m: altered(m, terms=own(m).terms[:, ::-1].copy()),
    "0 members": lambda m: altered(m, weights=own(m).weights[:0], shifts=own(m).shifts[:0]),
    "weights: .* is above": lambda m: altered(m, weights=own(m).weights + (1 << 31)),
    "weights: expected shape": lambda m: altered(m, weights=own(m).weights[:, :3]),
    "shifts: .* is above": lambda m: altered(m, shifts=own(m).shifts + 60),
    "could reach 2\\^52": lambda m: altered(m, weights=own(m).weights << 10),
    "must be different columns": lambda _: {"targets": (0, 0, 1, 2)},
    "one for each target": lambda _: {"bases": (0,)},
    "above the highest": lambda m: {"lows": m.highs + 1},
    "tolerances: 0 is below": lambda m: {"tolerances": m.tolerances * 0},
    "0 steps of confidence": lambda m: sure(m, edges=m.confidence.edges[:0], levels=m.confidence.levels[:0]),
    "steps of confidence must rise": lambda m: sure(m, edges=m.confidence.edges[::-1].copy()),
    "must not deserve more": lambda m: sure(m, levels=m.confidence.levels[::-1].copy()),
    "levels: .* is above": lambda m: sure(m, levels=m.confidence.levels + (1 << 16)),
}


@pytest.mark.parametrize("reason", FORGERIES)
def test_a_regressor_that_cannot_be_trusted_is_refused(reason: str, cart: Simulator) -> None:
    with pytest.raises(InvalidFile, match=reason):
        structs.replace(model_of(cart), **FORGERIES[reason](model_of(cart)))


OTHERS: dict[str, Callable[[Regressor], dict[str, object]]] = {
    "there are 5": lambda m: with_feature(m, 0, column=7),
    "`angle` does not fit a real": lambda m: with_feature(m, 2, column=1),
    "`real` does not fit an? angle": lambda m: with_feature(m, 0, column=2),
    "`category` does not fit a category": lambda m: with_feature(m, 4, count=3),
    "4 next fields": lambda _: {"targets": (0, 1, 2, 4), "bases": (0, 1, 2, -1)},
    "not its own state column": lambda _: {"bases": (1, 1, 2, 3)},
}


@pytest.mark.parametrize("reason", OTHERS)
def test_a_regressor_of_another_world_is_refused(reason: str, cart: Simulator) -> None:
    model = structs.replace(model_of(cart), **OTHERS[reason](model_of(cart)))
    with pytest.raises(InvalidFile, match=reason):
        Simulator(cart.spec, predictors=(model,))


def test_a_regressor_does_not_predict_names(gearbox: Simulator) -> None:
    model = structs.replace(model_of(gearbox), targets=(0,), bases=(0,))
    with pytest.raises(InvalidFile, match="predicts numbers, not names"):
        Simulator(gearbox.spec, predictors=(model,))


def test_a_target_is_predicted_once(cart: Simulator) -> None:
    with pytest.raises(InvalidFile, match="predicted twice"):
        Simulator(cart.spec, predictors=cart.predictors * 2)


def test_sets_are_seen_bit_by_bit() -> None:
    feature = Feature(column=0, kind="set", count=3)

    assert (feature.parts, feature.largest) == (3, 1 << 20)
