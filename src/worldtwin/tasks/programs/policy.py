"""`TablePolicy`: an action for each listed state."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask
from worldtwin.exact import table as engine
from worldtwin.tasks.actor import Mask
from worldtwin.world import Lattice, seal


class TablePolicy(Struct, frozen=True, kw_only=True, eq=False, dict=True, tag="table"):
    """`actions` (R, a) for the states whose `columns` read as `keys` (R, k), in lexicographic order.

    Elsewhere it takes the action `otherwise`; where that, or the listed one, is not possible, the first one that is.
    """

    columns: tuple[int, ...]
    keys: NDArray[np.int64]
    actions: NDArray[np.int64]
    otherwise: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other, and keys that are not in order."""
        keys, actions = self.keys, self.actions
        if keys.dtype != np.int64 or actions.dtype != np.int64 or keys.ndim != 2 or actions.ndim != 2:
            raise InvalidTask("the keys and actions of a table are two-dimensional int64 arrays")
        if keys.shape[1] != len(self.columns) or actions.shape != (len(keys), len(self.otherwise)):
            raise InvalidTask(
                f"keys of shape {keys.shape} and actions of shape {actions.shape} do not fit "
                f"{len(self.columns)} columns and {len(self.otherwise)} action fields"
            )
        if not self.columns or not engine.is_sorted(keys):
            raise InvalidTask("the keys of a table must be different and in lexicographic order")
        seal(self)

    @property
    def fuel(self) -> int:
        """Comparisons of a step."""
        return len(self.columns) * max(1, len(self.keys).bit_length())

    def with_rules(self, keys: Lattice, actions: Lattice) -> TablePolicy:
        """The table with more rules: `actions` (m, a) where the columns read as `keys` (m, k); the last one counts."""
        joined = np.concatenate([self.keys, keys])
        order = np.lexsort(joined.T[::-1])
        ordered = joined[order]
        last = np.ones(len(ordered), dtype=np.bool_)
        last[:-1] = (ordered[1:] != ordered[:-1]).any(axis=1)
        return TablePolicy(
            columns=self.columns,
            keys=ordered[last],
            actions=np.concatenate([self.actions, actions])[order[last]],
            otherwise=self.otherwise,
        )

    def act(self, states: Lattice, possible: Mask | None) -> Lattice:
        """The actions (n, a) in `states` (n, width)."""
        actions = np.tile(np.array(self.otherwise, dtype=np.int64), (len(states), 1))
        if self._index is not None:
            found = self._index.find(states[:, self.columns])
            actions = np.where(found[:, None] >= 0, self.actions[found], actions)
        if possible is None:
            return actions
        allowed = possible[np.arange(len(states)), actions[:, 0]]
        return np.where(allowed[:, None], actions, possible.argmax(axis=1)[:, None])

    @cached_property
    def _index(self) -> engine.RowIndex | None:
        return engine.RowIndex(self.keys) if len(self.keys) else None
