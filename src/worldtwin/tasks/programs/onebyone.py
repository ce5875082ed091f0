"""Programs that decide one state at a time, in plain Python: rows in, rows out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from worldtwin.errors import InvalidTask, InvalidValue
from worldtwin.tasks.actor import Mask, Numbers
from worldtwin.world import Category, Lattice, Point, Spec

Decide: TypeAlias = Callable[[Point, tuple[float, ...]], tuple[object, tuple[float, ...]]]
"""From a state and the memory to a physical action and the memory after."""


def act_one_by_one(
    decide: Decide, spec: Spec, states: Lattice, memory: Numbers, possible: Mask | None
) -> tuple[Lattice, Numbers]:
    """The actions (n, a) and memories (n, m) of `decide` for each row. Raises `InvalidTask` at an impossible action."""
    actions = np.empty((len(states), len(spec.action)), dtype=np.int64)
    after = np.empty_like(memory)
    rows: list[list[int]] = states[:, : len(spec.state)].tolist()
    for at, (row, remembered) in enumerate(zip(rows, memory.tolist(), strict=True)):
        answer, kept = decide(spec.state.decode(tuple(row)), tuple(remembered))
        if len(kept) != memory.shape[1]:
            raise InvalidTask(f"the task returned a memory of {len(kept)} numbers, not {memory.shape[1]}")
        after[at] = kept
        actions[at] = _encoded(spec, answer)
        if possible is not None and not possible[at, actions[at, 0]]:
            raise _impossible(spec, int(actions[at, 0]), possible[at])
    return actions, after


def _encoded(spec: Spec, answer: object) -> tuple[int, ...]:
    try:
        return spec.action.encode(answer)
    except InvalidValue as error:
        raise InvalidTask(f"the task's action is not possible: {error}") from error


def _impossible(spec: Spec, chosen: int, possible: Mask) -> InvalidTask:
    field = spec.action.fields[0]
    values = field.values if isinstance(field, Category) else ()
    allowed = [value for value, ok in zip(values, possible.tolist(), strict=True) if ok]
    return InvalidTask(f"the task chose `{values[chosen]}`, which is not possible here: {', '.join(allowed)} are")
