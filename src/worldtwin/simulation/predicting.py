"""One prediction, with its alternatives and how sure it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from msgspec import Struct

from worldtwin.errors import InvalidValue, UnknownTransition
from worldtwin.simulation.answers import Alternative, Prediction, Source
from worldtwin.simulation.models.table import Table
from worldtwin.simulation.pay import Pay
from worldtwin.simulation.sources import Known, Sources, picked
from worldtwin.world import Category, Lattice, Spec

Row: TypeAlias = tuple[int, ...]


class Guess(Struct, frozen=True):
    """What the predictors say: `values` (next fields and outputs), each member's values, and the confidence."""

    values: Row
    members: tuple[Row, ...]
    confidence: float


def predicted(
    spec: Spec, sources: Sources, pay: Pay, state: object, action: object, begin: Callable[[Lattice], Lattice]
) -> Prediction:
    """What follows `action` in `state`, where episodes `begin`. Raises `UnknownTransition` or `InvalidValue`."""
    fields, move = spec.state.encode(state), spec.action.encode(action)
    row = fields
    if spec.history or spec.hidden:
        row = tuple(begin(spec.start_rows(np.array([fields], dtype=np.int64)))[0].tolist())
    require_possible(spec, row, move)
    known = sources.known_row(row + move)
    if known is not None:
        return _counted(spec, pay, row, move, known)
    guess = guessed(spec, sources, row + move)
    if guess is None:
        raise unknown(spec, row, move)
    reward, ended = pay.of_one(row, move, guess.values, len(spec.inner))
    shares = {values: guess.members.count(values) for values in guess.members}
    ordered = sorted(shares, key=lambda values: (values != guess.values, -shares[values], values))
    return Prediction(
        next=spec.state.decode(guess.values[: len(fields)]),
        outputs=spec.outputs.decode(guess.values[len(spec.inner) :]),
        reward=reward,
        ended=ended,
        source=Source.PREDICTED,
        confidence=guess.confidence,
        alternatives=tuple(_alternative(spec, v, shares[v] / len(guess.members), 0) for v in ordered),
    )


def guessed(spec: Spec, sources: Sources, row: Row) -> Guess | None:
    """What the predictors say of `row` (state row and action); None when one of them has nothing to say.

    Numbers are those of the median member, names the likeliest ones.
    """
    if not sources.predictors:
        return None
    inputs = np.array([row], dtype=np.int64)
    members = max(1 if isinstance(model, Table) else model.members for model in sources.predictors)
    told = np.zeros((members + 1, len(spec.inner) + len(spec.outputs)), dtype=np.int64)
    confidence = 1.0
    for model in sources.predictors:
        answer = _most_frequent(model, row) if isinstance(model, Table) else model.foreseen(spec, inputs)
        if answer is None:
            return None
        own = answer[0]
        told[:, model.targets] = own[:1]
        told[1:, model.targets] = own[1 + np.arange(members) % (len(own) - 1)] if len(own) > 1 else own
        confidence = min(confidence, answer[1])
    rows = [tuple(values) for values in told.tolist()]
    return Guess(values=rows[0], members=tuple(rows[1:]), confidence=confidence)


def require_possible(spec: Spec, row: Row, move: Row) -> None:
    """Refuse an action that is not possible in the state `row`. Raises `InvalidValue` naming those that are."""
    if not spec.possible:
        return
    field = spec.action.fields[0]
    mask = spec.possible_actions(np.array([row], dtype=np.int64))
    if mask is None or not isinstance(field, Category) or mask[0, move[0]]:
        return
    allowed = ", ".join(value for value, ok in zip(field.values, mask[0].tolist(), strict=True) if ok)
    chosen = field.values[move[0]]
    raise InvalidValue(f"{spec.action.names[0]} `{chosen}` is not possible here: {allowed or 'nothing'} is")


def unknown(spec: Spec, row: Row, move: Row) -> UnknownTransition:
    """The error that says where nothing answers, and what to do."""
    state = spec.state.decode(row[: len(spec.state)])
    return UnknownTransition(
        f"nothing is known of {spec.action.decode(move)} in {state}: record it, or add synthetic data, then fit again"
    )


def _counted(spec: Spec, pay: Pay, row: Row, move: Row, known: Known) -> Prediction:
    table = known.table
    first, last = int(table.offsets[known.row]), int(table.offsets[known.row + 1])
    total = table.total(known.row)
    values = [tuple(row) for row in table.values[first:last].tolist()]
    counts: list[int] = table.counts[first:last].tolist()
    order = sorted(range(len(counts)), key=lambda edge: -counts[edge])
    best = order[0]
    count = len(spec.inner)
    reward, ended = pay.of_one(row, move, values[best], count)
    alternatives = tuple(_alternative(spec, values[edge], counts[edge] / total, counts[edge]) for edge in order)
    return Prediction(
        next=alternatives[0].next,
        outputs=alternatives[0].outputs,
        reward=reward,
        ended=ended,
        source=known.source,
        confidence=counts[best] / (total + 1),
        alternatives=alternatives,
    )


def _alternative(spec: Spec, values: Row, probability: float, count: int) -> Alternative:
    return Alternative(
        next=spec.state.decode(values[: len(spec.state)]),
        outputs=spec.outputs.decode(values[len(spec.inner) :]),
        probability=probability,
        count=count,
    )


def _most_frequent(table: Table, row: Row) -> tuple[Lattice, float] | None:
    """The most frequent outcome (1, targets) of a table that predicts, and the confidence."""
    found = table.index.find_one(picked(table, row)) if len(table) else -1
    if found < 0:
        return None
    first, last = int(table.offsets[found]), int(table.offsets[found + 1])
    best = first + int(np.argmax(table.counts[first:last]))
    return table.values[best : best + 1], int(table.counts[best]) / (table.total(found) + 1)
