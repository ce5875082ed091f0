"""Table, script and local tasks; memory; worlds that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

import worldtwin as wt
from worldtwin.errors import InvalidTask, InvalidValue
from worldtwin.tasks import LocalTask, Task
from worldtwin.world import Category, Integer, Set, Space, Spec, State, real

MAZE = Spec(
    name="maze",
    state=Space(("place", "exits"), (Category(("a", "b", "c")), Set(("n", "e")))),
    action=Space(("way",), (Category(("n", "e")),)),
    possible="exits",
)
CART = Spec(
    name="cart",
    state=Space(("position", "floor"), (real(-4.8, 4.8), Integer(low=0, high=9))),
    action=Space(("push",), (real(-1.0, 1.0, unit="N"),)),
)
SUMMING = """
gain = param(0.5, low=-1, high=1)
memory = remember(total=0.0)

def act(state, memory):
    memory.total = memory.total + state.position
    return gain * min(max(memory.total, -1.0), 1.0)
"""


def test_a_table_takes_its_rule_and_elsewhere_the_first_possible_action() -> None:
    task = Task.table(MAZE).with_rule({"place": "a", "exits": {"n", "e"}}, "e")

    assert task.act({"place": "a", "exits": {"n", "e"}})[0].way == "e"
    assert task.act({"place": "b", "exits": {"n", "e"}})[0].way == "n"
    assert task.act({"place": "b", "exits": {"e"}})[0].way == "e"


def test_a_later_rule_for_the_same_state_counts() -> None:
    state = {"place": "a", "exits": {"n", "e"}}

    task = Task.table(MAZE).with_rule(state, "e").with_rule(state, "n")

    assert task.act(state)[0].way == "n"


def test_a_table_has_no_parameters() -> None:
    assert len(Task.table(MAZE).parameters()) == 0
    with pytest.raises(InvalidTask, match="the table has 0"):
        Task.table(MAZE).with_parameters([1.0])


def test_a_script_remembers_within_an_episode() -> None:
    task = Task.script(SUMMING, CART)
    state = {"position": 0.5, "floor": 1}

    first, memory = task.act(state)
    second, memory = task.act(state, memory)

    assert (first.push, second.push) == (0.25, 0.5)
    assert memory == (1.0,)
    assert task.memory_width == 1


def test_rows_of_a_script_are_its_states_one_by_one() -> None:
    task = Task.script(SUMMING, CART)
    states = np.array([CART.state.encode({"position": p, "floor": 0}) for p in (-1.0, 0.25, 2.0)])

    actions, memory = task.act_rows(states, task.start_memory(3), None)

    assert [CART.action.decode(tuple(row)).push for row in actions.tolist()] == [-0.5, 0.125, 0.5]
    assert memory[:, 0].tolist() == [-1.0, 0.25, 2.0]


def test_an_action_outside_of_its_range_is_one_clear_sentence() -> None:
    task = Task.script("def act(state, memory):\n    return 3.0 * state.position\n", CART)

    with pytest.raises(InvalidTask, match=r"push: 3.0 is outside of \[-1, 1\] N"):
        task.act({"position": 1.0, "floor": 1})


def test_an_impossible_choice_names_the_possible_ones() -> None:
    task = LocalTask(lambda state: "n", MAZE)  # noqa: ARG005
    states = np.array([MAZE.state.encode({"place": "a", "exits": {"e"}})])

    with pytest.raises(InvalidTask, match="chose `n`, which is not possible here: e are"):
        task.act_rows(states, task.start_memory(1), MAZE.possible_actions(states))


def test_a_local_task_takes_the_state_or_its_fields() -> None:
    def by_state(state: State) -> float:
        return float(state["position"]) / 5  # pyright: ignore[reportArgumentType]

    def by_fields(position: float, gain: float = wt.param(0.2, low=0.0, high=1.0)) -> float:
        return gain * position

    state = {"position": 1.0, "floor": 3}
    tuned = LocalTask(by_fields, CART)

    assert LocalTask(by_state, CART).act(state)[0].push == tuned.act(state)[0].push
    assert tuned.with_parameters([0.5]).act(state)[0].push == 0.5
    assert tuned.parameters().high.tolist() == [1.0]
    with pytest.raises(InvalidTask, match=r"2 is outside of \[0, 1\]"):
        tuned.with_parameters([2.0])


def test_a_local_task_with_memory_returns_both() -> None:
    task = LocalTask(lambda state, memory: (0.0, (memory[0] + state.floor,)), CART, memory=(1.0,))

    _, memory = task.act({"position": 0.0, "floor": 4})
    _, memory = task.act({"position": 0.0, "floor": 4}, memory)

    assert memory == (9.0,)
    with pytest.raises(InvalidTask, match="return action, memory"):
        LocalTask(lambda state, memory: 0.0, CART, memory=(1.0,)).act({"position": 0.0, "floor": 4})  # noqa: ARG005


OTHERS = {
    "position": Space(("position", "floor"), (real(-4.8, 4.8, unit="ft"), Integer(low=0, high=9))),
    "floor": Space(("position",), (real(-4.8, 4.8),)),
    "speed": Space(("position", "floor", "speed"), (*CART.state.fields, real(0, 1))),
}


@pytest.mark.parametrize("field", OTHERS)
def test_a_world_with_other_fields_is_refused_by_the_name_of_the_field(field: str) -> None:
    task = Task.network(CART, hidden=(), key=1)
    other = Spec(name="other", state=OTHERS[field], action=CART.action)

    with pytest.raises(InvalidTask, match=f"`{field}`"):
        task.require_fit(other)


def test_a_state_of_another_world_is_refused_by_the_name_of_the_field() -> None:
    with pytest.raises(InvalidValue, match="missing field floor"):
        Task.network(CART, hidden=(), key=1).act({"position": 1.0})


def test_unknown_observed_fields_are_named_with_the_nearest_known() -> None:
    with pytest.raises(InvalidTask, match="`positon`, which the state does not have: did you mean `position`"):
        Task.network(CART, key=1, observes="positon")
