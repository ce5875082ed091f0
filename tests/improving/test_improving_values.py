"""Value iteration finds the shortest way, weighs chances, and avoids what it does not know."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from worldtwin.improving.planning.hoping import Seen, hoped
from worldtwin.improving.planning.values import END, SWEEPS, Graph, best_pairs, paid


def graph(edges: list[tuple[int, int, float, float]], states: list[int]) -> Graph:
    """Edges are (pair, next, share, reward)."""
    columns = list(zip(*edges, strict=True))
    return Graph(
        states=np.array(states),
        pairs=np.array(columns[0]),
        nexts=np.array(columns[1]),
        shares=np.array(columns[2], dtype=float),
        rewards=np.array(columns[3], dtype=float),
    )


@given(some.integers(2, 40), some.data())
def test_the_shortest_way_along_a_corridor_is_taken(length: int, data: some.DataObject) -> None:
    """Left or right; the goal pays once, at one of the cells."""
    goal = data.draw(some.integers(0, length - 1))
    edges = []
    for cell in range(length):
        for side, step in enumerate((-1, 1)):
            to = min(max(cell + step, 0), length - 1)
            edges.append((2 * cell + side, END if to == goal else to, 1.0, 1.0 if to == goal else 0.0))

    chosen = best_pairs(graph(edges, [cell // 2 for cell in range(2 * length)]), horizon=200, worst=0.0)

    assert all(chosen[cell] % 2 == (cell < goal) for cell in range(length) if cell != goal)


def test_chances_are_weighed() -> None:
    world = graph([(0, END, 0.5, 10.0), (0, END, 0.5, -10.0), (1, END, 1.0, 1.0)], [0, 0])

    assert best_pairs(world, horizon=10, worst=0.0).tolist() == [1]


def test_what_is_unknown_is_worth_the_worst() -> None:
    world = graph([(1, END, 1.0, -5.0)], [0, 0])

    assert best_pairs(world, horizon=10, worst=-100.0).tolist() == [1]
    assert best_pairs(world, horizon=10, worst=0.0).tolist() == [0]


@given(some.integers(1, 3 * SWEEPS))
def test_what_a_plan_pays_is_added_up_and_not_discounted(horizon: int) -> None:
    """One pays 1 a step on and on, one half the time only, one once; of the last nothing is known."""
    edges = [(0, 0, 1.0, 1.0), (1, 1, 0.5, 1.0), (1, 1, 0.5, 0.0), (2, END, 1.0, 7.0), (3, END, 1.0, 9.0)]
    world = graph(edges, [0, 1, 2, 2, 3])

    found = paid(world, np.array([0, 1, 2, 4]), horizon=horizon, worst=-5.0)

    np.testing.assert_allclose(found, [horizon, horizon / 2, 7.0, -5.0])


def test_a_hope_looks_only_so_many_steps_ahead() -> None:
    world, horizon = graph([(0, 0, 1.0, 1.0)], [0]), 10_000_000
    seen = Seen(np.array([1]), np.array([False]))

    found = hoped(world, seen, horizon=horizon, returns=(0.0, float(horizon)))

    np.testing.assert_allclose(found, SWEEPS, rtol=1e-3)
