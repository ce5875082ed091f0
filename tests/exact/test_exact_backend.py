"""The loop over time."""

from __future__ import annotations

import numpy as np

from worldtwin.exact import NumpyBackend


def test_a_scan_steps_in_order_until_it_is_done() -> None:
    backend = NumpyBackend()
    left, outputs = backend.scan(lambda carry, t: (carry - 1, t), 3, 10, lambda carry: carry == 0)

    assert (left, outputs) == (0, [0, 1, 2])
    assert backend.arrays is np


def test_a_scan_ends_after_its_length() -> None:
    assert NumpyBackend().scan(lambda carry, t: (carry + t, None), 0, 4, lambda _: False) == (6, [None] * 4)
