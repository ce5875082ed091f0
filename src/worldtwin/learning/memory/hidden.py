"""Learning a `Machine`: merge what follows each past, follow the record with it, and begin again from where it was.

The recipe and its figures are in `research/discrete.md`, section 1. It needs no reset and no number of states, but 300
to 500 steps for each hidden (state, action, result). Run it only where fields are known to hide something.
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct

from worldtwin.learning.memory.course import numbered
from worldtwin.learning.memory.filtering import Followed
from worldtwin.learning.memory.histories import remembered
from worldtwin.learning.memory.machine import Machine, Sightings, likelihood
from worldtwin.learning.memory.merging import Codes, Floats, Tape, folded, planted
from worldtwin.world import Lattice

KEPT: Final = 0.85
ROUNDS: Final = 4
MOST_STATES: Final = 4096
SMALL: Final = 200_000
ENOUGH_EPISODES: Final = 50
DEEPEST: Final = 4
FEW: Final = 10_000
"""So few steps are judged in turn: the end of them alone would be ruled by chance."""

PARTS: Final = 5
BLOCKS: Final = 20
SURE: Final = 2.0
"""By so many standard errors of its mean a gain must be above nothing."""
TIE: Final = 2e-4
"""Nats a step that are not worth another state."""


class Tails(Enum):
    """What is hung into the forest: parts that share no step, a part from each step on, or whole episodes.

    Or no forest at all: states are the steps before.
    """

    DISJOINT = "disjoint"
    OVERLAPPING = "overlapping"
    EPISODES = "episodes"
    HISTORY = "history"


class Way(Struct, frozen=True):
    """How to merge: parts of `depth` steps, and how many occurrences the first guess is worth."""

    depth: int
    prior: float
    tails: Tails = Tails.DISJOINT


FORGETFUL: Final = Way(0, 1e6, Tails.HISTORY)
"""A state for each look. All that look alike are one, so what they usually are says it."""


class Learned(Struct, frozen=True, kw_only=True, eq=False):
    """The best machine; its surprise and that of a table without memory, in nats a step that was not learned from.

    `followed` says where the machine is at each step of the whole record. It saw the first 85 % of it.
    """

    machine: Machine
    way: Way
    loss: float
    memoryless: float
    followed: Followed


class Tried(NamedTuple):
    """One machine: in which `way` it was made, in which of its rounds, and where it is at each step."""

    way: Way
    turn: int
    machine: Machine
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


def learn_machine(seen: Sightings, *, rounds: int = ROUNDS) -> Learned:
    """The machine that is least surprised by steps it did not see, the smallest one of those that hardly differ.

    These steps are the end of the record; of few steps all are judged in turn, each by what the others teach. A machine
    that is not surely better than a table without memory is such a table.
    """
    ways = [FORGETFUL, *_ways(seen)]
    first = np.arange(max(1, round(KEPT * len(seen))))
    if len(seen) > FEW or len(first) == len(seen):
        made = _made(seen, first, ways, rounds)
        rest = np.arange(len(first), len(seen))
        judged = [_Judged(one.way, one.turn, len(one.machine), _surprise(one, seen, rest)) for one in made]
        best = _best(judged)
    else:
        judged = _judged_in_turn(seen, ways, rounds)
        best = _best(judged)
        made = _made(seen, first, [*dict.fromkeys((FORGETFUL, best.way))], rounds)
    found = next((one for one in made if (one.way, one.turn) == (best.way, best.turn)), made[0])
    losses = [_mean(one.surprise) for one in (best, judged[0])]
    return Learned(
        machine=found.machine,
        way=found.way,
        loss=losses[0] if found.way == best.way else losses[1],
        memoryless=losses[1],
        followed=found.followed,
    )


class _Judged(NamedTuple):
    """One way and round, the size of what it made, and the surprise (m,) at steps it did not see."""

    way: Way
    turn: int
    size: float
    surprise: Floats


def _judged_in_turn(seen: Sightings, ways: list[Way], rounds: int) -> list[_Judged]:
    """Each way and round, judged on all steps: in five parts, each by what the others teach."""
    parts = np.arange(len(seen)) * PARTS // len(seen)
    found: dict[tuple[Way, int], list[tuple[int, Floats]]] = {}
    for part in range(PARTS):
        aside = np.flatnonzero(parts == part)
        for one in _made(seen, np.flatnonzero(parts != part), ways, rounds):
            found.setdefault((one.way, one.turn), []).append((len(one.machine), _surprise(one, seen, aside)))
    return [
        _Judged(way, turn, float(np.mean([size for size, _ in each])), np.concatenate([lost for _, lost in each]))
        for (way, turn), each in found.items()
        if len(each) == PARTS
    ]


def _best(judged: list[_Judged]) -> _Judged:
    """The smallest of those that hardly differ from the best, if it is surely better than the first of them."""
    forgetful, *others = judged
    if not others or not len(forgetful.surprise):
        return forgetful
    least = min(_mean(one.surprise) for one in others)
    best = min(
        (one for one in others if _mean(one.surprise) <= least + TIE), key=lambda one: (one.size, _mean(one.surprise))
    )
    gains = [part.mean() for part in np.array_split(forgetful.surprise - best.surprise, BLOCKS) if len(part)]
    noise = float(np.std(gains, ddof=1)) / math.sqrt(len(gains)) if len(gains) > 1 else math.inf
    return best if np.mean(gains) > max(TIE, SURE * noise) else forgetful


def _surprise(tried: Tried, seen: Sightings, judged: Lattice) -> Floats:
    """The surprise (m,) at the `judged` steps (m,) of what was made without them."""
    return tried.machine.surprise(seen.at(judged), tried.followed.states[judged])


def _mean(surprise: Floats) -> float:
    return float(surprise.mean()) if len(surprise) else 0.0


def _ways(seen: Sightings) -> list[Way]:
    """What is worth trying on so much data."""
    ways = [Way(10, 0.03), Way(20, 0.03), Way(10, 1.0)]
    if len(seen) < SMALL:
        ways.append(Way(6, 1.0, Tails.OVERLAPPING))
        ways += [Way(DEEPEST, prior, Tails.HISTORY) for prior in (0.3, 1.0, 4.0)]
    if np.count_nonzero(~seen.follows) >= ENOUGH_EPISODES:
        ways += [Way(len(seen), prior, Tails.EPISODES) for prior in (0.03, 0.3, 1.0)]
    return ways


def _lesson(seen: Sightings, taught: Lattice) -> _Lesson:
    """What the steps at the rising positions `taught` teach."""
    actions, results = int(seen.actions.max()) + 1, int(seen.results.max()) + 1
    looks = int(max(seen.looks.max(), seen.next_looks.max())) + 1
    part = seen.at(taught)
    rows = numbered(np.stack([part.looks, part.actions], axis=1))
    cells = numbered(np.stack([rows, part.results], axis=1))
    chances = likelihood(np.bincount(cells)[cells], np.bincount(rows)[rows], results)
    ends = np.flatnonzero(np.append(~part.follows[1:], True))
    lengths = ends[np.searchsorted(ends, np.arange(len(part)))] - np.arange(len(part)) + 1
    symbols = part.actions * results + part.results
    return _Lesson(part, symbols, chances, lengths, actions, results, looks)


def _made(seen: Sightings, taught: Lattice, ways: list[Way], rounds: int) -> list[Tried]:
    """What each of the `ways` makes, round after round, of the steps at `taught` (k,)."""
    lesson = _lesson(seen, taught)
    return [one for way in ways for one in _rounds(lesson, seen, taught, way, rounds)]


def _rounds(lesson: _Lesson, seen: Sightings, taught: Lattice, way: Way, rounds: int) -> list[Tried]:
    """What each round makes; each begins where the last one was."""
    states, made = lesson.seen.looks, list[Tried]()
    for turn in range(rounds if way.tails in {Tails.DISJOINT, Tails.OVERLAPPING} else 1):
        machine = _machine(lesson, states, way, turn)
        if not len(machine):
            break
        machine = machine.counted(lesson.seen)
        followed = machine.follow(seen)
        states = followed.states[taught]
        made.append(Tried(way, turn, machine, followed))
    return made


def _machine(lesson: _Lesson, states: Lattice, way: Way, turn: int) -> Machine:
    """What one round makes from where the last one was."""
    if way.tails is not Tails.HISTORY:
        return _merged(lesson, _labels(lesson, states, way), way, turn)
    return remembered(
        lesson.seen,
        lesson.chances,
        depth=way.depth,
        prior=way.prior,
        actions=lesson.actions,
        results=lesson.results,
    )


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
