"""Cases: who drives, where from, how many must pass, and what the verdict says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from worldtwin.errors import InvalidSpec
from worldtwin.exact import Key
from worldtwin.judging import Case, ask_each, judge
from worldtwin.judging.start import case_starts
from worldtwin.simulation import Simulator
from worldtwin.tasks import Task, stack
from worldtwin.world import Angle, Category, Set, Space, Spec, StartRange, StartValues, real

COMPASS = Spec(
    name="compass",
    state=Space(
        ("heading", "speed", "gear", "doors"),
        (Angle(), real(0.0, 4.0), Category(("park", "drive")), Set(("left", "right"))),
    ),
    action=Space(("turn",), (Category(("left", "right")),)),
    start={
        "heading": StartValues((0,)),
        "speed": StartRange(0, 100),
        "gear": StartValues((1,)),
        "doors": StartValues((0,)),
    },
)


def right(simulator: Simulator) -> Task:
    cells = np.arange(8)[:, None]
    return Task.table(simulator.spec, cells, np.ones_like(cells))


def test_a_task_that_does_what_is_asked_passes(corridor: Simulator) -> None:
    cases = (
        Case(name="out", check="steps <= 7 and final.cell == 7", episodes=16),
        Case(name="from the left", check="ret == -7 and low.cell == 0 and high.cell == 7", start={"cell": 0}),
    )

    verdict = judge(right(corridor), corridor, cases, key=1)

    assert verdict.passed
    assert [answer.satisfied for answer in verdict.answers] == [16, 1]
    assert verdict.text.startswith("2 of 2 required cases passed, 0 of 0 goals reached")


def test_the_first_episode_that_fails_is_shown(corridor: Simulator) -> None:
    near = Case(name="near", check="steps < 4", start={"cell": (0, 6)}, episodes=64, needed=60)

    (answer,) = judge(right(corridor), corridor, (near,), key=1).answers

    assert not answer.passed
    assert 0 < answer.satisfied < 60
    assert answer.counterexample is not None
    assert answer.counterexample["cell"] in range(4)
    assert "first failure from cell=" in answer.text
    assert "60 needed" in answer.text


def test_a_goal_that_is_missed_does_not_fail_the_verdict(corridor: Simulator) -> None:
    verdict = judge(right(corridor), corridor, (Case(name="fly", check="steps < 0", kind="goal"),), key=1)

    assert verdict.passed
    assert verdict.failures == ()


def test_listed_actions_pin_the_simulator(corridor: Simulator) -> None:
    case = Case(
        name="wall", check="final.cell == 1 and steps == 3", start={"cell": 0}, driver=("left", "left", "right")
    )

    assert judge(right(corridor), corridor, (case,), key=1).passed


def test_what_the_simulator_does_not_know_is_not_passed(corridor: Simulator) -> None:
    case = Case(name="beyond", check="True", start={"cell": 7}, horizon=1)

    (answer,) = judge(right(corridor), corridor, (case,), key=1).answers

    assert (answer.passed, answer.unknown) == (False, 1)
    assert "left what the simulator knows" in answer.text


def test_a_check_that_cannot_be_computed_is_not_passed(corridor: Simulator) -> None:
    (answer,) = judge(right(corridor), corridor, (Case(name="zero", check="1 / (steps - steps) > 0"),), key=1).answers

    assert (answer.passed, answer.trapped) == (False, 1)


def test_the_same_key_gives_the_same_verdict(bandit: Simulator) -> None:
    task = Task.table(bandit.spec, np.zeros((1, 1), dtype=np.int64), np.ones((1, 1), dtype=np.int64))
    rich = (Case(name="rich", check="ret > 5", episodes=64, needed=1),)

    assert judge(task, bandit, rich, key=1) == judge(task, bandit, rich, key=1)
    assert judge(task, bandit, rich, key=1) != judge(task, bandit, rich, key=2)


def test_another_case_does_not_change_an_answer(bandit: Simulator) -> None:
    task = Task.table(bandit.spec, np.zeros((1, 1), dtype=np.int64), np.ones((1, 1), dtype=np.int64))
    rich, poor = (
        Case(name=name, check=check, episodes=64) for name, check in (("rich", "ret > 5"), ("poor", "ret < 5"))
    )

    assert judge(task, bandit, (poor, rich), key=1).answers[1] == judge(task, bandit, (rich,), key=1).answers[0]


def test_candidates_are_asked_side_by_side(corridor: Simulator) -> None:
    """One candidate always goes left, two go right: the biases of a linear network decide."""
    case = Case(name="out", check="final.cell == 7", episodes=5)
    task = Task.network(corridor, hidden=(), key=1)
    left, right = np.array([0.0, -1.0]), np.array([0.0, 1.0])

    asked = ask_each(case, stack(task, np.stack([left, right, right])), corridor, candidates=3, key=Key.of(1))

    assert asked.satisfied.shape == (3, 5)
    assert asked.satisfied.sum(axis=1).tolist() == [0, 5, 5]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (Case(name="a", check="True", start={"cel": 1}), "cases.a.start.cel: unknown field `cel`: did you mean `cell`"),
        (Case(name="a", check="True", start={"cell": 99}), "cases.a.start.cell: 99 is not a whole number"),
        (Case(name="a", check="True", start={"cell": (5, 2)}), "cases.a.start.cell: the range is reversed"),
        (Case(name="a", check="True", driver=("up",)), r"cases.a.driver\[0\]: move: `up` is not one of its values"),
    ],
)
def test_a_case_of_another_world_is_refused(corridor: Simulator, case: Case, message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        judge(right(corridor), corridor, (case,), key=1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "a case needs a name"),
        ({"check": " "}, "a case needs a check"),
        ({"episodes": 0}, "0 is not between 1 and 1,000,000"),
        ({"episodes": 10**12}, "is not between 1 and 1,000,000"),
        ({"horizon": 10**13}, "is not between 1 and 10,000,000"),
        ({"episodes": 4, "needed": 5}, "5 is not between 1 and the 4 episodes"),
        ({"horizon": 0}, "horizon: 0"),
        ({"driver": ()}, "an empty list of actions"),
    ],
)
def test_a_case_that_makes_no_sense_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        Case(**{"name": "a", "check": "True", **fields})


@given(some.integers(0, 2**63), some.floats(0.0, 2.0), some.floats(2.0, 4.0))
def test_starts_stay_within_what_the_case_says(key: int, low: float, high: float) -> None:
    case = Case(
        name="any",
        check="True",
        start={"speed": (low, high), "heading": (3.0, -3.0), "gear": ("park", "drive"), "doors": ("left",)},
    )

    rows = case_starts(case, Simulator(COMPASS), Key.of(key).episodes(np.arange(32)))

    seen = COMPASS.state.columns(rows)
    step = 2.0**-20
    assert ((seen["speed"] >= low - step) & (seen["speed"] <= high + step)).all()
    assert (np.abs(seen["heading"]) >= 3.0 - 1e-6).all()
    assert set(seen["gear"]) <= {0, 1}
    assert (seen["doors"] == 1).all()


def test_fields_that_a_case_leaves_out_start_as_the_spec_says() -> None:
    rows = case_starts(
        Case(name="any", check="True", start={"gear": "park"}), Simulator(COMPASS), Key.of(1).episodes(np.arange(64))
    )

    assert (rows[:, 2] == 0).all()
    assert rows[:, 1].max() <= 100
    assert len(np.unique(rows[:, 1])) > 10


def test_a_whole_turn_of_starts_is_the_whole_circle() -> None:
    state = Space(("angle",), (Angle(),))
    spec = Spec(
        name="dial", state=state, action=Space(("go",), (Category(("on",)),)), start={"angle": StartValues((0,))}
    )
    case = Case(name="round", check="ret == 0", start={"angle": (-math.pi, math.pi)}, episodes=64)
    starts = case_starts(case, Simulator(spec), Key.of(1).episodes(np.arange(64)))[:, 0]
    assert starts.min() < -(2**22)
    assert starts.max() > 2**22
