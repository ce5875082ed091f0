"""Plans for worlds that hide something, without a machine: what was seen and done lately stands for what is hidden.

A past of some steps is a state (a Markov model of that order). Long ones tell more apart, and connect less of what was
seen; which length will do only reality can say.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from msgspec import UNSET, Struct
from msgspec.structs import replace

from worldtwin.improving.iterating.tallying import Tally
from worldtwin.improving.planning import paid, valued
from worldtwin.tasks import LOST, START, Task
from worldtwin.world import Lattice, Spec, Transitions

LENGTHS: Final = (10, 8, 7, 6, 5, 4, 3)
"""The lengths of pasts, in steps, that plans are made with, the most careful one first."""

NODES: Final = LOST + 1


class Recalled(Struct, frozen=True, eq=False):
    """A `task` that goes by the latest steps, and the return that it `promised`.

    That is its mean over the different begins of episodes, in the unit of real returns: rewards added up.
    """

    task: Task
    promised: float


def recalling(spec: Spec, steps: int) -> Spec:
    """`spec` with so many past steps in the place of what is hidden."""
    return replace(spec, latent=UNSET, history=steps)


def recalled_plans(spec: Spec, rows: Transitions) -> list[Recalled]:
    """The best that can be done by the latest steps, by each of the `LENGTHS`, given the recorded `rows`."""
    found = [_plan(spec, rows, steps) for steps in LENGTHS] if len(rows) else []
    return [each for each in found if each is not None]


def _plan(spec: Spec, rows: Transitions, steps: int) -> Recalled | None:
    """The best automaton by the latest `steps`; None where no recorded beginning is known, or too much to weigh."""
    known = recalling(spec, steps)
    tally = Tally(known)
    tally.learn(rows)
    begins = np.unique(known.start_rows(rows.states[rows.steps == 0]), axis=0)
    if tally.full or not len(begins):
        return None
    starts = [tally.met(row) for row in begins]
    graph, allowed = tally.graph(), tally.allowed
    found = valued(graph, horizon=spec.horizon, worst=spec.returns[0])
    chosen = np.where(allowed, found.worth.reshape(allowed.shape), -np.inf).argmax(axis=1)
    pairs = np.arange(len(tally)) * len(tally.actions) + chosen
    promised = paid(graph, pairs, horizon=spec.horizon, worst=spec.returns[0])[starts]
    return Recalled(_automaton(spec, tally, chosen, starts), float(promised.mean()))


def _automaton(spec: Spec, tally: Tally, chosen: Lattice, starts: list[int]) -> Task:
    """The automaton whose nodes are the pasts that `chosen` choices lead to; lost, it is where it usually is."""
    looks = [row[: len(spec.state)] for row in tally.rows]
    usual: dict[bytes, int] = {}
    for state in np.argsort(-tally.visits.sum(axis=1), kind="stable").tolist():
        usual.setdefault(looks[state].tobytes(), state)
    rules = [(START, state) for state in starts] + [(LOST, state) for state in usual.values()]
    followers, queue = tally.followers(chosen), deque(dict.fromkeys(state for _, state in rules))
    seen = set(queue)
    while queue:
        state = queue.popleft()
        for then in followers.get(state, ()):
            rules.append((NODES + state, then))
            if then not in seen:
                seen.add(then)
                queue.append(then)
    states = np.array([state for _, state in rules])
    keys = np.array([(node, *looks[state]) for node, state in rules], dtype=np.int64)
    return Task.automaton(spec, keys, tally.actions[chosen[states]], NODES + states)
