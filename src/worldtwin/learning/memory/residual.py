"""Whether a machine explains all: the test for hidden state once more, with its states as rows, on fresh steps."""

from __future__ import annotations

import math

import numpy as np

from worldtwin.learning.memory.aliasing import LAGS
from worldtwin.learning.memory.course import numbered, reaches
from worldtwin.learning.memory.evidence import Evidence, evidence, rejected
from worldtwin.learning.memory.machine import Machine, Sightings
from worldtwin.simulation import MemoryReport
from worldtwin.world import Lattice


def unexplained(machine: Machine, fresh: Sightings) -> MemoryReport:
    """What still matters at the steps of `fresh`, none of which the machine was learned from.

    Rows are (hidden state, action) where the state is sure. Histories are the look and action at lags 1 to 3, and the
    last 1 to 3 different states: what happened before a long wait is out of reach of a lag.
    """
    states = machine.follow(fresh).states
    sure = states >= 0
    pairs = numbered(np.stack([states, fresh.actions], axis=1))
    size = int(pairs.max()) + 1 if len(pairs) else 0
    steps = numbered(np.stack([fresh.looks, fresh.actions], axis=1))
    tests: list[Evidence] = []
    for lag in LAGS:
        reached = reaches(fresh.follows, lag)
        reached = reached[sure[reached]]
        tests.append(evidence(pairs[reached], steps[reached - lag], fresh.results[reached], size))
    for known, before in _different(states, fresh):
        rows = known[sure[known]]
        tests.append(evidence(pairs[rows], before[rows], fresh.results[rows], size))
    logs, counts = np.concatenate([test.logs for test in tests]), np.concatenate([test.counts for test in tests])
    tested = np.flatnonzero(counts)
    found = tested[rejected(logs[tested])] if len(tested) else tested
    if not len(found):
        return MemoryReport(tested=len(tested), text="the machine's memory explains all")
    bits = float(logs[found[0]]) / math.log(2)
    return MemoryReport(
        tested=len(tested),
        rejected=len(found),
        bits=bits,
        rows=int(counts[found[0]]),
        text=f"memory not fully explained: what came before still matters in a hidden state (e-value 2^{bits:.0f})",
    )


def _different(states: Lattice, seen: Sightings) -> list[tuple[Lattice, Lattice]]:
    """For one to three: the rows that have so many earlier states in their run, and a number (n,) for those states."""
    new = ~seen.follows | np.r_[True, states[1:] != states[:-1]]
    block, first = np.cumsum(new) - 1, np.flatnonzero(new)
    run = np.cumsum(~seen.follows)[first]
    found: list[tuple[Lattice, Lattice]] = []
    for many in LAGS:
        before = np.stack([np.roll(states[first], back) for back in range(1, many + 1)], axis=1)
        inside = np.zeros(len(run), dtype=np.bool_)
        inside[many:] = run[many:] == run[:-many]
        found.append((np.flatnonzero(inside[block]), numbered(before)[block]))
    return found
