"""A world with the hidden states that its record shows: the same rows with one more column."""

from __future__ import annotations

import numpy as np
from msgspec import Struct, structs
from numpy.typing import NDArray

from worldtwin.exact.table import grouped
from worldtwin.learning.memory.explaining import Explained, explained
from worldtwin.learning.memory.machine import Machine, Sightings
from worldtwin.learning.memory.residual import unexplained
from worldtwin.learning.memory.telling import memory_report
from worldtwin.simulation import MemoryReport, Table
from worldtwin.world import Lattice, Spec, Transitions


class Uncovered(Struct, frozen=True, kw_only=True, eq=False):
    """A world with hidden states: its `spec`, and the recorded `rows` (n,) with the hidden state as their last column.

    It is `sure` (n,) at some of the rows. Of those `aside` (n,) the machine has seen nothing. Which hidden states
    fields begin in is counted in `begins`; `memory` says it all in words.
    """

    spec: Spec
    rows: Transitions
    sure: NDArray[np.bool_]
    aside: NDArray[np.bool_]
    begins: Table
    memory: MemoryReport


def uncovered(spec: Spec, rows: Transitions) -> Uncovered | MemoryReport:
    """The world of `spec` with the hidden states of its recorded `rows`; or why it has none, in words.

    Hidden states are looked for only where a past step still matters, and kept only where they predict steps better
    that they were not learned from.
    """
    nothing = np.zeros(len(rows), dtype=np.bool_)
    memory = memory_report(spec, rows, nothing)
    if not memory.rejected:
        return memory
    found = explained(spec, rows)
    if found is None or not found.better:
        return memory
    return _grown(spec, rows, found)


def _grown(spec: Spec, rows: Transitions, found: Explained) -> Uncovered:
    machine = found.learned.machine
    grown = structs.replace(spec, latent=len(machine))
    now, then = _states(machine, found.seen)
    aside = np.zeros(len(rows), dtype=np.bool_)
    aside[found.aside] = True
    parts = {"states": np.c_[rows.states, now], "nexts": np.c_[rows.nexts, then]}
    sure = now < len(machine)
    return Uncovered(
        spec=grown,
        rows=structs.replace(rows, **parts),
        sure=sure,
        aside=aside & sure,
        begins=_begins(machine, *_looks(now[sure], rows.states[sure])),
        memory=_memory(spec, found),
    )


def _states(machine: Machine, seen: Sightings) -> tuple[Lattice, Lattice]:
    """The hidden state (n,) at each step and after it; the number of hidden states where it is not known.

    After a step it is where the machine's own edge leads, so that the same step always leads to the same one; where
    the machine does not know, the state that turned out at the step that follows.
    """
    unknown = len(machine)
    known = np.flatnonzero((seen.actions < machine.actions) & (seen.results < machine.results))
    now = np.full(len(seen), unknown, dtype=np.int64)
    followed = machine.follow(seen.at(known)).states
    now[known] = np.where(followed >= 0, followed, unknown)
    then = np.full(len(seen), unknown, dtype=np.int64)
    then[known] = machine.leads_to(now[known], seen.actions[known], seen.results[known])
    turned_out = np.flatnonzero(seen.follows)
    open_ends = turned_out[then[turned_out - 1] == unknown]
    then[open_ends - 1] = now[open_ends]
    return now, then


def _looks(states: Lattice, fields: Lattice) -> tuple[Lattice, Lattice]:
    """The hidden states that occur (k,) and the fields (k, fields) that each of them looks like."""
    names, first = np.unique(states, return_index=True)
    return names, fields[first]


def _begins(machine: Machine, states: Lattice, fields: Lattice) -> Table:
    """By fields, the hidden states that episodes began in and how often; where none began, how often each was seen.

    The hidden `states` (k,) look like `fields` (k, fields).
    """
    began = np.rint(machine.began).astype(np.int64)[states]
    often = np.bincount(machine.edges[:, 0], weights=machine.counts, minlength=len(machine)).astype(np.int64)[states]
    by_look = machine.looks[states]
    some = np.bincount(by_look, weights=began, minlength=int(machine.looks.max()) + 1)[by_look] > 0
    counts = np.where(some, began, np.maximum(often, 1))
    kept = counts > 0
    groups = grouped(list(fields[kept].T), [states[kept]], counts[kept])
    count = fields.shape[1]
    return Table(inputs=tuple(range(count)), targets=(count,), **groups._asdict())


def _memory(spec: Spec, found: Explained) -> MemoryReport:
    """What was found, and whether it is all, by the steps that the machine was not learned from."""
    left = unexplained(found.learned.machine, found.seen.at(found.aside))
    states = len(found.learned.machine)
    text = f"a machine of {states:,} hidden states explains {spec.name} ({found.losses})"
    return structs.replace(left, text=f"{text}: {left.text}")
