"""Automata as tasks: plain data that remembers a node, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from worldtwin.errors import InvalidFile, InvalidTask
from worldtwin.tasks import Automaton, Task, decode_task, encode_task
from worldtwin.world import Category, Integer, Space, Spec

SPEC = Spec(
    name="bell",
    state=Space(("light", "level"), (Category(("red", "green")), Integer(low=0, high=3))),
    action=Space(("press",), (Category(("no", "yes")),)),
)


def press_at_the_second_green() -> Task:
    keys = [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0), (2, 0, 0), (2, 1, 0)]
    nodes, actions = [1, 2, 1, 2, 2, 0], [0, 0, 0, 0, 0, 1]
    return Task.automaton(SPEC, np.array(keys), np.array(actions)[:, None], np.array(nodes))


def parts(**changed: object) -> Automaton:
    whole: dict[str, object] = {
        "columns": (0, 1),
        "keys": np.array([[0, 0, 0], [1, 1, 0]]),
        "actions": np.array([[0], [1]]),
        "nodes": np.array([1, 0]),
        "otherwise": (0,),
    }
    return Automaton(**{**whole, **changed})


def test_it_counts_what_it_has_seen() -> None:
    task, memory = press_at_the_second_green(), None
    pressed = []
    for light in ("red", "green", "red", "green", "green", "green"):
        action, memory = task.act({"light": light, "level": 0}, memory)
        pressed.append(action.press)

    assert pressed == ["no", "no", "no", "yes", "no", "yes"]


@given(some.lists(some.tuples(some.integers(0, 1), some.integers(0, 3)), max_size=20))
def test_many_rows_act_as_each_alone(shown: list[tuple[int, int]]) -> None:
    task = press_at_the_second_green()
    memory, alone = task.start_memory(3), task.start_memory(1)
    for row in shown:
        actions, memory = task.act_rows(np.array([row] * 3), memory, None)
        action, alone = task.act_rows(np.array([row]), alone, None)
        assert (actions == action).all()
        assert (memory == alone).all()


@given(some.floats())
def test_whatever_it_is_said_to_remember_it_acts(node: float) -> None:
    task = press_at_the_second_green()

    action, after = task.act({"light": "green", "level": 0}, [node])

    assert action.press in {"no", "yes"}
    assert 0 <= after[0] < 3


def test_where_nothing_is_known_it_stays_lost() -> None:
    action, after = press_at_the_second_green().act({"light": "red", "level": 3}, [2.0])

    assert (action.press, after) == ("no", (1.0,))


def test_its_bytes_give_it_back() -> None:
    task = press_at_the_second_green()

    again = decode_task(encode_task(task))

    assert again.digest == task.digest
    assert again.start_memory(2).tolist() == [[0.0], [0.0]]
    assert len(again.parameters()) == 0
    assert again.with_parameters([]) is again


def test_it_has_no_rules_to_change() -> None:
    with pytest.raises(InvalidTask, match="only a table task has rules"):
        press_at_the_second_green().with_rule({"light": "red", "level": 0}, "yes")


REFUSED: dict[str, Callable[[], object]] = {
    "are int64 arrays": lambda: parts(nodes=np.array([1.0, 0.0])),
    "do not fit 2 columns and 1 action fields": lambda: parts(nodes=np.array([1])),
    "do not fit 1 columns": lambda: parts(columns=(0,)),
    "must be some, different and in lexicographic order": lambda: parts(keys=np.array([[1, 1, 0], [0, 0, 0]])),
    "must be some, different": lambda: parts(
        keys=np.zeros((0, 3), dtype=np.int64),
        actions=np.zeros((0, 1), dtype=np.int64),
        nodes=np.zeros(0, dtype=np.int64),
    ),
    "numbers from 0 and below": lambda: parts(nodes=np.array([-1, 0])),
    "below 16,777,216": lambda: parts(nodes=np.array([1 << 24, 0])),
    "is outside of its field's range": lambda: Task.automaton(
        SPEC, np.array([[0, 0, 0]]), np.array([[2]]), np.array([0])
    ),
    "which are not those of the observed fields": lambda: Task(
        state=SPEC.state, action=SPEC.action, observes=("light",), program=parts()
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_is_no_automaton_of_this_world_is_refused(reason: str) -> None:
    with pytest.raises(InvalidTask, match=reason):
        REFUSED[reason]()


def test_a_strangers_bytes_are_checked() -> None:
    body = encode_task(press_at_the_second_green())

    with pytest.raises((InvalidFile, InvalidTask)):
        decode_task(body.replace(b"automaton", b"automatom"))
