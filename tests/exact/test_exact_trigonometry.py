"""Sine and cosine of lattice angles."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from worldtwin.exact.trigonometry import cosine, sine, sine_table

TURN = 1 << 24
ONE = 1 << 24


@given(some.integers(-(1 << 40), 1 << 40))
def test_a_line_between_two_entries_is_within_three_tenmillionths(turns: int) -> None:
    angle = 2 * math.pi * (turns % TURN) / TURN
    found = np.array([turns])

    assert abs(sine(found)[0] / ONE - math.sin(angle)) < 3.5e-7
    assert abs(cosine(found)[0] / ONE - math.cos(angle)) < 3.5e-7


@given(some.integers(-(1 << 40), 1 << 40))
def test_whole_turns_change_nothing(turns: int) -> None:
    assert sine(np.array([turns]))[0] == sine(np.array([turns + TURN]))[0]


def test_the_table_is_the_nearest_whole_number_at_every_entry() -> None:
    values, slopes = sine_table()
    exact = [round(math.sin(2 * math.pi * step / 4096) * ONE) for step in range(4096)]

    assert np.abs(values - np.array(exact)).max() == 0
    assert (values + slopes == np.roll(values, -1)).all()


def test_quarters_are_exact() -> None:
    quarters = np.arange(4) * (TURN // 4)

    assert sine(quarters).tolist() == [0, ONE, 0, -ONE]
    assert cosine(quarters).tolist() == [ONE, 0, -ONE, 0]
