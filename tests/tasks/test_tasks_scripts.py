"""Script tasks: a batch is its rows one by one, and candidates side by side are themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worldtwin.errors import InvalidTask
from worldtwin.tasks import NO_ANSWER, Task, stack
from worldtwin.world import Category, Integer, Set, Space, Spec, real

SPEC = Spec(
    name="hall",
    state=Space(("place", "speed", "ways"), (Integer(low=-9, high=9), real(-1, 1), Set(("left", "right")))),
    action=Space(("go",), (Category(("left", "right", "stay")),)),
)
SOURCE = """
gain = param(2.0, low=-5.0, high=5.0)
memory = remember(sum=0.0)


def act(state, memory):
    memory.sum = memory.sum + gain * state.speed
    if memory.sum > 100 // (state.place + 9 + 1):
        return "right"
    return "left" if memory.sum < 0 else "stay"
"""
DIVIDES = (
    'gain = param(1, low=0, high=9)\n\n\ndef act(state):\n    return "right" if gain // state.place > 0 else "left"\n'
)


def rows(number: int, seed: int) -> np.ndarray:
    chance = np.random.default_rng(seed)
    return np.stack(
        [chance.integers(low, high + 1, number) for low, high in zip(SPEC.state.low, SPEC.state.high, strict=True)], 1
    )


@given(st.integers(0, 2**32 - 1), st.integers(17, 60))
def test_many_rows_act_as_each_of_them_alone(seed: int, number: int) -> None:
    task = Task.script(SOURCE, SPEC)
    states, memory = rows(number, seed), np.random.default_rng(seed).normal(0, 9, (number, 1))
    together, after = task.act_rows(states, memory, None)
    for row in range(number):
        alone, one = task.act_rows(states[[row]], memory[[row]], None)
        assert alone[0, 0] == together[row, 0]
        assert one[0, 0] == after[row, 0]


@given(st.integers(0, 2**32 - 1))
def test_candidates_side_by_side_act_as_each_of_them_alone(seed: int) -> None:
    task = Task.script(SOURCE, SPEC)
    states, memory, values = rows(30, seed), np.zeros((30, 1)), np.array([[-3.0], [0.5], [4.0]])
    candidate = np.arange(30) % 3
    together, after = stack(task, values).act_rows(states, memory, None, candidate)
    for number in range(3):
        mine = candidate == number
        alone, own = task.with_parameters(values[number]).act_rows(states[mine], memory[mine], None)
        assert np.array_equal(alone, together[mine])
        assert np.array_equal(own, after[mine])


def test_a_candidate_that_traps_or_does_the_impossible_gives_no_answer_and_the_others_go_on() -> None:
    task = Task.script(DIVIDES, SPEC)
    states = np.array([[0, 0, 0b11], [1, 0, 0b11], [1, 0, 0b01]], dtype=np.int64)
    actions, _ = stack(task, np.array([[1.0]])).act_rows(
        states, np.zeros((3, 0)), SPEC_POSSIBLE.possible_actions(states)
    )
    assert actions[:, 0].tolist() == [NO_ANSWER, 1, NO_ANSWER]


def test_a_task_that_traps_is_refused_with_its_line() -> None:
    task = Task.script(DIVIDES, SPEC)
    with pytest.raises(InvalidTask, match=r"line 5: .*zero"):
        task.act_rows(np.zeros((40, 3), dtype=np.int64), np.zeros((40, 0)), None)


SPEC_POSSIBLE = Spec(name="hall", state=SPEC.state, action=SPEC.action, possible="ways")


def test_the_knobs_of_a_script_are_its_values_as_its_function_takes_them() -> None:
    source = "few = param([1, 2], low=0, high=9)\ngain = param(2, low=0, high=9)\nshare = param(0.5)\n\n\n"
    source += 'def act(state):\n    return "right" if share * gain * few[1] > state.speed else "left"\n'
    task = Task.script(source, SPEC).with_parameters([3, 4, 5, 0.25])

    assert task.knobs == {"few": (3, 4), "gain": 5, "share": 0.25}
    assert type(task.knobs["gain"]) is int


def test_a_network_has_no_knobs() -> None:
    assert Task.network(SPEC, hidden=(), key=1).knobs == {}
