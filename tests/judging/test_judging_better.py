"""Which task is better: enumerated where there is no chance, by evidence where there is."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from worldtwin.errors import InvalidValue
from worldtwin.judging import Case, is_better
from worldtwin.judging.better import order_of_verdicts
from worldtwin.judging.decision import Order
from worldtwin.judging.verdict import Answer, Verdict
from worldtwin.simulation import Simulator
from worldtwin.tasks import LocalTask, Task
from worldtwin.world import Integer, Space, StartRange


def always(simulator: Simulator, choice: int) -> Task:
    states = np.arange(simulator.spec.state.low[0], simulator.spec.state.high[0] + 1)[:, None]
    return Task.table(simulator.spec, states, np.full((len(states), 1), choice))


def test_a_world_without_chance_is_enumerated(corridor: Simulator) -> None:
    decision = is_better(always(corridor, 1), always(corridor, 0), corridor, key=1)

    assert decision.better
    assert decision.exact
    assert (decision.by, decision.episodes) == ("return", 7)
    assert (decision.before, decision.after) == (-20.0, -(1 + 2 + 3 + 4 + 5 + 6 + 7) / 7)
    assert decision.mean_difference == pytest.approx(16.0)


def test_an_enumerated_gain_of_one_step_counts(corridor: Simulator) -> None:
    right = always(corridor, 1)
    detour = right.with_rule({"cell": 0}, "left")

    assert is_better(right, detour, corridor, key=1).better
    assert not is_better(right, detour, corridor, key=1, margin=0.9).better
    assert not is_better(detour, right, corridor, key=1).better


def test_no_task_is_better_than_itself(corridor: Simulator, bandit: Simulator) -> None:
    for world in (corridor, bandit):
        decision = is_better(always(world, 1), always(world, 1), world, key=3)
        assert not decision.better
        assert "nothing differs" in decision.text


def test_chance_takes_twenty_bits_of_evidence(bandit: Simulator) -> None:
    decision = is_better(always(bandit, 1), always(bandit, 0), bandit, key=5)

    assert decision.better
    assert not decision.exact
    assert decision.bits >= 20
    assert decision.episodes in {256, 512, 1024, 2048, 4096}
    assert "bits of evidence" in decision.text


def test_a_rare_catastrophe_is_never_better(bandit: Simulator) -> None:
    """Better in 97 of 100 episodes, worse on average."""
    trap, safe = always(bandit, 2), always(bandit, 0)

    assert not any(is_better(trap, safe, bandit, key=key, margin=0.0, budget=20_000).better for key in range(10))


def test_a_decision_is_a_function_of_its_key(bandit: Simulator) -> None:
    good, safe = always(bandit, 1), always(bandit, 0)

    assert is_better(good, safe, bandit, key=5) == is_better(good, safe, bandit, key=5)
    assert is_better(good, safe, bandit, key=5) != is_better(good, safe, bandit, key=6)


def test_the_budget_is_kept(bandit: Simulator) -> None:
    decision = is_better(always(bandit, 0), always(bandit, 2), bandit, key=5, margin=0.5, budget=2_000)

    assert decision.episodes <= 1024


def test_a_world_of_which_nothing_is_known_does_not_take_for_ever(bandit: Simulator) -> None:
    rooms = Space(("room",), (Integer(low=0, high=1 << 40),))
    blank = Simulator(replace(bandit.spec, state=rooms, start={"room": StartRange(0, 1 << 40)}))
    task = Task.table(blank.spec)
    decision = is_better(task, task, blank, key=5, margin=0.0, budget=2_000)

    assert not decision.better
    assert decision.episodes <= 1024


@pytest.mark.parametrize("margin", [-0.1, 1.1, float("nan")])
def test_a_margin_is_a_share(margin: float, corridor: Simulator) -> None:
    right = always(corridor, 1)
    with pytest.raises(InvalidValue, match="share of the return range"):
        is_better(right, right, corridor, key=1, margin=margin)


def test_less_fuel_decides_between_equal_returns(corridor: Simulator) -> None:
    right = always(corridor, 1)
    short = Task.table(corridor.spec, np.arange(7)[:, None], np.ones((7, 1), dtype=np.int64))

    decision = is_better(short, right, corridor, key=1)

    assert short.fuel < right.fuel
    assert (decision.better, decision.by) == (True, "fuel")
    assert not is_better(right, short, corridor, key=1).better


def test_fuel_is_not_compared_between_kinds_of_programs(corridor: Simulator) -> None:
    def run(cell: int) -> str:
        return "right" if cell >= 0 else "left"

    assert not is_better(LocalTask(run, corridor.spec), always(corridor, 1), corridor, key=1).better


def test_a_case_won_decides_before_the_return(corridor: Simulator) -> None:
    stay = Case(name="stay", check="final.cell == 0", kind="goal", start={"cell": 0}, horizon=4)

    decision = is_better(always(corridor, 0), always(corridor, 1), corridor, (stay,), key=1)

    assert (decision.better, decision.by, decision.exact) == (True, "cases", True)


def test_the_objective_is_ordered(corridor: Simulator) -> None:
    spec = replace(corridor.spec, objective=("return", "cases", "fuel"))
    world = replace(corridor, spec=spec)
    stay = Case(name="stay", check="final.cell == 0", kind="goal", start={"cell": 0}, horizon=4)

    decision = is_better(always(world, 0), always(world, 1), world, (stay,), key=1)

    assert (decision.better, decision.by) == (False, "return")


def answer(name: str, *, passed: bool, kind: str = "required") -> Answer:
    return Answer(name=name, kind="goal" if kind == "goal" else "required", satisfied=int(passed), episodes=1, needed=1)


@pytest.mark.parametrize(
    ("before", "after", "order"),
    [
        ((True, True), (True, True), Order.EQUAL),
        ((True, False), (True, True), Order.BETTER),
        ((True, True), (True, False), Order.WORSE),
        ((True, False), (False, True), Order.WORSE),
    ],
)
def test_a_required_case_is_never_traded_for_a_goal(
    before: tuple[bool, bool], after: tuple[bool, bool], order: Order
) -> None:
    def verdict(passed: tuple[bool, bool]) -> Verdict:
        return Verdict((answer("must", passed=passed[0]), answer("may", passed=passed[1], kind="goal")))

    assert order_of_verdicts(verdict(after), verdict(before)) is order


def test_the_first_look_keeps_the_budget_too(bandit: Simulator) -> None:
    """A pair of runs takes two steps here: 100 steps are 50 pairs, and in none of them there is enough evidence."""
    decision = is_better(always(bandit, 1), always(bandit, 0), bandit, key=5, budget=100)

    assert decision.episodes == 50
    assert not decision.better


def test_a_budget_without_one_pair_decides_nothing(bandit: Simulator) -> None:
    decision = is_better(always(bandit, 1), always(bandit, 0), bandit, key=5, budget=1)

    assert not decision.better
    assert decision.episodes == 0
    assert "not one episode of each fits the budget" in decision.text


def test_episodes_that_end_early_leave_budget_for_more(bandit: Simulator) -> None:
    """The horizon allows 50 steps, every episode takes one: all of the first look fits into what 5 full pairs take."""
    ending = replace(bandit, spec=replace(bandit.spec, horizon=50, ends="True", returns=(0.0, 500.0)))

    decision = is_better(always(ending, 1), always(ending, 0), ending, key=5, budget=700)

    assert decision.episodes == 256
