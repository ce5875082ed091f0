"""A simulator as many rows that live side by side: what both Gymnasium interfaces are made of."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.environments.reading import observe
from worldtwin.environments.writing import show, space_of
from worldtwin.errors import InvalidValue
from worldtwin.exact import Key, Words
from worldtwin.simulation import Simulator, Source
from worldtwin.world import Category, Integer, Lattice

Mask = NDArray[np.bool_]


class Stepped(Struct, frozen=True, kw_only=True, eq=False):
    """What one step of n rows came to, each (n,)."""

    rewards: NDArray[np.float64]
    terminated: Mask
    truncated: Mask
    sources: NDArray[np.int8]


@final
class Twin:
    """n rows of one simulator: where they are, and the keys of their episodes. Mutable."""

    def __init__(self, simulator: Simulator, n: int) -> None:
        self.simulator, self.spec = simulator, simulator.spec
        self.observation_space = space_of(self.spec.state)
        self.action_space = space_of(self.spec.action)
        self._states = np.zeros((n, self.spec.width), dtype=np.int64)
        self._steps = np.zeros(n, dtype=np.int64)
        self._episodes = np.full(n, -1, dtype=np.int64)
        self._roots: list[Key] = [Key(0, 0)] * n
        self._keys: Words = np.zeros((n, 2), dtype=np.uint32)

    def seed(self, row: int, key: Key) -> None:
        """Let the episodes of `row` begin anew with `key`."""
        self._roots[row], self._episodes[row] = key, -1

    def start(self, rows: Lattice) -> None:
        """Begin the next episode in `rows` (m,)."""
        self._episodes[rows] += 1
        for row in rows.tolist():
            self._keys[row] = self._roots[row].episodes(self._episodes[row : row + 1])[0]
        self._states[rows] = self.simulator.start_states(self._keys[rows])
        self._steps[rows] = 0

    def step(self, rows: Lattice, actions: Lattice) -> Stepped:
        """Take `actions` (m, a) in `rows` (m,).

        Where no source answers, the row ends and is charged for the rest: that is not truncated, or whoever learns here
        would expect more to come.
        """
        spec, states = self.spec, self._states[rows]
        ahead = self.simulator.advance(states, actions, self._keys[rows], self._steps[rows])
        paid, ended, trapped = self.simulator.pay.of_rows(states, actions, ahead.next_fields, ahead.outputs)
        self._states[rows] = spec.shift(states, actions, ahead.next_fields)
        self._steps[rows] += 1
        left = np.maximum(spec.horizon - self._steps[rows], 0)
        lost = trapped | (ahead.source == Source.UNKNOWN)
        paid = np.where(lost, self.simulator.pay.penalty(left + 1), paid)
        ended = ended | lost
        return Stepped(
            rewards=paid * spec.reward_unit,
            terminated=ended,
            truncated=~ended & (left == 0),
            sources=np.where(lost, np.int8(Source.UNKNOWN), ahead.source),
        )

    def shown(self) -> Any:  # noqa: ANN401 - an array, or some by name
        """The observations (n, ...); by name, where there are images beside other fields."""
        return show(self.spec.state, self._states[:, : len(self.spec.state)], self.observation_space)

    def possible(self) -> NDArray[np.int8] | None:
        """Which values of the action are possible (n, choices), as Gymnasium samples them; None: all always."""
        possible = self.spec.possible_actions(self._states)
        return None if possible is None else possible.astype(np.int8)

    def chosen(self, actions: Any) -> Lattice:  # noqa: ANN401 - whatever a space holds
        """The lattice actions (n, a) of a batch of elements of the action space. Raises `InvalidValue`."""
        batch = np.asarray(actions)
        if all(isinstance(field, Category | Integer) for field in self.spec.action.fields):
            return self._choices(batch.reshape(len(batch), -1))
        return np.array([observe(self.spec.action, action) for action in batch], dtype=np.int64)

    def _choices(self, batch: NDArray[Any]) -> Lattice:
        low, high = self.spec.action.low, self.spec.action.high
        inside = batch.shape[1] == len(low) and (batch == np.floor(batch)).all() and not np.isnan(batch).any()
        if not inside or ((batch < low) | (batch > high)).any():
            raise InvalidValue(f"{batch.tolist()!r:.80} is not in the action space {self.action_space}")
        return batch.astype(np.int64)
