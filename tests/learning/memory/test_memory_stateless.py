"""Whether the action alone decides: said only when nothing speaks against it and nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest
from measured_rows import episodes_of

import worldtwin as wt
from worldtwin.learning.memory import Course, looks_stateless
from worldtwin.world import Integer, Space, Spec, Transitions


def answers(count: int, seed: int, *, copied: float) -> tuple[Spec, Transitions]:
    """Eight answers to four questions; to one of them the last answer is repeated now and then."""
    chance = np.random.default_rng(seed)
    ends = np.cumsum(chance.dirichlet(np.ones(8), size=4), axis=1)
    asked = chance.integers(4, size=count)
    fresh = np.minimum((chance.random(count)[:, None] > ends[asked]).sum(axis=1), 7)
    repeats = (asked == 0) & (chance.random(count) < copied)
    said = np.zeros(count + 1, dtype=np.int64)
    for t in range(count):
        said[t + 1] = said[t] if repeats[t] else fresh[t]
    spec = Spec(
        name="answers",
        state=Space(("said",), (Integer(low=0, high=7),)),
        action=Space(("asked",), (Integer(low=0, high=3),)),
    )
    return spec, episodes_of(said[:-1, None], asked[:, None], said[1:, None], length=count)


def says_so(count: int, seed: int, *, copied: float) -> bool:
    spec, rows = answers(count, seed, copied=copied)
    return looks_stateless(Course.of(spec, rows), np.arange(count) // 50 % 7 == 0)


def test_what_depends_on_the_action_alone_is_called_stateless() -> None:
    assert sum(says_so(3000, seed, copied=0.0) for seed in range(10)) >= 9


def test_one_action_that_repeats_the_state_is_enough_to_say_nothing() -> None:
    assert [says_so(3000, seed, copied=0.3) for seed in range(10)] == [False] * 10


def test_little_data_say_nothing() -> None:
    assert not says_so(300, 1, copied=0.0)


def test_nothing_is_said_without_rows_to_judge_by() -> None:
    spec, rows = answers(3000, 1, copied=0.0)

    assert not looks_stateless(Course.of(spec, rows), np.zeros(3000, dtype=np.bool_))


@pytest.mark.parametrize(("copied", "said"), [(0.0, True), (0.3, False)])
def test_a_fit_says_what_it_found(copied: float, said: bool) -> None:  # noqa: FBT001 - what the case expects
    report = wt.fit(*answers(4000, 1, copied=copied), key=1).report

    assert report is not None
    assert report.memory.stateless is said
    assert ("the action alone" in report.memory.text) is said
