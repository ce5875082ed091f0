"""`plan`: the best table task of a discrete world, computed instead of searched."""

from __future__ import annotations

from worldtwin.improving.planning.believing import automaton
from worldtwin.improving.planning.exploring import explore
from worldtwin.improving.planning.values import best_pairs, valued
from worldtwin.simulation import Simulator
from worldtwin.tasks import Task


def plan(simulator: Simulator) -> Task:
    """The table task that is worth most over the spec's horizon, in every state that can be reached.

    In a world with hidden states it is an automaton, which remembers what it must to know where it is.
    What no source answers is worth an episode's lowest return: the plan goes there only when all else is worse. Raises
    `InvalidTask` when the world is not discrete, or too large to look at as a whole.
    """
    spec = simulator.spec
    seen = explore(simulator)
    if spec.hidden:
        return automaton(simulator, seen, valued(seen.graph, horizon=spec.horizon, worst=spec.returns[0]))
    chosen = best_pairs(seen.graph, horizon=spec.horizon, worst=spec.returns[0])
    return Task.table(spec, seen.states, seen.actions[chosen])
