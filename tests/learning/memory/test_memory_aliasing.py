"""Whether the fields are all that matters: no false alarm, and no hidden state overlooked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import worldtwin as wt
from worldtwin.learning.memory import Aliasing, Course, aliasing, memory_report
from worldtwin.learning.memory.evidence import evidence, rejected
from worldtwin.world import Category, Space, Spec, Transitions, real


def found_in(spec: Spec, rows: Transitions, _: object = None) -> Aliasing:
    return aliasing(Course.of(spec, rows), beyond=spec.history)


def test_worlds_without_hidden_state_raise_no_alarm(chances: Callable) -> None:
    sizes = np.random.default_rng(1)
    alarms = [
        found_in(*chances(states, states, int(sizes.integers(300, 3000)), seed)).rejected
        for seed, states in enumerate(sizes.integers(4, 40, size=40).tolist())
    ]

    assert alarms == [0] * 40


@pytest.mark.slow
def test_a_hundred_worlds_without_hidden_state_raise_no_alarm(chances: Callable) -> None:
    sizes = np.random.default_rng(2)
    worlds = [(int(sizes.integers(4, 40)), int(sizes.integers(300, 6000))) for _ in range(100)]

    assert [found_in(*chances(n, n, count, 100 + i)).rejected for i, (n, count) in enumerate(worlds)] == [0] * 100


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(1, 200))
@settings(max_examples=100, deadline=None)
def test_an_e_value_is_what_the_bet_pays_step_by_step(seed: int, kinds: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    histories, results = chance.integers(3, size=count), chance.integers(kinds, size=count)
    seen = np.unique(results)
    paid, counts = 0.0, {}
    for history, result in zip(histories.tolist(), results.tolist(), strict=True):
        past = counts.setdefault(history, dict.fromkeys(seen.tolist(), 0.5))
        paid += np.log(past[result] / sum(past.values()))
        past[result] += 1
    whole = sum(np.log(np.mean(results == result)) for result in results)

    log = evidence(np.zeros(count, dtype=np.int64), histories, results, 1).logs[0]

    assert log == pytest.approx(paid - whole, abs=1e-8 * (1 + count))  # sums of `count` logarithms


def test_many_rows_need_more_evidence_each() -> None:
    logs = np.log([1e5, 250.0, 1.0, 150.0])

    assert rejected(logs).tolist() == [0, 1, 3]  # 4 / 0.03 = 133: three reach what three need
    assert rejected(np.append(logs, np.zeros(996))).tolist() == [0]
    assert rejected(np.log([99.0])).tolist() == []


@pytest.mark.parametrize(
    ("world", "size", "least"),
    [("maze", (6, 300), 7), ("chances", (50, 10, 3000), 7), ("coffee", (3000,), 7), ("lock", (3000,), 10)],
)
def test_hidden_state_is_found(request: pytest.FixtureRequest, world: str, size: tuple[int, ...], least: int) -> None:
    make = request.getfixturevalue(world)

    alarms = [found_in(*make(*size, seed)).rejected > 0 for seed in range(10)]

    assert sum(alarms) >= least  # of 10 recordings this short


def test_a_start_and_a_gap_are_never_looked_across(lock: Callable) -> None:
    spec, rows, _ = lock(20_000, 1)
    alone = replace(rows, steps=rows.steps * 2)

    assert found_in(spec, rows).rejected > 0
    assert found_in(spec, alone) == Aliasing(tested=0, rejected=0, lag=0, clearest=())


def test_a_history_that_says_all_is_enough(coffee: Callable) -> None:
    spec, rows, path = coffee(20_000, 3)
    told = replace(rows, states=path[:, :1], nexts=path[:, 1:])
    open_spec = Spec(name="coffee", state=Space(("inside",), (Category(tuple("abcdef")),)), action=spec.action)

    assert found_in(spec, rows).rejected > 0
    assert found_in(open_spec, told).rejected == 0


def test_the_order_of_equal_episodes_changes_nothing(lock: Callable) -> None:
    spec, rows, _ = lock(6000, 2)
    other = np.argsort(-rows.episodes, kind="stable")

    one, two = found_in(spec, rows), found_in(spec, rows.select(other))

    assert (one.tested, one.rejected, one.lag) == (two.tested, two.rejected, two.lag)
    assert one.clearest[0].bits == pytest.approx(two.clearest[0].bits)


def test_people_are_told_what_still_matters(coffee: Callable) -> None:
    spec, rows, _ = coffee(10_000, 1)

    report = memory_report(spec, rows, np.zeros(len(rows), dtype=np.bool_))

    button_after_two = (rows.states[:, 0] == 0) & (rows.actions[:, 0] == 2) & (rows.steps >= 2)
    assert report.text == (
        "coffee is not predictable from these fields alone: after (ok, button) the `move` 2 steps before still matters "
        f"(e-value 2^{report.bits:.0f}, {report.rows} rows)"
    )
    assert (report.lag, report.field, report.rows) == (2, "move", button_after_two.sum())
    assert report.bits > 20
    assert " rows where it was clean" in report.example or report.example.endswith("where it was clean")
    assert report.advice == (
        "latent: auto found a machine of 6 states that explains it (held-out loss 0.024 → 0.0014 nats); "
        "add `latent: auto` to accept"
    )


def test_worlds_with_real_numbers_are_not_tested() -> None:
    spec = Spec(name="cart", state=Space(("x",), (real(-1, 1),)), action=Space(("push",), (Category(("a",)),)))

    report = memory_report(spec, Transitions.empty(spec), np.zeros(0, dtype=np.bool_))

    assert report.tested == 0
    assert report.text == "not tested for hidden state: `x` has no equal values to compare"


def test_a_fit_says_so_once(maze: Callable, chances: Callable) -> None:
    spec, rows, _ = maze(6, 3000, 1)
    plain, seen, _ = chances(10, 10, 3000, 1)

    hidden, open_world = wt.fit(spec, rows, key=1).report, wt.fit(plain, seen, key=1).report

    assert hidden is not None
    assert open_world is not None
    assert hidden.memory.rejected > 0
    assert hidden.memory.bits > 20
    assert open_world.memory.rejected == 0
    assert open_world.memory.text == "no past step still matters"
