"""Ways through worlds that hide something, by the latest steps: where machines need more of a record than there is."""

from __future__ import annotations

import numpy as np
import pytest
from aliased_maze import Maze, MazeEnv

from worldtwin.environments import evaluate
from worldtwin.improving import iterate
from worldtwin.improving.iterating.recalling import LENGTHS, recalled_plans
from worldtwin.tasks import Automaton, Task
from worldtwin.world import Transitions

MAZE = Maze(4, 6)


def test_a_plan_by_the_latest_steps_leaves_a_maze_of_look_alikes() -> None:
    rows, _ = MAZE.wandered(3_000, 1, length=60)

    plans = recalled_plans(MAZE.spec(), rows)

    assert len(plans) == len(LENGTHS)
    assert all(isinstance(plan.task.program, Automaton) for plan in plans)
    paid = [evaluate(plan.task, MazeEnv(MAZE), episodes=1, key=1, spec=MAZE.spec()).returns[0] for plan in plans]
    assert max(paid) == 1 - MAZE.away()[0]
    assert plans[int(np.argmax(paid))].promised == pytest.approx(max(paid)), "in the unit of real returns"


def test_without_a_record_there_is_no_plan() -> None:
    assert recalled_plans(MAZE.spec(), Transitions.empty(MAZE.spec())) == []


@pytest.mark.slow
def test_few_real_steps_are_enough_for_the_shortest_way() -> None:
    found = iterate(Task.table(MAZE.spec()), MAZE.spec(), reality=MazeEnv(MAZE), real_steps=1_500, key=1)

    assert found.real_steps <= 1_500
    assert found.after == 1 - MAZE.away()[0]
