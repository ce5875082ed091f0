"""`Course`: a discrete record as numbers, one for each different state, action and result."""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import RowIndex
from worldtwin.exact.table import tally
from worldtwin.learning.tables import counts_everything
from worldtwin.world import Lattice, Spec, Transitions, is_discrete


class Course(Struct, frozen=True, kw_only=True, eq=False):
    """n steps in order of time: in `states` (n,), `actions` (n,) gave `results` (n,); all are numbers from 0 on.

    A result is the next fields with the discrete outputs. `follows` (n,): the row is the step right after the row
    before. `fields` (n, state and action fields) are what is looked at one by one.
    """

    states: Lattice
    actions: Lattice
    results: Lattice
    follows: NDArray[np.bool_]
    fields: Lattice

    def __len__(self) -> int:
        """The number of steps."""
        return len(self.states)

    @staticmethod
    def of(spec: Spec, rows: Transitions) -> Course:
        """The course of `rows` in a world without real numbers in its state and action."""
        discrete = [column for column, field in enumerate(spec.outputs.fields) if is_discrete(field)]
        return Course(
            states=numbered(rows.full_states(spec)),
            actions=numbered(rows.actions),
            results=numbered(np.concatenate([rows.nexts, rows.outputs[:, discrete]], axis=1)),
            follows=followers(rows),
            fields=np.concatenate([rows.states, rows.actions], axis=1),
        )

    @staticmethod
    def fits(spec: Spec) -> bool:
        """Whether the world's state and action are discrete, so that equal ones can be compared."""
        return counts_everything(spec) and spec.state.discrete


def reaches(follows: NDArray[np.bool_], lag: int) -> Lattice:
    """The rows that have a row `lag` steps before them in the same run, of rows that `follows` (n,) joins."""
    unbroken = follows.copy()
    for back in range(1, lag):
        unbroken[back:] &= follows[:-back]
    unbroken[:lag] = False
    return np.flatnonzero(unbroken)


def followers(rows: Transitions) -> NDArray[np.bool_]:
    """Which rows (n,) begin where the row before ended: the next step of the same episode, with nothing left out."""
    follows = rows.follows
    follows[1:] &= (rows.states[1:] == rows.nexts[:-1]).all(axis=1)
    return follows


def numbered(rows: Lattice) -> Lattice:
    """A number (n,) for each of `rows` (n, columns), equal exactly where the rows are; in their order, from 0 on."""
    if not len(rows):
        return np.zeros(0, dtype=np.int64)
    different, _ = tally(list(rows.T))
    return RowIndex(different).find(rows)
