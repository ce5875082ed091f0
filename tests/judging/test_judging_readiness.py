"""Readiness: every goal that the spec asks for, and nothing that was not measured is met."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from worldtwin.judging import readiness
from worldtwin.simulation import MemoryReport, Report, Simulator
from worldtwin.world import Done, HorizonError, Space, real

DONE = Done(known=0.99, coverage=0.9, horizon_error=HorizonError(steps=50, below=0.1), calibration=0.05)


def ready(corridor: Simulator, report: Report | None) -> list[bool]:
    world = replace(corridor, spec=replace(corridor.spec, done=DONE), report=report)
    answer = readiness(world)
    assert answer.ready == (report is not None and all(goal.met for goal in answer.goals))
    return [goal.met for goal in answer.goals]


def test_a_simulator_without_a_report_meets_nothing(corridor: Simulator) -> None:
    assert ready(corridor, None) == [False] * 4


def test_measured_goals_are_compared(corridor: Simulator) -> None:
    good = Report(known=0.995, coverage=0.95, horizon_steps=50, horizon_error=0.02, calibration=0.01)

    assert ready(corridor, good) == [True] * 4
    assert ready(corridor, replace(good, known=0.98, calibration=0.2)) == [False, True, True, False]
    assert ready(corridor, replace(good, horizon_steps=10)) == [True, True, False, True]
    edge = replace(good, known=0.99, coverage=0.9, horizon_error=0.1, calibration=0.05)
    assert ready(corridor, edge) == [True, True, False, False]


def test_what_is_missing_is_said(corridor: Simulator) -> None:
    world = replace(corridor, spec=replace(corridor.spec, done=DONE), report=Report(known=0.94, coverage=0.95))

    assert readiness(world).text == (
        "ready: no   known 0.94 of 0.99 · error after 50 steps not measured, 0.1 wanted · "
        "calibration not measured, 0.05 wanted"
    )


def test_counts_are_compared_in_their_units(corridor: Simulator) -> None:
    spec = replace(corridor.spec, done=Done(known=0.99, width=0.05, plateau=0.005))
    good = Report(episodes=40, known=0.995, width=0.04, plateau=0.004)

    assert readiness(Simulator(spec, report=good)).text == "ready: yes"
    assert readiness(Simulator(spec, report=replace(good, width=0.05, plateau=0.0112))).text == (
        "ready: no   width 0.05 of 0.05 in probability · plateau 0.0112 of 0.005 nats a step"
    )


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (Report(episodes=7, width=0.04), " (7 of at least 10 episodes, or of one with 1,000 steps)"),
        (Report(episodes=40, known=0.2, width=0.04), " (most steps are still new)"),
        (Report(episodes=40, known=0.9, width=0.04), " (a base counted what is not here: fit all of it at once)"),
        (Report(episodes=40), ""),
        (Report(episodes=40, transitions=400), " (real numbers cannot be counted: leave this goal out)"),
    ],
)
def test_why_a_plateau_was_not_measured_is_said(corridor: Simulator, report: Report, why: str) -> None:
    answer = readiness(Simulator(replace(corridor.spec, done=Done(known=None, plateau=0.005)), report=report))

    assert answer.text == f"ready: no   plateau not measured{why}, 0.005 nats a step wanted"


def test_too_few_episodes_to_tell_how_much_is_known_are_counted(corridor: Simulator) -> None:
    answer = readiness(Simulator(replace(corridor.spec, done=Done(known=0.9)), report=Report(episodes=9)))

    assert (
        answer.text
        == "ready: no   known not measured (9 of at least 10 episodes, or of one with 1,000 steps), 0.9 wanted"
    )


def test_a_simulator_of_which_nothing_is_asked_is_not_ready(corridor: Simulator) -> None:
    world = replace(corridor, spec=replace(corridor.spec, done=Done(known=None)), report=Report())

    assert not readiness(world).ready
    assert "nothing is asked of it" in readiness(world).text


def test_how_much_is_known_is_only_asked_where_it_can_be_counted(corridor: Simulator) -> None:
    real_state = Space(("cell",), (real(0, 7),))
    done = Done(horizon_error=HorizonError(steps=50, below=0.1))
    spec = replace(corridor.spec, state=real_state, start=None, done=done)
    world = Simulator(spec, report=Report(horizon_steps=50, horizon_error=0.02))
    assert [goal.name for goal in readiness(world).goals] == ["error after 50 steps"]
    assert readiness(world).ready


def test_hidden_states_that_leave_something_over_are_not_ready(corridor: Simulator) -> None:
    spec = replace(corridor.spec, latent=3, done=Done(known=0.9), start=None)
    left = MemoryReport(tested=9, rejected=2, text="memory not fully explained")
    explained = MemoryReport(tested=9, text="the machine's memory explains all")

    assert readiness(Simulator(spec, report=Report(known=0.95, memory=explained))).ready
    answer = readiness(Simulator(spec, report=Report(known=0.95, memory=left)))
    assert answer.text == "ready: no   memory not fully explained"
