"""Plans on tables: the shortest way, weighed chances, and no step into what nobody knows."""

from __future__ import annotations

import numpy as np
import pytest
from measured_rows import episodes_of
from msgspec.structs import replace

from worldtwin.errors import InvalidTask
from worldtwin.improving import plan
from worldtwin.simulation import Simulator, count, rollout
from worldtwin.tasks import Task
from worldtwin.world import Category, Integer, Space, Spec, StartValues


def test_the_shortest_way_out_is_planned(corridor: Simulator) -> None:
    task = plan(corridor)

    assert all(task.act({"cell": cell})[0].move == "right" for cell in range(7))
    assert rollout(task, corridor, episodes=32, key=1).returns.min() >= -7


def test_chances_are_weighed_and_the_untried_is_avoided(bridge: Simulator) -> None:
    """The bridge is worth 0.9 * 9 - 0.1 * 31 = 5, the ford nearly 8, the jump nobody knows."""
    assert plan(bridge).act({"place": "near"})[0].way == "ford"


def test_a_cheap_loss_makes_the_bridge_worth_it(bridge: Simulator) -> None:
    spec = replace(bridge.spec, reward="(10 if next.place == 'far' else 0) - 1 - (2 if state.place == 'river' else 0)")

    assert plan(replace(bridge, spec=spec)).act({"place": "near"})[0].way == "bridge"


def test_a_predictor_answers_what_no_table_knows(corridor: Simulator) -> None:
    """The table knows nothing; the same counts as a predictor tell it all."""
    assert corridor.observed is not None
    guessing = Simulator(corridor.spec, predictors=(corridor.observed,))

    assert plan(guessing).act({"cell": 3})[0].move == "right"


def test_a_world_of_which_nothing_is_known_gets_a_plan_all_the_same(corridor: Simulator) -> None:
    assert plan(Simulator(corridor.spec)).act({"cell": 3})[0].move in {"left", "right"}


def test_real_fields_cannot_be_listed(cart: Simulator) -> None:
    with pytest.raises(InvalidTask, match="cart has real fields"):
        plan(cart)


def test_a_plan_needs_a_place_to_begin(corridor: Simulator) -> None:
    with pytest.raises(InvalidTask, match="give `start:`"):
        plan(Simulator(replace(corridor.spec, start=None)))


def test_a_plan_is_the_same_every_time(bridge: Simulator) -> None:
    first, second = plan(bridge), plan(bridge)

    assert isinstance(first, Task)
    assert first.digest == second.digest


@pytest.mark.slow
def test_a_large_grid_is_planned_in_seconds() -> None:
    side = 60
    spec = Spec(
        name="grid",
        state=Space(("x", "y"), (Integer(low=0, high=side - 1), Integer(low=0, high=side - 1))),
        action=Space(("go",), (Category(("n", "e", "s", "w")),)),
        start={"x": StartValues((0,)), "y": StartValues((0,))},
        reward="-1",
        ends=f"next.x == {side - 1} and next.y == {side - 1}",
        horizon=400,
        returns=(-400.0, 0.0),
    )
    x, y, go = (grid.ravel() for grid in np.meshgrid(np.arange(side), np.arange(side), np.arange(4), indexing="ij"))
    moves = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])[go]
    states = np.stack([x, y], axis=1)
    data = episodes_of(states, go[:, None], np.clip(states + moves, 0, side - 1), length=1)
    simulator = Simulator(spec, observed=count(spec, data))

    assert rollout(plan(simulator), simulator, episodes=1, key=1).returns[0] == -2 * (side - 1)
