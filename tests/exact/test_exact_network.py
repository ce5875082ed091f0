"""The network engine against 64-bit integers, and what it refuses."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from worldtwin.errors import InvalidTask
from worldtwin.exact.matrix import multiply
from worldtwin.exact.network import INPUT_LIMIT, Carried, Layer, evaluate, evaluate_stacked, require_exact, stack
from worldtwin.exact.rounding import round_shift

CLIP = 8 << 12


def network(seed: int, sizes: tuple[int, ...] = (5, 8, 3), shift: int = 12) -> tuple[Layer, ...]:
    chance = np.random.default_rng(seed)
    return tuple(
        Layer(
            weights=chance.integers(-(1 << 15), 1 << 15, size=(before, after)),
            bias=chance.integers(-(1 << 24), 1 << 24, size=after),
            shift=shift,
            clip=CLIP if number < len(sizes) - 2 else 0,
        )
        for number, (before, after) in enumerate(itertools.pairwise(sizes))
    )


def oracle(layers: tuple[Layer, ...], inputs: np.ndarray) -> np.ndarray:
    values = np.clip(inputs, -INPUT_LIMIT, INPUT_LIMIT)
    for layer in layers:
        values = round_shift(values @ layer.weights + layer.bias, layer.shift)
        values = np.clip(values, 0, layer.clip) if layer.clip else values
    return values


@given(some.integers(0, 10_000), some.sampled_from([0, 1, 12, 15]))
def test_float64_gives_the_bits_of_64_bit_integers(seed: int, shift: int) -> None:
    layers = network(seed, shift=shift)
    inputs = np.random.default_rng(seed + 1).integers(-(1 << 17), 1 << 17, size=(9, 5))
    require_exact(layers)

    assert (evaluate(layers, inputs) == oracle(layers, inputs)).all()


@given(some.lists(some.integers(0, 3), max_size=30) | some.integers(20, 60).map(lambda n: [0, 1, 2, *[3] * n, 1]))
def test_a_stack_gives_each_row_its_own_network(candidates: list[int]) -> None:
    networks = [network(seed, shift=10 + seed) for seed in range(4)]
    inputs = np.random.default_rng(5).integers(-(1 << 14), 1 << 14, size=(len(candidates), 5))
    found = evaluate_stacked(
        [Carried.of(layer) for layer in stack(networks)], inputs, np.array(candidates, dtype=np.int64)
    )

    for row, candidate in enumerate(candidates):
        assert (found[row] == evaluate(networks[candidate], inputs[row : row + 1])[0]).all()


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ((), "0 layers"),
        ((*network(1), *network(1)), "do not fit 3 inputs"),
        (network(1, shift=41), "out of range"),
        ((Layer(weights=np.full((2, 1), 1 << 15), bias=np.zeros(1, dtype=np.int64), shift=0),), "16 bits"),
        ((Layer(weights=np.ones((2, 1), dtype=np.int64), bias=np.full(1, 1 << 53), shift=0),), "2\\^53"),
        ((Layer(weights=np.ones((2, 1)), bias=np.zeros(1, dtype=np.int64), shift=0),), "whole numbers"),
        ((Layer(weights=np.ones(2, dtype=np.int64), bias=np.zeros(1, dtype=np.int64), shift=0),), "do not fit"),
        ((Layer(weights=np.ones((1, 4097), dtype=np.int64), bias=np.zeros(4097, dtype=np.int64), shift=0),), "wide"),
    ],
)
def test_layers_that_might_not_be_exact_are_refused(layers: tuple[Layer, ...], reason: str) -> None:
    with pytest.raises(InvalidTask, match=reason):
        require_exact(layers)


@pytest.mark.parametrize("shape", [(20, 84, 5000), (5000, 84, 20), (3, 4, 5), (2, 70_000, 3)])
def test_pieces_of_a_product_are_the_product(shape: tuple[int, int, int]) -> None:
    m, k, n = shape
    chance = np.random.default_rng(1)
    left, right = chance.integers(-99, 99, size=(m, k)), chance.integers(-99, 99, size=(k, n))

    assert (multiply(left.astype(np.float64), right.astype(np.float64)) == left @ right).all()


def test_stacks_of_products_are_cut_into_pieces_too() -> None:
    chance = np.random.default_rng(2)
    left, right = chance.integers(-9, 9, size=(3, 2000, 40)), chance.integers(-9, 9, size=(3, 40, 30))

    assert (multiply(left.astype(np.float64), right.astype(np.float64)) == left @ right).all()
