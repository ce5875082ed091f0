"""Rewards, endings and predicates: one expression over the records it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidScript
from worldtwin.script.checking.expressions import Expressions
from worldtwin.script.checking.source import parse_expression
from worldtwin.script.records import Described, record_of
from worldtwin.script.running.columns import Columns, Evaluator, column_evaluator
from worldtwin.script.running.scalars import Rows, scalar_evaluator
from worldtwin.script.trap import Trapped
from worldtwin.script.tree import BOOL, FLOAT, INT, Node, Read, Type, children
from worldtwin.world import Spec, decode_column

BLOCK: Final = 16384
"""Rows evaluated at a time: what fits beside its intermediate results into a processor's cache."""

Scalar = bool | int | float


class Expression(Struct, frozen=True, eq=False, kw_only=True):
    """A checked expression: its text, its typed tree, and the (record, field) pairs it reads, in order."""

    source: str
    tree: Node
    type: Type
    reads: tuple[tuple[str, str], ...]
    records: Mapping[str, Described]
    on_columns: Evaluator
    on_row: Callable[[Rows], Scalar]

    def evaluate(self, columns: Columns, n: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """The values (n,), float64, int64 or bool, and which rows (n,) trapped: their values mean nothing.

        `columns` holds an array (n,) for each field of each record that is read: floats, ints, indices of names, masks.
        A float that is not finite in the end is a trap too.
        """
        dtype = np.float64 if self.type == FLOAT else np.bool_ if self.type == BOOL else np.int64
        values, trapped = np.empty(n, dtype=dtype), np.zeros(n, dtype=np.bool_)
        with np.errstate(all="ignore"):
            self._fill(columns, values, trapped)
        return values, trapped

    def _fill(self, columns: Columns, values: NDArray[Any], trapped: NDArray[np.bool_]) -> None:
        n = len(values)
        for start in range(0, n, BLOCK):
            rows = slice(start, min(start + BLOCK, n))
            part: dict[str, dict[str, NDArray[Any]]] = {}
            for record, field in self.reads:
                part.setdefault(record, {})[field] = columns[record][field][rows]
            values[rows], trap = self.on_columns(part)
            if trap is not None:
                trapped[rows] = trap
            if self.type == FLOAT:
                finite = np.isfinite(values[rows])
                if not finite.all():
                    trapped[rows] |= ~finite

    def evaluate_rows(self, rows: Mapping[str, NDArray[np.int64]]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """`evaluate` on lattice rows (n, columns) by record; only the fields that are read are decoded."""
        columns: dict[str, dict[str, NDArray[Any]]] = {}
        for record, name in self.reads:
            space = self.records[record]
            if isinstance(space, Mapping):
                raise InvalidScript(f"record `{record}` is not a space: its values cannot be decoded")
            position = space.index(name)
            columns.setdefault(record, {})[name] = decode_column(space.fields[position], rows[record][:, position])
        return self.evaluate(columns, len(next(iter(rows.values()))))

    def evaluate_one(self, row: Rows) -> Scalar:
        """The value for one row: numbers, indices of names and masks by record and field.

        Raises `Trapped` with the line; a float that is not finite in the end is a trap too.
        """
        value = self.on_row(row)
        if not isfinite(value):
            raise Trapped(self.tree.line, "the result is not a finite number")
        return value


def check_expression(source: str, records: Mapping[str, Described], *, expected: Type | None = None) -> Expression:
    """The expression in `source` over `records`: spaces, or mappings from names to `float`, `int` or `bool`.

    The record "" holds names that stand alone. With `expected`, the result has that type. Raises `InvalidScript` with
    the line, the column and what to do.
    """
    text, syntax = parse_expression(source)
    checker = Expressions(text, {name: record_of(described) for name, described in records.items()})
    tree = checker.check(syntax)
    if expected is not None:
        tree = checker.to(tree, expected, syntax, what="the result")
    return Expression(
        source=source,
        tree=tree,
        type=tree.type,
        reads=tuple(dict.fromkeys(_reads(tree))),
        records=records,
        on_columns=column_evaluator(tree),
        on_row=scalar_evaluator(tree),
    )


def reward(spec: Spec) -> Expression:
    """What a step pays, a float, over `state`, `action`, `next` and `outputs`; 0 when the spec has no reward."""
    return check_expression(spec.reward or "0", _step_records(spec), expected=FLOAT)


def ends(spec: Spec) -> Expression:
    """Whether a step ends the episode, a bool, over `state`, `action`, `next` and `outputs`."""
    return check_expression(spec.ends, _step_records(spec), expected=BOOL)


def predicate(spec: Spec, source: str) -> Expression:
    """A question about a run, a bool, over `ret`, `steps`, `fuel` and the records `final`, `low` and `high`."""
    numbers = {"ret": FLOAT, "steps": INT, "fuel": INT}
    return check_expression(
        source, {"": numbers, "final": spec.state, "low": spec.state, "high": spec.state}, expected=BOOL
    )


def _step_records(spec: Spec) -> dict[str, Described]:
    return {"state": spec.state, "action": spec.action, "next": spec.state, "outputs": spec.outputs}


def _reads(node: Node) -> list[tuple[str, str]]:
    if isinstance(node, Read):
        return [(node.record, node.field)]
    return [pair for child in children(node) for pair in _reads(child)]
