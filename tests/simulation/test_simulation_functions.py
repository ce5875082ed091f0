"""Ensembles, forests, noise and choices against Python's whole numbers, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from drawn_functions import TRUCK, ensemble, forest, polynomial, truck
from hypothesis import given
from hypothesis import strategies as some
from msgspec import structs
from numpy.typing import NDArray

from worldtwin.errors import InvalidFile
from worldtwin.exact import STREAM_NOISE, Key, StackedLayer, draw
from worldtwin.exact.chance import normal
from worldtwin.exact.curves import normal_table, power_table, swish_table
from worldtwin.exact.features import features
from worldtwin.exact.network import INPUT_LIMIT
from worldtwin.exact.rounding import round_shift
from worldtwin.simulation import (
    Classifier,
    Confidence,
    Ensemble,
    Forest,
    Function,
    Regressor,
    Session,
    Simulator,
    Source,
    rollout,
)
from worldtwin.simulation.models.confidence import distances
from worldtwin.tasks import Task

Lattice = NDArray[np.int64]
PARTS = 6


def parts_by_chance(seed: int, n: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).integers(-(9 << 20), 9 << 20, size=(PARTS, n)).astype(np.float64)


def network_oracle(function: Ensemble, parts: list[int], member: int) -> list[int]:
    values = [min(max(round_shift(part, 8), -INPUT_LIMIT), INPUT_LIMIT) for part in parts]
    curve: list[int] = swish_table().astype(np.int64).tolist()
    for layer in function.layers:
        columns = zip(layer.weights[member].T.tolist(), layer.bias[member].tolist(), strict=True)
        sums = [sum(w * x for w, x in zip(column, values, strict=True)) + bias for column, bias in columns]
        values = [round_shift(total, by) for total, by in zip(sums, layer.shifts[member].tolist(), strict=True)]
        if layer.swish:
            values = [curve[min(max(round_shift(value, 3), -4096), 4095) + 4096] for value in values]
        elif layer.clip:
            values = [min(max(value, 0), layer.clip) for value in values]
    return values


def forest_oracle(function: Forest, parts: list[int], member: int) -> list[int]:
    totals: list[int] = []
    for output, base in enumerate(function.base[member].tolist()):
        total, place = base, member * function.outputs + output
        for root in function.roots[function.offsets[place] : function.offsets[place + 1]].tolist():
            at = root
            while function.children[at, 0] != at:
                at = int(function.children[at, int(parts[function.parts[at]] > function.thresholds[at])])
            total += int(function.values[at])
        totals.append(total)
    return totals


@pytest.mark.parametrize("swish", [False, True])
@given(seed=some.integers(0, 10_000))
def test_an_ensemble_is_its_networks_in_whole_numbers(seed: int, *, swish: bool) -> None:
    function, parts = ensemble(seed, parts=PARTS, outputs=3, swish=swish), parts_by_chance(seed, 4)
    found = function.every(parts)
    function.reach([9 << 20] * PARTS)

    for member in range(3):
        for row, own in enumerate(parts.T.astype(np.int64).tolist()):
            assert found[member, :, row].tolist() == network_oracle(function, own, member)


@given(some.integers(0, 10_000))
def test_a_forest_is_the_sum_of_its_leaves(seed: int) -> None:
    function, parts = forest(seed, parts=PARTS, outputs=2, members=2), parts_by_chance(seed, 5)
    found = function.every(parts)

    for member in range(2):
        for row, own in enumerate(parts.T.astype(np.int64).tolist()):
            assert found[member, :, row].tolist() == forest_oracle(function, own, member)


FUNCTIONS: dict[str, Callable[[int], Function]] = {
    "polynomial": lambda seed: polynomial(seed, parts=PARTS, outputs=2),
    "ensemble": lambda seed: ensemble(seed, parts=PARTS, outputs=2),
    "swish": lambda seed: ensemble(seed, parts=PARTS, outputs=2, swish=True),
    "one network": lambda seed: ensemble(seed, parts=PARTS, outputs=2, members=1),
    "forest": lambda seed: forest(seed, parts=PARTS, outputs=2, members=3),
}


@pytest.mark.parametrize("kind", FUNCTIONS)
@given(seed=some.integers(0, 1000), n=some.integers(1, 40))
def test_own_answers_are_those_of_the_member_whoever_else_asks(kind: str, seed: int, n: int) -> None:
    function, parts = FUNCTIONS[kind](seed), parts_by_chance(seed, n)
    member = np.random.default_rng(seed).integers(0, function.members, n)
    found = function.own(parts, member)

    assert (found == function.every(parts)[member, :, np.arange(n)]).all()
    assert (function.own(parts[:, :1], member[:1]) == found[:1]).all()


@pytest.mark.parametrize("kind", FUNCTIONS)
def test_no_output_exceeds_what_is_promised(kind: str) -> None:
    function = FUNCTIONS[kind](3)
    found = function.every(parts_by_chance(1, 500))

    assert np.abs(found).max() <= function.reach([9 << 20] * PARTS)


def layered(function: Ensemble, at: int, **parts: object) -> Ensemble:
    layers = list(function.layers)
    layers[at] = structs.replace(layers[at], **parts)
    return structs.replace(function, layers=tuple(layers))


def hostile(**parts: object) -> Ensemble:
    return layered(ensemble(1, parts=PARTS, outputs=2), 0, **parts)


def huge() -> Ensemble:
    shape = (64, 200, 200)
    layer = StackedLayer(weights=np.zeros(shape, dtype=np.int64), bias=np.zeros(1), shifts=np.zeros(1))
    return Ensemble(layers=(layer,) * 400)


HOSTILE: dict[str, Callable[[], Function]] = {
    "more than 4,194,304": huge,
    "do not fit 6 inputs": lambda: hostile(weights=np.zeros((3, 5, 16), dtype=np.int64)),
    "do not fit 16 inputs": lambda: layered(
        ensemble(1, parts=PARTS, outputs=2), 1, weights=np.zeros((3, 15, 16), dtype=np.int64)
    ),
    "2\\^53": lambda: hostile(bias=np.full((3, 16), 1 << 62)),
    "2\\^53, where": lambda: hostile(bias=np.full((3, 16), -(1 << 63))),
    "16 bits": lambda: hostile(weights=np.full((3, 6, 16), 1 << 15)),
    "out of range: only a last": lambda: hostile(shifts=np.full((3, 16), -1)),
    "shift 41": lambda: hostile(shifts=np.full((3, 16), 41)),
    "whole numbers of 64 bits": lambda: hostile(weights=np.zeros((3, 6, 16))),
    "clip 5 is out of range": lambda: hostile(swish=True, clip=5),
    "could reach 2\\^61": lambda: layered(
        ensemble(1, parts=PARTS, outputs=2), 2, shifts=np.full((3, 2), -40), bias=np.full((3, 2), 1 << 40)
    ),
    "an ensemble of no": lambda: Ensemble(layers=()),
    "part": lambda: forest(1, parts=PARTS + 1, outputs=2),
}


@pytest.mark.parametrize("reason", HOSTILE)
def test_functions_that_might_not_be_exact_are_refused(reason: str) -> None:
    with pytest.raises(InvalidFile, match=reason):
        HOSTILE[reason]().reach([9 << 20] * PARTS)


TREES: dict[str, Callable[[Forest], dict[str, object]]] = {
    "0 nodes": lambda f: {name: getattr(f, name)[:0] for name in ("parts", "thresholds", "children", "values")},
    "thresholds: expected shape": lambda f: {"thresholds": f.thresholds[:-1]},
    "values: .* is above": lambda f: {"values": f.values + (1 << 60)},
    "children: .* is above": lambda f: {"children": f.children + len(f.children)},
    "leads round in a circle": lambda f: {"children": np.where(f.children == 7, 0, f.children)},
    "must be a leaf": lambda f: {
        "children": np.where([[True, False]], np.arange(len(f.children))[:, None], f.children)
    },
    "roots: .* is above": lambda f: {"roots": f.roots + len(f.parts)},
    "offsets: expected shape": lambda f: {"offsets": f.offsets[:-1]},
    "rise from 0": lambda f: {"offsets": f.offsets[::-1].copy()},
    "0 members": lambda f: {"base": f.base[:0], "offsets": f.offsets[:1]},
}


@pytest.mark.parametrize("reason", TREES)
def test_nodes_that_do_not_make_trees_are_refused(reason: str) -> None:
    good = forest(1, parts=PARTS, outputs=2)
    with pytest.raises(InvalidFile, match=reason):
        structs.replace(good, **TREES[reason](good))


def test_a_deep_tree_is_refused_before_it_is_walked() -> None:
    nodes = 200
    chain = np.minimum(np.arange(nodes)[:, None] + [1, 2], nodes - 1)
    with pytest.raises(InvalidFile, match="deeper than 64"):
        Forest(
            parts=np.zeros(nodes, dtype=np.int64),
            thresholds=np.zeros(nodes, dtype=np.int64),
            children=chain,
            values=np.zeros(nodes, dtype=np.int64),
            roots=np.zeros(1, dtype=np.int64),
            offsets=np.array([0, 1]),
            base=np.zeros((1, 1), dtype=np.int64),
        )


# Whole models


def inputs_by_chance(seed: int, n: int) -> Lattice:
    chance = np.random.default_rng(seed)
    low, high = (
        np.concatenate(pair) for pair in ((TRUCK.state.low, TRUCK.action.low), (TRUCK.state.high, TRUCK.action.high))
    )
    return chance.integers(low, high + 1, size=(n, 3))


@given(some.integers(0, 1000))
def test_a_change_is_the_kept_sum_of_the_functions_and_its_noise(seed: int) -> None:
    speed, inputs = truck().predictors[0], inputs_by_chance(seed, 8)
    assert isinstance(speed, Regressor)
    parts, member = features(speed.features, inputs), np.arange(8) % 3
    keys = Key.of(seed).episodes(np.arange(8))
    prior, network, trees = (function.every(parts) for function in speed.functions)
    own = prior[0, 0] + network[member, 0, np.arange(8)] + trees[member, 0, np.arange(8)]
    logs = np.clip(network[member, 1, np.arange(8)], 10 << 8, 15 << 8)
    expected = np.clip(own, -(1 << 18), 1 << 18) + normal(draw(keys, 5, STREAM_NOISE), logs)

    assert speed.drawn(inputs, member, keys, 5)[:, 0].tolist() == expected.tolist()


def test_noise_has_the_declared_deviation_and_the_normal_shape() -> None:
    words = draw(Key.of(1).episodes(np.arange(200_000)), 0, STREAM_NOISE)
    for log in (0, 1000, 5000):
        found = normal(words, np.full(len(words), 20 * 256 + log % 256)) / 2 ** (20 + log % 256 / 256)
        assert abs(found.mean()) < 0.01
        assert found.std() == pytest.approx(1, abs=0.01)
        assert np.mean(np.abs(found) > 1.96) == pytest.approx(0.05, abs=0.003)


def test_the_tables_are_the_curves() -> None:
    x = np.arange(-4096, 4096) / 512
    quantiles = normal_table() / 65536

    assert np.abs(swish_table() / 4096 - x / (1 + np.exp(-x))).max() <= 0.5 / 4096
    assert np.abs(power_table() - 2 ** (np.arange(256) / 256 + 30)).max() <= 0.5
    assert (np.diff(quantiles) >= 0).all()
    assert (quantiles == -quantiles[::-1]).all()
    assert quantiles[[49151, 63897]] == pytest.approx([0.674, 1.96], abs=1e-3)


def test_names_come_as_often_as_their_weights_say() -> None:
    gear = truck().predictors[1]
    assert isinstance(gear, Classifier)
    inputs = np.repeat(inputs_by_chance(3, 1), 50_000, axis=0)
    shares = gear.shares(inputs[:1])[0, 0]
    found = gear.drawn(inputs, np.zeros(50_000, dtype=np.int64), Key.of(9).episodes(np.arange(50_000)), 0)

    assert np.bincount(found, minlength=3) / 50_000 == pytest.approx(shares / shares.sum(), abs=0.01)


def test_a_rollout_is_the_session_of_each_episode() -> None:
    simulator, task = truck(), Task.network(TRUCK, hidden=(4,), key=2)
    episodes = rollout(task, simulator, episodes=2, horizon=20, key=4)
    session = Session(simulator, key=4)
    for number in range(2):
        results = session.forward(20, task)
        assert all(result.source == Source.PREDICTED for result in results)
        assert [r.next.lattice for r in results] == [
            tuple(row) for row in episodes.nexts[episodes.episode == number].tolist()
        ]
        session.reset()


def test_a_batch_gives_the_bits_of_one_row_at_a_time() -> None:
    simulator, inputs = truck(), inputs_by_chance(7, 50)
    keys = Key.of(1).episodes(np.arange(50))
    whole = simulator.advance(inputs[:, :2], inputs[:, 2:], keys, 3)
    for row in range(50):
        one = slice(row, row + 1)
        alone = simulator.advance(inputs[one, :2], inputs[one, 2:], keys[one], 3)
        assert (alone.next_fields == whole.next_fields[one]).all()


def test_a_prediction_shows_the_members_and_is_less_sure_where_it_is_loud() -> None:
    simulator = truck()
    prediction = simulator.predict({"speed": 0.5, "gear": "low"}, {"pedal": 0.25})

    assert prediction.source == Source.PREDICTED
    assert 1 <= len(prediction.alternatives) <= 4
    assert sum(alternative.probability for alternative in prediction.alternatives) == pytest.approx(1)
    assert 0 < prediction.confidence <= 40_000 / 65_536


NOTHING = np.zeros(0, dtype=np.int64)
WHOLE: dict[str, dict[str, object]] = {
    "2 outputs, expected": {"functions": (ensemble(1, parts=4, outputs=2),), "quiet": NOTHING, "loud": NOTHING},
    "3 members beside 5": {"functions": (ensemble(1, parts=4, outputs=1), forest(1, parts=4, outputs=1, members=5))},
    "a model of no functions": {"functions": ()},
    "loud: expected shape": {"loud": np.zeros(2, dtype=np.int64)},
    "quiet: the least noise": {"quiet": np.array([16 << 8])},
    "loud: .* is above": {"loud": np.array([45 << 8])},
    "with noise could reach": {"highs": np.array([1 << 61])},
}


@pytest.mark.parametrize("reason", WHOLE)
def test_a_sum_that_does_not_fit_is_refused(reason: str) -> None:
    with pytest.raises(InvalidFile, match=reason):
        structs.replace(truck().predictors[0], **WHOLE[reason])


NAMES: dict[str, Callable[[], dict[str, object]]] = {
    "values: they must rise": lambda: {"values": np.array([0, 2, 1])},
    "3 outputs, expected \\[2\\]": lambda: {"values": np.array([0, 1])},
    "0 values": lambda: {"values": np.zeros(0, dtype=np.int64)},
    "target -1": lambda: {"target": -1},
}


@pytest.mark.parametrize("reason", NAMES)
def test_a_classifier_that_does_not_fit_is_refused(reason: str) -> None:
    with pytest.raises(InvalidFile, match=reason):
        structs.replace(truck().predictors[1], **NAMES[reason]())


def test_a_classifier_of_another_world_is_refused() -> None:
    speed, gear = truck().predictors
    for changes, reason in (({"values": np.array([0, 1, 3])}, "is above 2"), ({"target": 0}, "predicts names")):
        with pytest.raises(InvalidFile, match=reason):
            Simulator(TRUCK, predictors=(structs.replace(gear, **changes),))
    with pytest.raises(InvalidFile, match="predicted twice"):
        Simulator(TRUCK, predictors=(speed, gear, gear))


def test_confidence_falls_with_the_distance_to_what_is_known() -> None:
    chance = np.random.default_rng(1)
    known = chance.integers(-4096, 4096, size=(200, 3))
    near = int(np.median(distances(known, known.T * 256.0)))
    edges, levels = np.array([0, 40, 100, 400]), np.array([60_000, 40_000, 20_000, 1_000])
    confidence = Confidence(edges=edges, levels=levels, known=known, near=near)
    parts = np.array([[0.0, 1.0, 4.0, 7.9]] * 3) * (1 << 20)
    found = confidence.of(np.full(4, 5), parts, np.zeros(4, dtype=np.bool_))

    assert found[0] == 60_000
    assert found[-1] == 1_000
    assert (np.diff(found) <= 0).all()


@given(some.integers(0, 1000))
def test_distances_are_those_of_whole_numbers(seed: int) -> None:
    chance = np.random.default_rng(seed)
    known = chance.integers(-(1 << 15), 1 << 15, size=(9, 4))
    parts = chance.integers(-(9 << 20), 9 << 20, size=(4, 6)).astype(np.float64)
    rounded = [[round_shift(int(part), 8) for part in row] for row in parts.T]
    squares = [
        sorted(sum((a - b) ** 2 for a, b in zip(row, own, strict=True)) for own in known.tolist()) for row in rounded
    ]

    assert distances(known, parts).tolist() == [math.isqrt(each[4]) for each in squares]


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"known": np.zeros((4, 4), dtype=np.int64)}, "known: 4 inputs"),
        ({"known": np.zeros((5, 3), dtype=np.int64)}, "known: 3 parts, the features have 4"),
        ({"known": np.full((5, 4), 1 << 20)}, "known: .* is above"),
        ({"near": 0}, "near: 0 is no distance"),
    ],
)
def test_known_inputs_that_are_none_are_refused(parts: dict[str, object], reason: str) -> None:
    speed = truck().predictors[0]
    assert isinstance(speed, Regressor)
    with pytest.raises(InvalidFile, match=reason):
        structs.replace(speed, confidence=structs.replace(speed.confidence, **parts))
