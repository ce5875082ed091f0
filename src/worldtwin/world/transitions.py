"""`Transitions`: what was recorded, as columns of the lattice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.world.lattice import Lattice
from worldtwin.world.spec import Spec


class Transitions(Struct, frozen=True, kw_only=True, eq=False):
    """n transitions of the declared fields, in time order within each episode.

    `states` and `nexts` (n, fields), `actions` (n, action fields), `outputs` (n, output fields), `episodes` and `steps`
    (n,), all int64; `synthetic` (n,) bool marks what was not measured.
    """

    states: Lattice
    actions: Lattice
    nexts: Lattice
    outputs: Lattice
    episodes: Lattice
    steps: Lattice
    synthetic: NDArray[np.bool_]

    def __len__(self) -> int:
        """The number of transitions."""
        return len(self.states)

    @property
    def follows(self) -> NDArray[np.bool_]:
        """Which rows (n,) are the next step of the episode of the row before; measured and made-up ones stay apart."""
        follows = np.zeros(len(self), dtype=np.bool_)
        follows[1:] = (
            (self.episodes[1:] == self.episodes[:-1])
            & (self.steps[1:] == self.steps[:-1] + 1)
            & (self.synthetic[1:] == self.synthetic[:-1])
        )
        return follows

    def select(self, rows: NDArray[np.bool_] | Lattice) -> Transitions:
        """The transitions at `rows`, a mask (n,) or positions."""
        return Transitions(**{name: getattr(self, name)[rows] for name in self.__struct_fields__})

    def full_states(self, spec: Spec) -> Lattice:
        """State rows (n, width): the fields now and the `spec.history` steps before, padded as at an episode's start.

        A row whose predecessor is missing from the record starts over.
        """
        full, follows = spec.start_rows(self.states), self.follows
        before = np.maximum(np.arange(len(self)) - 1, 0)
        for _ in range(spec.history):
            shifted = spec.shift(full[before], self.actions[before], self.states)
            full = np.where(follows[:, None], shifted, spec.start_rows(self.states))
        return full

    @staticmethod
    def join(parts: Sequence[Transitions]) -> Transitions:
        """All the transitions of `parts`, in order."""
        names = Transitions.__struct_fields__
        return Transitions(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    @staticmethod
    def empty(spec: Spec) -> Transitions:
        """No transitions of `spec`'s world."""
        wide = {
            "states": len(spec.state),
            "actions": len(spec.action),
            "nexts": len(spec.state),
            "outputs": len(spec.outputs),
        }
        columns = {name: np.zeros((0, width), dtype=np.int64) for name, width in wide.items()}
        rows = np.zeros(0, dtype=np.int64)
        return Transitions(**columns, episodes=rows, steps=rows, synthetic=np.zeros(0, dtype=np.bool_))
