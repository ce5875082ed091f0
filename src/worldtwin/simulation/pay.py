"""What a step pays and whether it ends the episode: the spec's expressions, on rows and on one row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask
from worldtwin.script import Expression, ends, reward
from worldtwin.world import Lattice, Set, Spec, decode_column, is_discrete

Row: TypeAlias = tuple[int, ...]
Mask: TypeAlias = NDArray[np.bool_]

TOTAL_LIMIT: Final = 1 << 62
"""Totals of rewards stop here, in both directions."""

_RECORDS: Final = ("state", "action", "next", "outputs")


@final
class Pay:
    """Reward, in steps of `spec.reward_unit`, and ending of transitions in the world of `spec`.

    An episode also ends where no action is possible.
    """

    def __init__(self, spec: Spec) -> None:
        self._reward = reward(spec) if spec.reward is not None else None
        self._ends = ends(spec)
        self.unit = spec.reward_unit
        self._limit = spec.returns[1] - spec.returns[0]
        self._exits = spec.state.index(spec.possible) if _may_be_stuck(spec) else -1
        self._readers = _readers(spec, self._ends, self._reward)
        self._penalty = round(spec.returns[0] / spec.horizon / self.unit)

    def of_rows(
        self, states: Lattice, actions: Lattice, nexts: Lattice, outputs: Lattice
    ) -> tuple[Lattice, Mask, Mask]:
        """Rewards (n,) int64, which rows (n,) ended, and for which (n,) that could not be computed."""
        rows = {"state": states, "action": actions, "next": nexts, "outputs": outputs}
        ended, trapped = self._ends.evaluate_rows(rows)
        if self._exits >= 0:
            ended = ended | self.stuck(nexts)
        if self._reward is None:
            return np.zeros(len(states), dtype=np.int64), ended, trapped
        paid, failed = self._reward.evaluate_rows(rows)
        trapped = trapped | failed
        kept = np.where(trapped, 0.0, np.minimum(np.maximum(paid, -self._limit), self._limit))
        return np.rint(kept / self.unit).astype(np.int64), ended & ~trapped, trapped

    def stuck(self, states: Lattice) -> Mask:
        """In which of `states` (n, at least the fields) no action is possible: episodes end there, or never begin."""
        return states[:, self._exits] == 0 if self._exits >= 0 else np.zeros(len(states), dtype=np.bool_)

    def of_one(self, state: Row, action: Row, values: Row, count: int) -> tuple[float | None, bool]:
        """Reward and ending of one transition to `values`: `count` next fields, then outputs. Raises `Trapped`."""
        rows = (state, action, values, values[count:])
        read: dict[str, dict[str, float]] = {"state": {}, "action": {}, "next": {}, "outputs": {}}
        for record, name, number, column, scale in self._readers:
            value = rows[number][column]
            read[record][name] = value * scale if scale else value
        ended = bool(self._ends.evaluate_one(read)) or (self._exits >= 0 and values[self._exits] == 0)
        return (None if self._reward is None else self._paid(self._reward, read)), ended

    def penalty(self, steps: Lattice) -> Lattice:
        """What an episode that stops without an answer is charged for the `steps` (n,) that it had left."""
        return self._penalty * np.minimum(steps, (TOTAL_LIMIT - 1) // max(1, abs(self._penalty)))

    def _paid(self, expression: Expression, read: Mapping[str, Mapping[str, float]]) -> float:
        paid = float(expression.evaluate_one(read))
        if not math.isfinite(paid):
            raise InvalidTask(f"the reward `{expression.source}` is not a finite number here")
        return round(min(max(paid, -self._limit), self._limit) / self.unit) * self.unit


def _may_be_stuck(spec: Spec) -> bool:
    """Whether there are states in which no action is possible: each action is one of the set's values."""
    field = spec.state.field(spec.possible) if spec.possible else None
    return isinstance(field, Set) and len(field.values) == spec.choices


def _readers(spec: Spec, *expressions: Expression | None) -> list[tuple[str, str, int, int, float]]:
    """What to read of a row: record, name, record's number, column, and the size of a step (0: it is itself)."""
    spaces = (spec.state, spec.action, spec.state, spec.outputs)
    reads = dict.fromkeys(pair for expression in expressions if expression for pair in expression.reads)
    found: list[tuple[str, str, int, int, float]] = []
    one = np.ones(1, dtype=np.int64)
    for record, name in reads:
        number = _RECORDS.index(record)
        column = spaces[number].index(name)
        field = spaces[number].fields[column]
        step = 0.0 if is_discrete(field) else float(decode_column(field, one).astype(np.float64)[0])
        found.append((record, name, number, column, step))
    return found
