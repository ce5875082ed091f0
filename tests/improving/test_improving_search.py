"""Searches find better tasks, say what they did, keep the incumbent when nothing is better, and repeat exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from worldtwin.errors import InvalidTask, InvalidValue
from worldtwin.exact import Key
from worldtwin.improving import Progress, improve, search
from worldtwin.improving.climb import box_of
from worldtwin.improving.plateau import LAG, PATIENCE
from worldtwin.improving.rehearsal import Rehearsals
from worldtwin.improving.search import SURE_BITS, compared
from worldtwin.improving.starts import Begin
from worldtwin.judging import Case, is_better, judge
from worldtwin.script import param
from worldtwin.simulation import MemoryReport, Report, Simulator
from worldtwin.tasks import LocalTask, Task

SCRIPT = """
gain = param([0.0, 0.0], low=-10, high=10)

def act(state):
    return "right" if gain[0] * state.position + gain[1] * state.velocity > 0 else "left"
"""


def test_a_linear_network_learns_to_balance(cart: Simulator) -> None:
    found = search(Task.network(cart, hidden=(), key=1), cart, key=1)

    assert found.decision.better
    assert found.after > 59
    assert found.after > found.before
    assert found.decision.bits >= 20
    assert found.sources == {"predicted": 1.0}
    assert "candidates" in found.text


def test_a_search_is_a_function_of_its_key(cart: Simulator) -> None:
    task = Task.network(cart, hidden=(), key=1)

    first, again = (improve(task, cart, evaluations=60, key=7) for _ in range(2))

    assert isinstance(first, Task)
    assert isinstance(again, Task)
    assert first.digest == again.digest


@pytest.mark.slow
def test_the_gains_of_a_script_are_found(cart: Simulator) -> None:
    task = Task.script(SCRIPT, cart.spec)

    found = search(task, cart, evaluations=200, key=1)

    assert found.after > 55


@pytest.mark.slow
def test_a_python_function_is_improved_too(cart: Simulator) -> None:
    def push(position: float, velocity: float, gain: float = param(4.0, low=-5.0, high=5.0)) -> str:
        return "right" if gain * position - velocity > 0 else "left"

    found = search(LocalTask(push, cart.spec), cart, evaluations=150, key=1)

    assert found.decision.better
    assert isinstance(found.task, LocalTask)
    assert found.task.parameters().values[0] < 0


def test_whole_numbers_are_searched_as_whole_numbers(corridor: Simulator) -> None:
    def walk(cell: int, turn: int = param(0, low=-9, high=9)) -> str:
        return "right" if cell + turn >= 0 else "left"

    found = search(LocalTask(walk, corridor.spec).with_parameters([-9]), corridor, evaluations=150, key=1)

    assert found.decision.better
    assert not found.decision.exact, "a Python function may draw: it is never taken for enumerated"
    assert found.after == pytest.approx(-4.0, abs=0.2)


def test_a_table_is_planned(corridor: Simulator) -> None:
    found = search(Task.table(corridor.spec), corridor, key=1)

    assert found.after == pytest.approx(-4.0, abs=0.2)
    assert found.stop == "the plan is complete"


def test_nothing_better_leaves_the_task_as_it_is(corridor: Simulator) -> None:
    best = improve(Task.table(corridor.spec), corridor, key=1)

    assert improve(best, corridor, key=1) is best


def test_a_gain_too_small_to_differ_counts_while_searching(cart: Simulator) -> None:
    wide = replace(cart, spec=replace(cart.spec, returns=(0.0, 20_000.0)))
    idle, steady = (
        Task.script(SCRIPT.replace("[0.0, 0.0]", gains), cart.spec) for gains in ("[0.0, 0.0]", "[-5.0, -9.0]")
    )
    same: dict[str, Any] = {"cases": (), "key": Key.of(1), "backend": None}

    better, back = compared(steady, idle, wide, **same), compared(idle, steady, wide, **same)

    assert not is_better(steady, idle, wide, key=1).better
    assert better.better
    assert 0 < better.mean_difference < 0.01 * 20_000
    assert better.bits >= SURE_BITS
    assert not back.better
    assert not compared(idle, idle, wide, **same).better


def test_a_search_can_stay_nearer_to_what_is_given(cart: Simulator) -> None:
    task = Task.network(cart, hidden=(), key=1)
    whole, near = box_of(task), box_of(task, 0.3)

    np.testing.assert_allclose(near.spread, 0.3 * whole.spread)
    np.testing.assert_array_equal(near.middle, whole.middle)
    hardly, usual = (search(task, cart, step_size=size, evaluations=60, key=1) for size in (0.01, 1.0))
    assert hardly.after < usual.after


def test_cases_are_searched_for(corridor: Simulator) -> None:
    """No reward: only the case says where to stop."""
    world = replace(corridor, spec=replace(corridor.spec, reward=None, returns=(0.0, 0.0)))
    case = Case(name="third", check="final.cell == 3", start={"cell": (0, 6)}, episodes=16, horizon=12, needed=4)

    def walk(cell: int, goal: int = param(0, low=0, high=6)) -> str:
        return "right" if cell < goal else "left"

    found = search(LocalTask(walk, world.spec), world, cases=(case,), evaluations=150, key=1)

    assert found.decision.better
    assert found.decision.by == "cases"
    assert judge(found.task, world, (case,), key=3).passed


def test_a_simulator_of_fields_that_leave_something_out_is_warned_of(
    corridor: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    told = Report(memory=MemoryReport(rejected=1, text="corridor is not predictable", advice="add `history: 1`"))
    aliased = replace(corridor, report=told)

    found = search(Task.table(corridor.spec), aliased, key=1)
    improve(Task.table(corridor.spec), aliased, key=1)

    warning = "corridor is not predictable: add `history: 1`"
    assert found.warning == warning
    assert f"do not believe it: {warning}" in found.text
    assert caplog.messages == [f"do not believe what was improved: {warning}"]


def test_without_an_aim_there_is_nothing_to_search(corridor: Simulator) -> None:
    world = replace(corridor, spec=replace(corridor.spec, reward=None, returns=(0.0, 0.0)))

    with pytest.raises(InvalidTask, match=r"no reward and no case .* add `reward:` to its YAML"):
        improve(Task.table(world.spec), world, key=1)


def test_without_parameters_there_is_nothing_to_change(cart: Simulator) -> None:
    fixed = Task.script("def act(state):\n    return 'left'\n", cart.spec)

    with pytest.raises(InvalidTask, match="no parameters to change"):
        improve(fixed, cart, key=1)


def test_progress_is_told_after_every_generation(cart: Simulator) -> None:
    told: list[Progress] = []

    found = search(Task.network(cart, hidden=(), key=1), cart, evaluations=80, key=1, progress=told.append)

    assert [one.generation for one in told] == list(range(1, found.generations + 1))
    assert told[-1].fraction == 1.0
    assert "predicted" in told[-1].text


def test_evaluations_are_a_budget(cart: Simulator) -> None:
    found = search(Task.network(cart, hidden=(), key=1), cart, evaluations=40, key=1)

    assert found.evaluations <= 40
    assert found.stop == "the evaluations were used up"


def test_seconds_only_cap(cart: Simulator) -> None:
    clock = iter(np.arange(0.0, 1e6, 10.0))

    found = search(Task.network(cart, hidden=(), key=1), cart, seconds=15, key=1, clock=lambda: float(next(clock)))

    assert found.stop == "the time was used up"
    assert found.generations == 2


@pytest.mark.slow
def test_many_parameters_are_searched_once_more_from_close_by(corridor: Simulator) -> None:
    told: list[Progress] = []

    found = search(Task.network(corridor, hidden=(32,), key=1), corridor, key=1, progress=told.append)

    assert found.stop == "nothing was gained for a while"
    assert found.generations >= 2 * (LAG + PATIENCE)
    assert max(one.fraction for one in told[: LAG + PATIENCE]) <= 0.5
    assert [one.generation for one in told] == list(range(1, found.generations + 1))


def test_an_interrupted_search_keeps_the_best_so_far(cart: Simulator) -> None:
    def impatient(progress: Progress) -> None:
        if progress.generation == 3:
            raise KeyboardInterrupt

    found = search(Task.network(cart, hidden=(), key=1), cart, key=1, progress=impatient)

    assert found.stop == "it was interrupted"
    assert found.generations == 3
    assert found.after >= found.before


def test_a_search_for_nothing_is_refused(corridor: Simulator) -> None:
    with pytest.raises(InvalidValue, match="-3 evaluations try nothing"):
        search(Task.network(corridor, hidden=(), key=1), corridor, evaluations=-3, key=1)
    with pytest.raises(InvalidValue, match="0 seconds leave no time"):
        search(Task.network(corridor, hidden=(), key=1), corridor, seconds=0, key=1)


MIXED = """
gain = param(0.5, low=-10, high=10)
lead = param(0, low=0, high=3)
toward = param("left", choices=["left", "right"])
away = param("left", choices=["left", "right"])

def act(state):
    return toward if gain * state.position + (lead + 1) * state.velocity > 0 else away
"""


@pytest.mark.slow
def test_names_whole_numbers_and_numbers_are_found_together(cart: Simulator) -> None:
    found = search(Task.script(MIXED, cart.spec), cart, evaluations=300, key=1)

    assert found.after > 55
    assert isinstance(found.task, Task)
    assert found.task.knobs["toward"] != found.task.knobs["away"]


def test_a_python_function_takes_names_too(corridor: Simulator) -> None:
    def walk(cell: int, move: str = param("left", choices=["left", "right"])) -> str:
        return move if cell < 7 else "left"

    found = search(LocalTask(walk, corridor.spec), corridor, evaluations=60, key=1)

    assert found.decision.better
    assert found.after == pytest.approx(-4.0, abs=0.2)


@pytest.mark.parametrize(("objective", "goal"), [(("cases", "return", "fuel"), 3), (("return", "cases", "fuel"), 7)])
def test_the_search_itself_follows_the_ordered_objective(
    objective: tuple[str, ...], goal: int, corridor: Simulator
) -> None:
    """The exit pays, the case wants to stay in cell 3 in one of eight episodes: only one of them can be had."""
    world = replace(corridor, spec=replace(corridor.spec, objective=objective))
    case = Case(name="third", check="final.cell == 3", start={"cell": (0, 6)}, episodes=8, horizon=12, needed=1)

    def walk(cell: int, goal: int = param(0, low=0, high=7)) -> str:
        return "right" if cell < goal else "left"

    rehearsals = Rehearsals(task=LocalTask(walk, world.spec), simulator=world, cases=(case,))
    found = rehearsals.of(np.arange(8.0)[:, None], rehearsals.starts(10, key=Key.of(1)), key=Key.of(1))

    assert int(np.argmax(found.scores)) == goal


def test_a_case_that_passed_is_worth_no_more_when_it_passes_by_more(corridor: Simulator) -> None:
    case = Case(name="far", check="final.cell >= 5", start={"cell": (0, 6)}, episodes=8, horizon=3, needed=2)
    cells = np.arange(7)[:, None]
    task = Task.table(corridor.spec, cells, np.ones_like(cells))
    rehearsals = Rehearsals(task=task, simulator=corridor, cases=(case,))

    found = rehearsals.of(np.zeros((1, 0)), rehearsals.starts(4, key=Key.of(1)), key=Key.of(1))

    assert judge(task, corridor, (case,), key=1).answers[0].satisfied > 2
    assert found.merits[0] - found.returns[0] == 20.0


def test_rehearsals_can_do_without_recorded_states(cart: Simulator) -> None:
    task = Task.network(cart, hidden=(), key=1)
    anywhere, usually = (Rehearsals(task=task, simulator=cart, begin=begin) for begin in Begin)

    assert anywhere.starts(10, key=Key.of(1)).recorded.sum() == 5
    assert not usually.starts(10, key=Key.of(1)).recorded.any()
    assert search(task, cart, evaluations=60, begin=Begin.USUALLY, key=1).evaluations <= 60
