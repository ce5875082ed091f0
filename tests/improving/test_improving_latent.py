"""Planning where something is hidden: an automaton that remembers what it must to know where it is."""

from __future__ import annotations

import numpy as np
import pytest
from aliased_maze import Maze, MazeEnv
from msgspec import structs

import worldtwin as wt
from worldtwin.improving import search
from worldtwin.simulation import Simulator
from worldtwin.tasks import LOST, START, Automaton, Task
from worldtwin.world import StartValues

MAZE = Maze(6, 1)
WALL_FOLLOWER = """
memory = remember(heading=0.0)
hand = param(1, low=0, high=1)


def act(state, memory):
    turn = 1.0 if hand > 0.5 else 3.0
    way = (memory.heading + turn) % 4.0
    for step in range(4):
        if is_open(state.exits, way):
            memory.heading = way
            return named(way)
        way = (way + 4.0 - turn) % 4.0
    return "n"


def is_open(exits, way):
    if way < 0.5:
        return "n" in exits
    if way < 1.5:
        return "e" in exits
    if way < 2.5:
        return "s" in exits
    return "w" in exits


def named(way):
    if way < 0.5:
        return "n"
    if way < 1.5:
        return "e"
    if way < 2.5:
        return "s"
    return "w"
"""


@pytest.fixture(scope="module")
def simulator() -> Simulator:
    return wt.fit(MAZE.spec(), MAZE.wandered(30_000, 1)[0], key=1)


@pytest.fixture(scope="module")
def planned(simulator: Simulator) -> Task:
    found = search(wt.Task.table(MAZE.spec()), simulator, key=2)
    assert found.decision.better
    assert isinstance(found.task, Task)
    return found.task


def test_a_table_task_becomes_an_automaton_that_takes_the_shortest_way(planned: Task) -> None:
    real = wt.evaluate(planned, MazeEnv(MAZE), episodes=3, key=1, spec=MAZE.spec())

    assert isinstance(planned.program, Automaton)
    assert planned.memory_width == 1
    assert real.steps.tolist() == [MAZE.away()[0]] * 3


def test_it_finds_out_where_it_is(simulator: Simulator) -> None:
    looks = tuple(sorted({MAZE.look(cell) for cell in range(35)}))
    spec = MAZE.spec({"exits": StartValues(looks)})
    anywhere = structs.replace(simulator, spec=structs.replace(spec, latent=simulator.spec.latent))
    task = wt.improve(wt.Task.table(spec), anywhere, key=2)

    real = wt.evaluate(task, MazeEnv(MAZE, anywhere=True), episodes=100, key=1, spec=spec)

    knowing = np.mean(MAZE.away()[:-1]) - 1
    assert (real.returns > -60).all()
    assert -real.returns.mean() < knowing + 2


def test_no_task_without_memory_gets_there(simulator: Simulator, planned: Task) -> None:
    tables = [{"exits": look} for look in {MAZE.look(cell) for cell in range(36)}]
    chance = np.random.default_rng(1)
    best = -60.0
    for _ in range(100):
        task = wt.Task.table(MAZE.spec())
        for rule in tables:
            exits = simulator.spec.state.decode((rule["exits"],)).exits
            task = task.with_rule({"exits": exits}, str(chance.choice(sorted(exits))))
        best = max(best, float(wt.rollout(task, simulator, episodes=1, key=1).returns[0]))

    assert best < float(wt.rollout(planned, simulator, episodes=1, key=1).returns[0])


def test_it_can_be_saved_improved_again_and_lives_as_long_in_a_session(
    simulator: Simulator, planned: Task, tmp_path: object
) -> None:
    path = f"{tmp_path}/way.wtt"
    wt.save(planned, path)
    again = wt.load_task(path)

    assert again.digest == planned.digest
    assert wt.improve(again, simulator, key=3).digest == planned.digest
    assert len(wt.Session(simulator, key=1).forward(60, again)) == MAZE.away()[0]


def test_what_it_has_no_rule_for_is_where_it_usually_is(planned: Task) -> None:
    look = planned.state.decode((MAZE.look(0),)).exits

    action, after = planned.act({"exits": look}, [9_999.0])
    lost, same = planned.act({"exits": look}, [float(LOST)])

    assert (action, after) == (lost, same)
    assert planned.act({"exits": look}) == planned.act({"exits": look}, [float(START)])


def test_a_script_that_remembers_climbs_in_a_simulator_with_hidden_states(simulator: Simulator) -> None:
    task = wt.Task.script(WALL_FOLLOWER, MAZE.spec())

    found = search(task, simulator, evaluations=40, key=1)

    assert (found.before, found.after) == (-23.0, -21.0)


@pytest.mark.slow
def test_iterating_with_reality_learns_what_is_hidden() -> None:
    maze = Maze(4, 6)

    found = wt.iterate(
        wt.Task.table(maze.spec()), maze.spec(), reality=MazeEnv(maze), real_steps=4_000, rounds=2, key=1
    )

    assert found.simulator.spec.hidden > 10
    assert found.better
    assert found.after == 1 - maze.away()[0]
