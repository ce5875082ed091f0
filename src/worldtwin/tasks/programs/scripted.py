"""Script programs: rows in, rows out."""

from __future__ import annotations

import numpy as np

from worldtwin.script import Program
from worldtwin.tasks.actor import Mask, Numbers
from worldtwin.tasks.programs.onebyone import act_one_by_one
from worldtwin.world import Lattice, Spec

FEW: int = 16
"""Up to this many rows, one after the other is faster than all at once."""


def act_together(
    program: Program, spec: Spec, states: Lattice, memory: Numbers, possible: Mask | None
) -> tuple[Lattice, Numbers]:
    """The actions (n, a) and memories (n, m) of `program` in each row.

    Raises `InvalidTask` where it traps, naming the line, or chooses what is not possible.
    """
    if len(states) <= FEW:
        return act_one_by_one(program.act, spec, states, memory, possible)
    steps = program.act_rows(states, memory)
    failed = steps.trapped | ~steps.possible
    if possible is not None:
        failed |= ~possible[np.arange(len(states)), np.where(failed, 0, steps.actions[:, 0])]
    if failed.any():
        row = slice(int(np.argmax(failed)), int(np.argmax(failed)) + 1)
        act_one_by_one(program.act, spec, states[row], memory[row], None if possible is None else possible[row])
    return steps.actions, steps.memory
