"""Residual networks: what they learn, and that the published integers say the same."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worldtwin.exact import Key
from worldtwin.exact.features import ONE
from worldtwin.learning.networks.publishing import published, restored
from worldtwin.learning.networks.training import FURTHER, Examples, Weights, trained

SCALES = np.array([64.0, 2.0**20])


def residuals(x: np.ndarray) -> np.ndarray:
    """What no cubic knows (n, 2): a quick wave, and a kink."""
    return np.stack([np.sin(3.0 * x[:, 0]) * x[:, 1], np.abs(x[:, 2]) - 0.6], axis=1)


def examples(n: int, seed: int, members: int = 2) -> Examples:
    chance = np.random.default_rng(seed)
    x = chance.uniform(-1.5, 1.5, size=(n, 3))
    train = n - n // 7
    return Examples(
        parts=x,
        residuals=np.repeat(residuals(x)[None], members, axis=0),
        bags=chance.integers(train, size=(members, train)),
        judges=(np.arange(train, n),) * members,
    )


def random_weights(seed: int, parts: int, outputs: int, members: int) -> Weights:
    chance = np.random.default_rng(seed)
    sizes = (parts, 64, 64, 2 * outputs)
    shapes = [(members, before, after) for before, after in pairwise(sizes)]
    return Weights(
        weights=tuple(chance.normal(size=shape) / np.sqrt(shape[1]) for shape in shapes),
        biases=tuple(chance.normal(size=(members, shape[2])) * 0.3 for shape in shapes),
    )


def exact(weights: Weights, x: np.ndarray, scales: np.ndarray, *, noise: bool = False) -> np.ndarray:
    """What the published integers say to `x` (n, parts), in 2^-8 steps."""
    return published(weights, scales, noise=noise).every(np.rint(x.T * ONE)).transpose(0, 2, 1)


@given(st.integers(0, 1000), st.integers(1, 12), st.integers(1, 4), st.integers(1, 3), st.integers(-4, 30))
@settings(max_examples=25, deadline=None)
def test_the_published_integers_say_what_the_networks_say(
    seed: int, parts: int, outputs: int, members: int, bits: int
) -> None:
    weights = random_weights(seed, parts, outputs, members)
    x = np.random.default_rng(seed + 1).normal(size=(200, parts)) * 2.0
    scales = np.full(outputs, 2.0**bits)
    missed = exact(weights, x, scales) / 256 / scales - weights.answers(x)[..., :outputs]
    rounding = 0.5 / 256 / 2.0**bits
    assert np.sqrt(np.square(missed).mean()) < 2**-10 + rounding
    assert np.abs(missed).max() < 2**-8 + rounding


def test_noise_is_published_in_the_units_of_noise() -> None:
    weights = random_weights(1, 3, 2, 2)
    x = np.random.default_rng(2).normal(size=(100, 3))
    logs = exact(weights, x, SCALES, noise=True)[..., 2:] / 256
    assert np.abs(logs - (weights.answers(x)[..., 2:] + np.log2(SCALES * 256))).max() < 0.02


def test_published_networks_can_go_on_learning() -> None:
    weights = random_weights(3, 4, 2, 2)
    again = restored(published(weights, SCALES, noise=False), SCALES)
    x = np.random.default_rng(4).normal(size=(100, 4))
    assert np.abs(again.answers(x)[..., :2] - weights.answers(x)[..., :2]).max() < 2**-9


def test_what_has_no_weight_stays_nothing() -> None:
    scales = np.array([64.0, 0.0])
    ensemble = published(random_weights(5, 3, 2, 2), scales, noise=False)
    assert not ensemble.every(np.rint(np.random.default_rng(1).normal(size=(3, 50)) * ONE))[:, 1].any()


@pytest.fixture(scope="module")
def learned() -> Weights:
    return trained(examples(2000, 1), key=Key.of(1))


@pytest.mark.slow
def test_networks_learn_what_is_left(learned: Weights) -> None:
    x = np.random.default_rng(9).uniform(-1.4, 1.4, size=(500, 3))
    truth = residuals(x)
    missed = np.square(learned.answers(x)[..., :2] - truth).mean(axis=(0, 1))
    assert (missed < 0.03 * truth.var(axis=0)).all()
    whole = np.square(exact(learned, x, SCALES) / 256 / SCALES - truth).mean(axis=(0, 1))
    assert np.allclose(whole, missed, rtol=0.02)


@pytest.mark.slow
def test_members_are_different(learned: Weights) -> None:
    x = np.random.default_rng(9).uniform(-1.4, 1.4, size=(100, 3))
    one, other = learned.answers(x)[..., :2]
    assert np.abs(one - other).max() > 0.01


@pytest.mark.slow
def test_noise_is_learned_beside(learned: Weights) -> None:
    x = np.random.default_rng(9).uniform(-1.4, 1.4, size=(500, 3))
    spread = np.exp2(learned.answers(x)[..., 2:])
    assert (spread < 0.3).mean() > 0.9


@pytest.mark.slow
def test_the_same_key_gives_the_same_networks() -> None:
    few = examples(300, 2)
    one, same = trained(few, key=Key.of(1)), trained(few, key=Key.of(1))
    other = trained(few, key=Key.of(2))
    assert all((a == b).all() for a, b in zip(one.weights, same.weights, strict=True))
    assert not (one.weights[0] == other.weights[0]).all()


@pytest.mark.slow
def test_going_on_begins_where_training_ended(learned: Weights) -> None:
    few = examples(150, 3)
    x = np.random.default_rng(9).uniform(-1.4, 1.4, size=(500, 3))

    def error(weights: Weights) -> float:
        return float(np.square(weights.answers(x)[..., :2] - residuals(x)).mean())

    assert error(trained(few, key=Key.of(1), effort=FURTHER, base=learned)) < 0.5 * error(trained(few, key=Key.of(1)))
