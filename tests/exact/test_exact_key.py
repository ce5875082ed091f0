"""`Key`: the known answers, and the laws of its children."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worldtwin.errors import InvalidValue
from worldtwin.exact.key import Key, below, draw, threefry, threefry_word
from worldtwin.exact.rounding import round_shift

# Random123 1.14, tests/kat_vectors: threefry2x32 20
KNOWN = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("key", "counter", "expected"), KNOWN)
def test_threefry_gives_the_known_answers(
    key: tuple[int, int], counter: tuple[int, int], expected: tuple[int, int]
) -> None:
    words = [np.array([value], dtype=np.uint32) for value in (*key, *counter)]
    assert tuple(int(word[0]) for word in threefry(*words)) == expected
    assert threefry_word(*key, *counter) == expected


@given(st.integers(0, 2**64 - 1))
def test_children_differ_from_each_other_and_from_their_parent(seed: int) -> None:
    key = Key.of(seed)
    assert Key.of(key) == key
    assert len({key, key.child("a"), key.child("b"), key.child("a", 1), key.child("a", 1, 2)}) == 5


def test_an_episode_has_the_same_key_in_any_batch() -> None:
    key = Key.of(7)
    together = key.episodes(np.arange(100))
    assert np.array_equal(together[[3, 50]], key.episodes(np.array([3, 50])))
    assert np.array_equal(draw(together, 5, 0)[[3]], draw(together[[3]], 5, 0))


def test_draws_fill_the_range_evenly() -> None:
    numbers = below(draw(Key.of(1).episodes(np.arange(60_000)), 0, 0), 6)
    assert np.abs(np.bincount(numbers, minlength=6) - 10_000).max() < 500


@pytest.mark.parametrize("seed", [-1, 2**64, True, 1.5, "1"])
def test_a_key_that_is_no_number_of_64_bits_is_refused(seed: int) -> None:
    with pytest.raises(InvalidValue, match="whole number from 0"):
        Key.of(seed)


@given(st.integers(-(2**50), 2**50), st.integers(-8, 40))
def test_rounding_is_half_upwards_for_numbers_and_columns(value: int, shift: int) -> None:
    exact = math.floor(Fraction(value) / Fraction(2) ** shift + Fraction(1, 2))
    assert round_shift(value, shift) == exact
    assert round_shift(np.array([value]), shift).tolist() == [exact]
