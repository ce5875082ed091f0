"""Hidden states found from one stream: as many as there are, and no surprise left."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from worldtwin.learning.memory.hidden import learn_machine
from worldtwin.learning.memory.machine import Machine, Sightings
from worldtwin.learning.memory.residual import unexplained


def agrees(found: np.ndarray, truth: np.ndarray) -> bool:
    """Whether each state that was found is one true state, and each true state one found."""
    sure = found >= 0
    pairs = np.unique(np.stack([found[sure], truth[sure]], axis=1), axis=0)
    return len(pairs) == len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1])) == len(np.unique(truth))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_maze_of_look_alikes_is_found_exactly_from_one_stream(maze: Callable, seed: int) -> None:
    spec, rows, path = maze(6, 40_000, seed)

    learned = learn_machine(Sightings.of(spec, rows))

    assert agrees(learned.followed.states, path[:, 0])
    assert (learned.followed.states >= 0).mean() > 0.99
    assert learned.memoryless > 0.5
    assert learned.loss < 0.002


def test_every_edge_of_the_machine_is_one_of_the_maze(maze: Callable) -> None:
    spec, rows, path = maze(5, 40_000, 3)
    seen = Sightings.of(spec, rows)

    learned = learn_machine(seen)

    machine, found = learned.machine, learned.followed.states
    cell = {state: int(path[np.flatnonzero(found == state)[0], 0]) for state in range(len(machine))}
    walked = set(zip(path[:, 0].tolist(), seen.actions.tolist(), path[:, 1].tolist(), strict=True))
    edges = zip(machine.edges.tolist(), machine.leads.tolist(), strict=True)
    assert {(cell[state], action, cell[leads]) for (state, action, _), leads in edges} == walked
    assert machine.counts.sum() == (found[: round(0.85 * len(seen))] >= 0).sum()


def test_a_world_of_chance_is_told_nearly_as_well_as_by_itself(chances: Callable) -> None:
    spec, rows, path = chances(12, 4, 60_000, 1)
    seen = Sightings.of(spec, rows)

    learned = learn_machine(seen)

    last = np.arange(len(seen)) >= round(0.85 * len(seen))
    cells, totals = np.zeros((12, 4, 12)), np.zeros((12, 4))
    np.add.at(cells, (path[:, 0], seen.actions, path[:, 1]), 1)
    np.add.at(totals, (path[:, 0], seen.actions), 1)
    truth = cells[path[:, 0], seen.actions, path[:, 1]] / totals[path[:, 0], seen.actions]
    best = -np.log(truth[last]).mean()
    assert learned.memoryless > best + 0.1
    assert learned.loss < best + 0.02


@pytest.mark.parametrize(("world", "states"), [("lock", 5), ("coffee", 6)])
def test_episodes_are_explained_from_their_first_step(request: pytest.FixtureRequest, world: str, states: int) -> None:
    spec, rows, _ = request.getfixturevalue(world)(20_000, 1)

    learned = learn_machine(Sightings.of(spec, rows))

    assert learned.loss < 0.002 < learned.memoryless
    assert len(learned.machine) <= states + 1


def test_learning_is_a_function_of_the_record(maze: Callable) -> None:
    spec, rows, _ = maze(5, 5000, 1)

    one, two = learn_machine(Sightings.of(spec, rows)), learn_machine(Sightings.of(spec, rows))

    assert one.loss == two.loss
    assert np.array_equal(one.machine.edges, two.machine.edges)
    assert np.array_equal(one.machine.leads, two.machine.leads)
    assert np.array_equal(one.followed.states, two.followed.states)


def test_a_machine_that_explains_all_leaves_no_memory(maze: Callable) -> None:
    spec, rows, _ = maze(6, 60_000, 1)
    seen = Sightings.of(spec, rows)

    learned = learn_machine(seen.at(np.arange(0, 40_000)))

    report = unexplained(learned.machine, seen.at(np.arange(40_000, 60_000)))
    assert report.tested > 100
    assert report.rejected == 0


def test_a_machine_that_forgets_is_not_said_to_explain_all(maze: Callable) -> None:
    spec, rows, _ = maze(6, 20_000, 1)
    seen = Sightings.of(spec, rows)
    edges, counts = np.unique(np.stack([seen.looks, seen.actions, seen.results], axis=1), axis=0, return_counts=True)
    result_looks = np.zeros(int(seen.results.max()) + 1, dtype=np.int64)
    result_looks[seen.results] = seen.next_looks
    looks = np.arange(int(seen.looks.max()) + 1)
    forgetful = Machine(
        looks=looks,
        edges=edges,
        leads=result_looks[edges[:, 2]],
        counts=counts,
        began=np.zeros(len(looks)),
        prior=0.03,
        actions=4,
        results=len(result_looks),
    )

    report = unexplained(forgetful, seen)

    assert report.rejected > 0
    assert report.text.startswith("memory not fully explained: ")


@pytest.mark.slow
def test_half_a_thousand_hidden_states_are_found_in_a_million_steps(chances: Callable) -> None:
    spec, rows, path = chances(494, 50, 1_000_000, 1)

    learned = learn_machine(Sightings.of(spec, rows), rounds=3)

    assert abs(len(learned.machine) - len(np.unique(path[:, 0]))) <= 10
    assert learned.memoryless > 1.5 + learned.loss / 2
    assert (learned.followed.states >= 0).mean() > 0.99
