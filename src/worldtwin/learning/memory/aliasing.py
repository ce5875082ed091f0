"""Whether the recorded fields are all that the next state depends on; if not, which past step still predicts it."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct

from worldtwin.learning.frequency import by_frequency
from worldtwin.learning.memory.course import Course, numbered, reaches
from worldtwin.learning.memory.evidence import Evidence, evidence, rejected, told_apart
from worldtwin.world import Lattice

LAGS: Final = (1, 2, 3)
SHOWN: Final = 5
_MOST_HISTORIES: Final = 32
_MOST_RESULTS: Final = 64


class Alias(Struct, frozen=True, kw_only=True):
    """After the same state and action, what came `lag` steps before still predicts what follows.

    `row` is one recorded step with that state and action; `bits` the logarithm of the e-value to base 2, from `count`
    steps. Of the older step the column `column` (state fields, then action fields) tells most: its two most different
    values are `values`, seen `seen` times; what followed `result`, another such step, followed them `followed` times.
    """

    row: int
    lag: int
    bits: float
    count: int
    column: int
    values: tuple[int, int]
    seen: tuple[int, int]
    result: int
    followed: tuple[int, int]


class Aliasing(Struct, frozen=True, kw_only=True):
    """How many of the `tested` pairs of row and lag were `rejected`, up to which `lag`, and the clearest of them."""

    tested: int
    rejected: int
    lag: int
    clearest: tuple[Alias, ...]


def aliasing(course: Course, *, beyond: int = 0) -> Aliasing:
    """Which (state, action) rows of `course` have a past that still matters; `beyond` steps belong to the state.

    For each row and each lag of 1 to 3 the results are split by the state and action at that lag, never across a start
    or a gap. Of what is rejected one in a hundred is expected to be wrong. Cost: a dozen sorts of the rows.
    """
    pairs = numbered(np.stack([course.states, course.actions], axis=1))
    fields = numbered(course.fields)
    size = int(pairs.max()) + 1 if len(pairs) else 0
    tests = [_test(course, pairs, fields, beyond + lag, size) for lag in LAGS]
    lags = np.repeat(np.array(LAGS) + beyond, size)
    logs, counts = np.concatenate([test.logs for test in tests]), np.concatenate([test.counts for test in tests])
    tested = np.flatnonzero(counts)
    found = tested[rejected(logs[tested])]
    clearest = [_alias(course, pairs == place % size, int(lags[place]), float(logs[place])) for place in found[:SHOWN]]
    return Aliasing(
        tested=len(tested),
        rejected=len(found),
        lag=int(lags[found].max()) if len(found) else 0,
        clearest=tuple(clearest),
    )


def _test(course: Course, pairs: Lattice, fields: Lattice, lag: int, size: int) -> Evidence:
    reached = reaches(course.follows, lag)
    return evidence(pairs[reached], fields[reached - lag], course.results[reached], size)


def _alias(course: Course, inside: np.ndarray, lag: int, log: float) -> Alias:
    """What the rows marked `inside` (n,) say about the step `lag` before."""
    reached = reaches(course.follows, lag)
    rows = reached[inside[reached]]
    same, results = np.zeros(len(rows), dtype=np.int64), course.results[rows]
    older = course.fields[rows - lag]
    told = [evidence(same, numbered(older[:, [column]]), results, 1).logs[0] for column in range(older.shape[1])]
    column = int(np.argmax(told))
    told_best = _most_different(older[:, column], results)
    return Alias(
        row=int(rows[0]),
        lag=lag,
        bits=log / math.log(2),
        count=len(rows),
        column=column,
        values=told_best.values,
        seen=told_best.seen,
        result=int(rows[told_best.where]),
        followed=told_best.followed,
    )


class _Contrast(NamedTuple):
    """Two values, how often each was seen, a result that is at `where`, and how often it followed them."""

    values: tuple[int, int]
    seen: tuple[int, int]
    where: int
    followed: tuple[int, int]


def _most_different(values: Lattice, results: Lattice) -> _Contrast:
    """The two `values` (n,) that `results` (n,) tell apart best, by the result whose share differs most.

    Only the most frequent values and results are compared.
    """
    names, value = np.unique(values, return_inverse=True)
    kind = by_frequency(numbered(results[:, None]), _MOST_RESULTS)
    width = int(kind.max()) + 1
    counts = np.bincount(value * width + kind, minlength=len(names) * width).reshape(len(names), width)
    usual = np.argsort(-counts.sum(axis=1), kind="stable")[:_MOST_HISTORIES]
    apart = told_apart(counts[usual])
    pair = np.sort(usual[list(np.unravel_index(np.argmax(apart), apart.shape))])
    seen = counts[pair].sum(axis=1)
    result = int(np.argmax(np.abs(np.diff(counts[pair] / seen[:, None], axis=0)[0])))
    followed = counts[pair, result]
    return _Contrast(
        values=(int(names[pair[0]]), int(names[pair[1]])),
        seen=(int(seen[0]), int(seen[1])),
        where=int(np.argmax(kind == result)),
        followed=(int(followed[0]), int(followed[1])),
    )
