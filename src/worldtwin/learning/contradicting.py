"""Rows that say something else comes next than what the row after them begins with.

What a row led to is where the next step of its episode begins. Where the record says otherwise, what follows may have
been shifted by a step on its way here; a world learned from it may stand still, and be predicted perfectly.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from worldtwin.learning.wording import in_words
from worldtwin.simulation import ContradictionReport
from worldtwin.world import Angle, Field, Lattice, Space, Spec, Transitions, decode, is_discrete, wrap_column

ROUNDING: Final = 0.01
"""A difference of this share of a number's usual change from row to row is none: files round, sensors read twice."""

_MOST: Final = 0.5

Rows = NDArray[np.bool_]


class _Pairs(NamedTuple):
    """Of rows at `places` (m,) the state `now`, what `then` shall follow, and the state `after` (m, fields)."""

    places: Lattice
    now: Lattice
    then: Lattice
    after: Lattice


def contradictions(spec: Spec, rows: Transitions) -> ContradictionReport:
    """What `rows` say of the next state against the row after them, where that is the next step of the same episode.

    Only rows in which something changes can tell. Made-up rows are looked at when there are no others. Cost: a few
    passes over the rows.
    """
    pairs = _pairs(rows)
    allowed = np.array([_allowed(*column) for column in _columns(spec.state, pairs.now, pairs.after)])
    wrong = _differ(spec.state, pairs.then, pairs.after, allowed)
    still = ~_differ(spec.state, pairs.now, pairs.then, allowed)
    moving = wrong | ~still | _differ(spec.state, pairs.now, pairs.after, allowed)
    compared, found = int(moving.sum()), int(wrong.sum())
    if not found:
        text = f"none of {compared:,} rows" if compared else "no row in which something changes is followed by another"
        return ContradictionReport(compared=compared, text=text)
    return ContradictionReport(
        compared=compared,
        found=found,
        text=f"{found:,} of {compared:,} rows in which something changes say something else comes next than the row "
        "after them begins with",
        example=_example(spec.state, rows, pairs, int(np.argmax(wrong)), allowed),
        advice=_advice(int((wrong & still).sum()), _late(spec.state, pairs, wrong, allowed), found),
    )


def _pairs(rows: Transitions) -> _Pairs:
    measured = ~rows.synthetic | rows.synthetic.all()
    places = np.flatnonzero(rows.follows[1:] & measured[1:])
    return _Pairs(places, rows.states[places], rows.nexts[places], rows.states[places + 1])


def _columns(space: Space, one: Lattice, other: Lattice) -> list[tuple[Field, Lattice]]:
    """How far apart (m,) each field is in `one` and the `other` (m, fields)."""
    apart = other - one
    columns = zip(space.fields, apart.T, strict=True)
    return [(field, np.abs(wrap_column(column) if isinstance(field, Angle) else column)) for field, column in columns]


def _allowed(field: Field, changes: Lattice) -> float:
    """The difference that is none, of a field with such `changes` (m,) from row to row."""
    return 0.0 if is_discrete(field) or not len(changes) else ROUNDING * float(changes.mean())


def _differ(space: Space, one: Lattice, other: Lattice, allowed: NDArray[np.float64]) -> Rows:
    """Which rows (m,) of `one` and the `other` (m, fields) differ in some field."""
    differ = np.zeros(len(one), dtype=np.bool_)
    for (_, apart), most in zip(_columns(space, one, other), allowed, strict=True):
        differ |= apart > most
    return differ


def _late(space: Space, pairs: _Pairs, wrong: Rows, allowed: NDArray[np.float64]) -> int:
    """How many of the `wrong` rows (m,) tell what comes one row later still."""
    twice = np.flatnonzero(wrong[:-1] & (np.diff(pairs.places) == 1))
    return int((~_differ(space, pairs.then[twice], pairs.after[twice + 1], allowed)).sum())


def _example(space: Space, rows: Transitions, pairs: _Pairs, first: int, allowed: NDArray[np.float64]) -> str:
    """In which field the `first` of the pairs that contradict each other does so, and how."""
    then, after = pairs.then[first], pairs.after[first]
    columns = _columns(space, then[None], after[None])
    column = next(i for i, ((_, apart), most) in enumerate(zip(columns, allowed, strict=True)) if apart[0] > most)
    field, place = space.fields[column], int(pairs.places[first])
    said, seen = (in_words(decode(field, int(row[column]))) for row in (then, after))
    where = f"step {rows.steps[place]:,} of episode {rows.episodes[place]:,}"
    return f"after {where} `{space.names[column]}` is said to be {said}, but the next step begins with {seen}"


def _advice(early: int, late: int, found: int) -> str:
    """What to look at, by how many of those `found` repeat their own state, and how many are a row ahead."""
    if max(early, late) > _MOST * found:
        count, what = (early, "repeat their own state") if early >= late else (late, "tell what comes a row later")
        return (
            f"{count:,} of these {what}: is what follows shifted by a step? Correct what writes it, or leave out the "
            "next states, which are then taken from the rows after"
        )
    return (
        "is the order of the rows that of time? Give rows that do not follow each other different `episode` numbers, "
        "or leave a gap in `step`"
    )
