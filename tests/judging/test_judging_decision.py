"""The rule of one look: what differs decides, with evidence; what is safe to refuse is refused early."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from worldtwin.judging.decision import Order, Rule, decide_at_look, decide_exactly, first_that_differs

WIDTH = 1_000
MARGIN = 10


def rule(later: Order = Order.EQUAL, *, margin: int = MARGIN) -> Rule:
    return Rule(width=WIDTH, margin=margin, bits=20, later=later)


def test_a_clearly_higher_return_is_better_with_twenty_bits() -> None:
    look = decide_at_look(np.full(256, 200), rule())

    assert (look.order, look.by) == (Order.BETTER, "return")
    assert look.bits >= 20


def test_a_small_gain_needs_more_looks() -> None:
    gains = np.full(4096, 12)

    assert decide_at_look(gains[:256], rule()).order is None
    assert decide_at_look(gains, rule()).order is Order.BETTER


def test_a_lower_return_is_worse_even_with_less_fuel() -> None:
    assert decide_at_look(np.full(256, -200), rule(Order.BETTER)).order is Order.WORSE


def test_less_fuel_at_equal_returns_is_better_from_the_look_at_2048() -> None:
    same = np.zeros(2048, dtype=np.int64)

    assert decide_at_look(same[:1024], rule(Order.BETTER)).order is None
    look = decide_at_look(same, rule(Order.BETTER))
    assert (look.order, look.by) == (Order.BETTER, "later")


@pytest.mark.parametrize("later", [Order.EQUAL, Order.WORSE])
def test_equal_returns_with_nothing_else_to_gain_end_without_an_acceptance(later: Order) -> None:
    assert decide_at_look(np.zeros(1024, dtype=np.int64), rule(later)).order is later


@given(some.lists(some.integers(-WIDTH, WIDTH), min_size=1, max_size=50), some.sampled_from(Order))
def test_enumeration_decides_by_the_exact_mean(differences: list[int], later: Order) -> None:
    mean = sum(differences) / len(differences)
    expected = Order.BETTER if mean > MARGIN else Order.WORSE if mean < -MARGIN else later

    assert decide_exactly(np.array(differences), rule(later)).order is expected


@given(some.lists(some.integers(-WIDTH, WIDTH), min_size=1, max_size=100))
def test_few_episodes_never_suffice(differences: list[int]) -> None:
    """Twenty bits take at least log2(11 * 2^20) = 24 episodes won in full."""
    if len(differences) < 24:
        assert decide_at_look(np.array(differences), rule(Order.BETTER)).order is not Order.BETTER


@pytest.mark.slow
def test_a_worse_task_is_never_accepted_at_any_look() -> None:
    """A steamroller and a fair coin, looked at again and again, with and without less fuel to tempt."""
    rng = np.random.default_rng(1)
    accepted = 0
    for trial in range(150):
        rare = np.where(rng.random(1024) < 0.012, -900, 10)
        noise = rng.choice([-300, 300], size=1024) - MARGIN - 1
        for sample, later in ((rare, Order.EQUAL), (noise, Order.BETTER if trial % 2 else Order.EQUAL)):
            accepted += any(decide_at_look(sample[:n], rule(later)).order is Order.BETTER for n in (256, 512, 1024))
    assert accepted == 0


def test_the_first_item_that_differs_is_found() -> None:
    orders = [("cases", Order.EQUAL), ("fuel", Order.WORSE), ("return", Order.BETTER)]

    assert first_that_differs(orders) == ("fuel", Order.WORSE)
    assert first_that_differs([]) == ("", Order.EQUAL)
