"""Learning a `Machine`: merge what follows each past, follow the record with it, and begin again from where it was.

The recipe and its figures are in `research/discrete.md`, section 1. It needs no reset and no number of states, but 300
to 500 steps for each hidden (state, action, result). Run it only where fields are known to hide something.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import numpy as np
from msgspec import Struct

from worldtwin.exact.table import tally
from worldtwin.learning.memory.course import numbered
from worldtwin.learning.memory.filtering import Followed
from worldtwin.learning.memory.machine import Machine, Sightings, likelihood
from worldtwin.learning.memory.merging import Codes, Floats, Tape, folded, planted
from worldtwin.world import Lattice

KEPT: Final = 0.85
ROUNDS: Final = 4
MOST_STATES: Final = 4096
SMALL: Final = 200_000
ENOUGH_EPISODES: Final = 50
TIE: Final = 2e-4
"""Nats a step that are not worth another state."""


class Tails(Enum):
    """What is hung into the forest: parts that share no step, a part from each step on, or whole episodes."""

    DISJOINT = "disjoint"
    OVERLAPPING = "overlapping"
    EPISODES = "episodes"


class Way(Struct, frozen=True):
    """How to merge: parts of `depth` steps, and how many occurrences the first guess is worth."""

    depth: int
    prior: float
    tails: Tails = Tails.DISJOINT


class Learned(Struct, frozen=True, kw_only=True, eq=False):
    """The best machine; its surprise and that of a table without memory, in nats a step of the last 15 % of the record.

    `followed` says where the machine is at each step of the whole record.
    """

    machine: Machine
    way: Way
    loss: float
    memoryless: float
    followed: Followed


class _Lesson(Struct, frozen=True, eq=False):
    """Steps to learn from, their symbols (n,), how likely each result is anyway (n,), how many follow unbroken (n,)."""

    seen: Sightings
    symbols: Lattice
    chances: Floats
    lengths: Lattice
    actions: int
    results: int
    looks: int

    @property
    def codes(self) -> Codes:
        return Codes(self.results, self.actions * (self.results + 1))

    @property
    def tape(self) -> Tape:
        return Tape(self.symbols, self.seen.next_looks, self.chances, self.lengths)


def learn_machine(seen: Sightings, *, rounds: int = ROUNDS) -> Learned | None:
    """The machine that is least surprised by the end of the record, the smallest one of those that hardly differ.

    None where nothing was seen often enough to be a state.
    """
    kept = max(1, round(KEPT * len(seen)))
    lesson, memoryless = _lesson(seen, kept)
    tried = [one for way in _ways(seen) for one in _rounds(lesson, seen, kept, way, rounds)]
    if not tried:
        return None
    best = min(loss for loss, *_ in tried)
    loss, way, machine, followed = min(
        (one for one in tried if one[0] <= best + TIE), key=lambda one: (len(one[2]), one[0])
    )
    return Learned(machine=machine, way=way, loss=loss, memoryless=memoryless, followed=followed)


def _ways(seen: Sightings) -> list[Way]:
    """What is worth trying on so much data."""
    ways = [Way(10, 0.03), Way(20, 0.03), Way(10, 1.0)]
    if len(seen) < SMALL:
        ways.append(Way(6, 1.0, Tails.OVERLAPPING))
    if np.count_nonzero(~seen.follows) >= ENOUGH_EPISODES:
        ways += [Way(len(seen), prior, Tails.EPISODES) for prior in (0.03, 0.3, 1.0)]
    return ways


def _lesson(seen: Sightings, kept: int) -> tuple[_Lesson, float]:
    """What the first `kept` steps teach; and the surprise of a table without memory at the others."""
    actions, results = int(seen.actions.max()) + 1, int(seen.results.max()) + 1
    looks = int(max(seen.looks.max(), seen.next_looks.max())) + 1
    rows = numbered(np.stack([seen.looks, seen.actions], axis=1))
    cells = numbered(np.stack([rows, seen.results], axis=1))
    times = np.bincount(cells[:kept], minlength=int(cells.max()) + 1)[cells]
    chances = likelihood(times, np.bincount(rows[:kept], minlength=int(rows.max()) + 1)[rows], results)
    part = seen.between(0, kept)
    ends = np.flatnonzero(np.append(~part.follows[1:], True))
    lengths = ends[np.searchsorted(ends, np.arange(kept))] - np.arange(kept) + 1
    symbols = part.actions * results + part.results
    lesson = _Lesson(part, symbols, chances[:kept], lengths, actions, results, looks)
    return lesson, -float(np.log(chances[kept:]).mean()) if kept < len(seen) else 0.0


def _rounds(
    lesson: _Lesson, seen: Sightings, kept: int, way: Way, rounds: int
) -> list[tuple[float, Way, Machine, Followed]]:
    """Each round's surprise at the end of the record, and what it made; each begins where the last one was."""
    states, made = lesson.seen.looks, []
    for turn in range(rounds if way.tails is not Tails.EPISODES else 1):
        machine = _counted(lesson, _merged(lesson, _labels(lesson, states, way), way, turn))
        if not len(machine):
            break
        followed = machine.follow(seen)
        states = followed.states[:kept]
        loss = float(followed.surprise[kept:].mean()) if kept < len(seen) else 0.0
        made.append((loss, way, machine, followed))
    return made


def _labels(lesson: _Lesson, states: Lattice, way: Way) -> Lattice:
    """A number (n,) for the edge that led to each step: the state before, the action, the result; -1 where unknown."""
    seen = lesson.seen
    edges = np.full(len(seen), -1, dtype=np.int64)
    edges[1:] = np.where(states[:-1] >= 0, states[:-1] * lesson.codes.span + lesson.symbols[:-1], -1)
    if way.tails is Tails.EPISODES:
        edges[:] = -1
    edges = np.where(seen.follows, edges, -2 - seen.looks)
    known = edges != -1
    labels = np.full(len(seen), -1, dtype=np.int64)
    labels[known] = numbered(edges[known][:, None])
    return labels


def _merged(lesson: _Lesson, labels: Lattice, way: Way, turn: int) -> Machine:
    """The machine that what follows each label is merged into."""
    seen, disjoint = lesson.seen, way.tails is Tails.DISJOINT
    label_looks = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    label_looks[labels[labels >= 0]] = seen.looks[labels >= 0]
    first, every = (turn % way.depth, way.depth) if disjoint else (0, 1)
    forest = planted(lesson.tape, labels, label_looks, first, every, way.depth)
    looks, table = folded(forest, lesson.codes, len(label_looks), lesson.looks, way.prior, MOST_STATES)
    keys, span = table.keys, lesson.codes.span
    edge = np.flatnonzero((keys >= 0) & (keys % span < lesson.actions * lesson.results))
    edge = edge[np.argsort(keys[edge])]
    symbol = keys[edge] % span
    return Machine(
        looks=looks,
        edges=np.stack([keys[edge] // span, symbol // lesson.results, symbol % lesson.results], axis=1),
        leads=table.target[edge],
        counts=table.passes[edge],
        began=np.zeros(len(looks)),
        prior=way.prior,
        actions=lesson.actions,
        results=lesson.results,
    )


def _counted(lesson: _Lesson, machine: Machine) -> Machine:
    """The machine with the counts of the whole lesson instead of those of the parts that were merged."""
    if not len(machine):
        return machine
    followed, seen = machine.follow(lesson.seen), lesson.seen
    sure = np.flatnonzero(followed.states >= 0)
    edges, first = machine.edges, len(machine.edges)
    columns = [np.concatenate([edges[:, 0], followed.states[sure]])]
    columns += [np.concatenate([edges[:, 1], seen.actions[sure]]), np.concatenate([edges[:, 2], seen.results[sure]])]
    times = np.r_[np.zeros(first, dtype=np.int64), np.ones(len(sure), dtype=np.int64)]
    every, counts = tally(columns, times)
    place = numbered(np.stack(columns, axis=1))[:first]
    leads = np.full(len(every), -1, dtype=np.int64)
    leads[place] = machine.leads
    return Machine(
        looks=machine.looks,
        edges=every,
        leads=leads,
        counts=counts,
        began=followed.starts,
        prior=machine.prior,
        actions=machine.actions,
        results=machine.results,
    )
