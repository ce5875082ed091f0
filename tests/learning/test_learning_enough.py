"""Whether a discrete world was counted often enough."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, t

from worldtwin.exact import Key
from worldtwin.learning.enough import PRIOR, SPLITS, Steps, gain_of_doubling, half_width
from worldtwin.learning.holdout import chance

COUNTS = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 500)), min_size=1, max_size=30)


@given(COUNTS)
def test_a_half_width_is_that_of_the_posterior_averaged_over_visits(edges: list[tuple[int, int]]) -> None:
    totals = Counter[int]()
    for row, seen in edges:
        totals[row] += seen
    widths = [np.diff(beta.interval(0.95, seen + 0.5, totals[row] - seen + 0.5))[0] / 2 for row, seen in edges]

    found = half_width(*(np.array(column) for column in zip(*edges, strict=True)))

    assert found == pytest.approx(np.average(widths, weights=[seen for _, seen in edges]), rel=1e-6)


@given(COUNTS)
def test_four_times_the_counts_are_about_half_as_wide(edges: list[tuple[int, int]]) -> None:
    rows, seen = (np.array(column) for column in zip(*edges, strict=True))

    assert half_width(rows, 4 * seen) < 0.71 * half_width(rows, seen)


def steps_of(seed: int, episodes: int, length: int, rows: int) -> Steps:
    """Rows asked at random, each with three outcomes of its own."""
    numbers = np.random.default_rng(seed)
    asked = numbers.integers(rows, size=episodes * length)
    outcome = (asked + numbers.integers(3, size=len(asked))) % 5
    return Steps(asked=asked, events=asked * 5 + outcome, episodes=np.repeat(np.arange(episodes), length), outcomes=5)


def told_one_by_one(steps: Steps, key: Key) -> float:
    """The same bound, episode by episode, with nothing but counters."""
    count = int(steps.episodes.max()) + 1
    told = [
        list(zip(steps.asked[at], steps.events[at], strict=True))
        for at in (steps.episodes == np.arange(count)[:, None])
    ]
    orders = [chance(key.child("halves", split)).permutation(count) < count // 2 for split in range(SPLITS)]

    def loss(episode: int, teachers: list[int]) -> float:
        asked = Counter(row for other in teachers for row, _ in told[other])
        seen = Counter(event for other in teachers for _, event in told[other])
        chances = [(seen[event] + PRIOR / steps.outcomes) / (asked[row] + PRIOR) for row, event in told[episode]]
        return -sum(map(math.log, chances)) / len(chances)

    gains = [
        np.mean([loss(each, [other for other in range(count) if first[other] != first[each]]) for first in orders])
        - loss(each, [other for other in range(count) if other != each])
        for each in range(count)
    ]
    return float(np.mean(gains) + t.ppf(0.95, count - 1) * np.std(gains, ddof=1) / math.sqrt(count))


@given(st.integers(0, 10_000), st.integers(10, 14))
def test_a_gain_is_that_of_counting_one_by_one(seed: int, episodes: int) -> None:
    steps, key = steps_of(seed, episodes, 6, 8), Key.of(seed)

    assert gain_of_doubling(steps, key) == pytest.approx(told_one_by_one(steps, key))


def test_fewer_than_ten_episodes_have_no_gain() -> None:
    assert gain_of_doubling(steps_of(1, 9, 50, 8), Key.of(1)) is None


def test_the_more_was_seen_the_less_is_gained() -> None:
    gains = [gain_of_doubling(steps_of(1, episodes, 50, 40), Key.of(1)) for episodes in (20, 80, 320, 1280)]

    assert all(later < earlier / 2 for earlier, later in itertools.pairwise(gains))
    assert gains[-1] < 0.005 < gains[1]
