"""`Automaton`: an action for each thing that is seen at each of its nodes, and the node to go to."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask
from worldtwin.exact import table as engine
from worldtwin.tasks.actor import Mask, Numbers
from worldtwin.world import Lattice, seal

START: Final = 0
"""The node that it is at when an episode begins."""
LOST: Final = 1
"""The node whose rules count where a node has none for what is seen."""
MOST_NODES: Final = 1 << 24


class Automaton(Struct, frozen=True, kw_only=True, eq=False, dict=True, tag="automaton"):
    """A finite automaton. All that it remembers is the number of a node.

    Where the node and the state's `columns` read as `keys` (R, 1 + k), in lexicographic order, it takes `actions`
    (R, a) and goes to `nodes` (R,). Where no key does, it is as if it were lost (node 1); where that does not help, it
    takes the action `otherwise` and stays lost. Where an action is not possible, it takes the first one that is.
    """

    columns: tuple[int, ...]
    keys: NDArray[np.int64]
    actions: NDArray[np.int64]
    nodes: NDArray[np.int64]
    otherwise: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other, and keys that are not in order."""
        keys, actions, nodes = self.keys, self.actions, self.nodes
        if any(part.dtype != np.int64 for part in (keys, actions, nodes)):
            raise InvalidTask("the keys, actions and nodes of an automaton are int64 arrays")
        shapes = keys.shape, actions.shape, nodes.shape
        rows = len(nodes) if nodes.ndim == 1 else -1
        if shapes != ((rows, 1 + len(self.columns)), (rows, len(self.otherwise)), (rows,)):
            raise InvalidTask(
                f"keys, actions and nodes of shapes {shapes} do not fit {len(self.columns)} columns and "
                f"{len(self.otherwise)} action fields"
            )
        if not self.columns or not rows or not engine.is_sorted(keys):
            raise InvalidTask("the keys of an automaton must be some, different and in lexicographic order")
        if min(keys[:, 0].min(), nodes.min()) < 0 or max(keys[:, 0].max(), nodes.max()) >= MOST_NODES:
            raise InvalidTask(f"the nodes of an automaton are numbers from 0 and below {MOST_NODES:,}")
        seal(self)

    @property
    def fuel(self) -> int:
        """Comparisons of a step: it looks twice when it is lost."""
        return 2 * (1 + len(self.columns)) * max(1, len(self.keys).bit_length())

    def act(self, states: Lattice, memory: Numbers, possible: Mask | None) -> tuple[Lattice, Numbers]:
        """The actions (n, a) in `states` (n, width) with `memory` (n, 1), and the memory after them."""
        seen = states[:, self.columns]
        at = memory[:, :1]
        node = np.where((at >= 0) & (at < MOST_NODES), at, LOST).astype(np.int64)
        found = self._index.find(np.concatenate([node, seen], axis=1))
        lost = np.flatnonzero(found < 0)
        found[lost] = self._index.find(np.concatenate([np.full((len(lost), 1), LOST), seen[lost]], axis=1))
        known = found[:, None] >= 0
        actions = np.where(known, self.actions[found], np.array(self.otherwise, dtype=np.int64))
        after = np.where(known, self.nodes[found][:, None], LOST).astype(np.float64)
        if possible is None:
            return actions, after
        allowed = possible[np.arange(len(states)), actions[:, 0]]
        return np.where(allowed[:, None], actions, possible.argmax(axis=1)[:, None]), after

    @cached_property
    def _index(self) -> engine.RowIndex:
        return engine.RowIndex(self.keys)
