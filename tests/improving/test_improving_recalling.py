"""Ways through worlds that hide something, by the latest steps: where machines need more of a record than there is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from aliased_maze import Maze, MazeEnv

from worldtwin.environments import evaluate
from worldtwin.improving import iterate
from worldtwin.improving.iterating.recalling import LENGTHS, recalled_plans
from worldtwin.tasks import Automaton, Network, Task
from worldtwin.traces import Traces
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


def test_a_network_stays_a_network() -> None:
    given = Task.network(MAZE.spec(), hidden=(), key=1)

    found = iterate(given, MAZE.spec(), reality=MazeEnv(MAZE), real_steps=600, rounds=1, key=1)

    assert isinstance(found.task, Task)
    assert isinstance(found.task.program, Network)


def test_a_proposal_is_tried_beside_the_plans(tmp_path: Path) -> None:
    spec, env = MAZE.spec(), MazeEnv(MAZE)
    traces = Traces(tmp_path / "maze.traces", spec)
    evaluate(Task.table(spec), env, episodes=60, key=1, spec=spec, traces=traces, noise=1.0)
    plans = [plan.task for plan in recalled_plans(spec, traces.transitions(spec).transitions)]
    paid = [evaluate(plan, env, episodes=1, key=1, spec=spec).returns[0] for plan in plans]

    found = iterate(
        Task.table(spec),
        spec,
        reality=env,
        real_steps=400,
        rounds=1,
        traces=traces,
        propose=[plans[int(np.argmax(paid))]],
        key=1,
    )

    assert found.rounds[0].proposed == "proposal 1"
    assert found.rounds[0].real == max(paid)
