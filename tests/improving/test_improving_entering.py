"""What goes into reality next: the search from the best task, or one from the task that was given."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from worldtwin.errors import InvalidValue
from worldtwin.exact import Key
from worldtwin.improving import search
from worldtwin.improving.iterating.entering import Entry, Proposed, entered, from_anew
from worldtwin.simulation import Simulator
from worldtwin.tasks import Task

ALWAYS_LEFT = "def act(state):\n    return 'left'\n"
ONE_WAY = "way = param(1.0, low=-1, high=1)\n\ndef act(state):\n    return 'right' if way > 0 else 'left'\n"


def entry_of(task: Task, simulator: Simulator) -> Entry:
    return entered(task, Proposed(tasks={}), simulator, (), None, key=Key.of(1), progress=None)


def anew(given: Task, entry: Entry, simulator: Simulator) -> Entry:
    return from_anew(given, entry, simulator, (), None, key=Key.of(2), progress=None)


def test_where_no_search_can_begin_one_from_the_given_task_does(cart: Simulator) -> None:
    stuck = entry_of(Task.script(ALWAYS_LEFT, cart.spec), cart)
    found = anew(Task.network(cart, hidden=(), key=1), stuck, cart)

    assert stuck.stalled
    assert not stuck.found
    assert found.found
    assert found.anew
    assert not found.stalled
    assert found.simulated > stuck.simulated + 1


def test_a_search_that_finds_nothing_changes_nothing(corridor: Simulator) -> None:
    stuck = entry_of(Task.script(ALWAYS_LEFT, corridor.spec), corridor)

    assert anew(Task.script(ONE_WAY, corridor.spec), stuck, corridor) is stuck


def test_next_to_nothing_is_found_but_stalls(cart: Simulator) -> None:
    wide = replace(cart, spec=replace(cart.spec, returns=(0.0, 20_000.0)))

    little, much = (entry_of(Task.network(each, hidden=(), key=1), each) for each in (wide, cart))

    assert little.found
    assert little.stalled
    assert much.found
    assert not much.stalled


@pytest.mark.parametrize("step_size", [0.0, -1.0, float("nan"), float("inf")])
def test_a_step_size_that_leads_nowhere_is_refused(step_size: float, cart: Simulator) -> None:
    with pytest.raises(InvalidValue, match=r"a step size of .* leads nowhere: give a number above 0"):
        search(Task.network(cart, hidden=(), key=1), cart, key=1, step_size=step_size)


def test_a_small_step_size_looks_at_nothing_far_away(corridor: Simulator) -> None:
    task = Task.script(ONE_WAY.replace("param(1.0", "param(-1.0"), corridor.spec)
    budget: dict[str, Any] = {"evaluations": 140, "key": 1}

    assert search(task, corridor, **budget).decision.better
    assert not search(task, corridor, step_size=0.01, **budget).decision.better
