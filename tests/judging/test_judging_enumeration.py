"""What can be enumerated: finitely many starts, and no chance on the way."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from worldtwin.judging import all_starts, is_better
from worldtwin.judging.enumeration import draws_anywhere, draws_at
from worldtwin.simulation import Simulator, merge
from worldtwin.tasks import Task
from worldtwin.world import StartRange, StartValues


def test_all_starts_are_the_product_of_the_fields(corridor: Simulator) -> None:
    rows = all_starts(corridor)

    assert rows is not None
    assert rows[:, 0].tolist() == list(range(7))
    assert all_starts(corridor, most=6) is None


def test_recorded_starts_are_enumerated_when_the_spec_names_none(corridor: Simulator) -> None:
    recorded = replace(corridor, spec=replace(corridor.spec, start=None), starts=np.array([[3], [1], [3]]))

    rows = all_starts(recorded)

    assert rows is not None
    assert rows.tolist() == [[3], [1], [3]]
    assert all_starts(replace(recorded, starts=np.zeros((0, 1), dtype=np.int64))) is None


def test_chance_is_seen_where_it_is(corridor: Simulator, bandit: Simulator) -> None:
    room = np.zeros((1, 1), dtype=np.int64)

    assert not draws_anywhere(corridor)
    assert draws_anywhere(bandit)
    assert not draws_at(bandit, room, room)
    assert draws_at(bandit, room, room + 1)
    assert not draws_anywhere(Simulator(corridor.spec))


def slippery(corridor: Simulator) -> Simulator:
    """The corridor, but going left in cell 0 may also lead to cell 3."""
    table = corridor.observed
    assert table is not None
    extra = replace(
        table, keys=np.array([[0, 0]]), offsets=np.array([0, 1]), values=np.array([[3]]), counts=np.array([1])
    )
    return replace(corridor, observed=merge(table, extra))


def test_chance_that_neither_task_meets_does_not_matter(corridor: Simulator) -> None:
    world = slippery(corridor)
    cells = np.arange(7)[:, None]
    right = Task.table(world.spec, cells, np.ones_like(cells))
    back_and_forth = right.with_rule({"cell": 5}, "left")

    decision = is_better(right, back_and_forth, world, key=1)

    assert draws_anywhere(world)
    assert decision.better
    assert decision.exact


def test_chance_on_the_way_needs_evidence(corridor: Simulator) -> None:
    world = slippery(replace(corridor, spec=replace(corridor.spec, start={"cell": StartValues((1,))})))
    cells = np.arange(7)[:, None]
    left = Task.table(world.spec, cells, np.zeros_like(cells))
    right = Task.table(world.spec, cells, np.ones_like(cells))

    decision = is_better(right, left, world, key=1)

    assert decision.better
    assert not decision.exact


def test_more_starts_than_the_budget_allows_need_evidence(corridor: Simulator) -> None:
    many = replace(corridor, spec=replace(corridor.spec, start={"cell": StartRange(0, 6)}))
    cells = np.arange(7)[:, None]
    right = Task.table(many.spec, cells, np.ones_like(cells))

    assert not is_better(right, Task.table(many.spec), many, key=1, budget=100).exact
