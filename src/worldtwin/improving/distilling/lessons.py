"""What a policy can teach: the states that it or its student get into, and how alike their actions are."""

from __future__ import annotations

from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.improving.starts import Starts
from worldtwin.simulation import Simulator, rollout
from worldtwin.tasks import Actor
from worldtwin.world import Angle, Category, Field, Lattice, Set, Space, Spec, bounds

MOST_STEPS: Final = 1_000
"""Episodes are followed so far, however long their horizon is."""

WANDERING: Final = 0.3
"""The share of actions that a wanderer draws by chance."""


@final
class Wanderer:
    """`actor`, but some of its actions are drawn by chance: it shows what the actor does off its own paths. Mutable."""

    memory_width = 0

    def __init__(self, actor: Actor, spec: Spec, *, key: Key) -> None:
        self._actor, self._action = actor, spec.action
        self._chance = _chance(key)

    def start_memory(self, n: int) -> NDArray[np.float64]:
        """Nothing is remembered (n, 0)."""
        return np.zeros((n, 0))

    def act_rows(
        self, states: Lattice, memory: NDArray[np.float64], possible: NDArray[np.bool_] | None
    ) -> tuple[Lattice, NDArray[np.float64]]:
        """The actions (n, a) in `states` (n, width)."""
        actions, memory = self._actor.act_rows(states, memory, possible)
        drawn = self._chance.integers(self._action.low, self._action.high, size=actions.shape, endpoint=True)
        if possible is not None:
            drawn = np.argmax(self._chance.random(possible.shape) * possible, axis=1)[:, None]
        astray = self._chance.random((len(actions), 1)) < WANDERING
        return np.where(astray, drawn, actions), memory


def visited(actor: Actor, simulator: Simulator, starts: Starts, *, key: Key) -> Lattice:
    """The state rows (k, width) that `actor` gets into from `starts`, these first."""
    horizon = min(simulator.spec.horizon, MOST_STEPS)
    seen = rollout(actor, simulator, episodes=len(starts), horizon=horizon, key=key, starts=starts.rows)
    return np.concatenate([starts.rows, seen.states])


def some_of(rows: Lattice, most: int, *, key: Key) -> Lattice:
    """At most `most` of `rows` (n, width), drawn evenly."""
    return rows if len(rows) <= most else rows[_chance(key).permutation(len(rows))[:most]]


def wanted_outputs(action: Space, actions: Lattice) -> NDArray[np.float64]:
    """What a network's outputs (n, a) should say for `actions` (n, a): which choice, or which share of [-1, 1]."""
    columns = [_wanted(field, actions[:, position]) for position, field in enumerate(action.fields)]
    return np.stack(columns, axis=1)


def agreement(action: Space, one: Lattice, other: Lattice) -> float:
    """How alike the actions `one` and `other` (n, a) are, from 0 to 1: the mean over rows and fields.

    Choices are alike or not, sets by the share of their values, numbers by their distance as a share of the range.
    """
    fields = enumerate(action.fields)
    return 1.0 - float(np.mean([_distance(field, one[:, at], other[:, at]).mean() for at, field in fields]))


def _wanted(field: Field, column: Lattice) -> NDArray[np.float64]:
    values = column.astype(np.float64)
    low, high = bounds(field)
    return values if isinstance(field, Category | Set) else (values - low) * (2.0 / (high - low)) - 1.0


def _distance(field: Field, one: Lattice, other: Lattice) -> NDArray[np.float64]:
    low, high = bounds(field)
    match field:
        case Category():
            return (one != other).astype(np.float64)
        case Set(values):
            return ((one ^ other)[:, None] >> np.arange(len(values)) & 1).mean(axis=1, dtype=np.float64)
        case Angle():
            away = np.abs(one - other)
            return np.minimum(away, high - low + 1 - away) * (2.0 / (high - low + 1))
        case _:
            return np.abs(one - other) * (1.0 / (high - low))


def _chance(key: Key) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=[key.high, key.low]))
