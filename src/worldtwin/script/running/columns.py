"""The evaluator of expressions on whole columns.

Both sides of a choice are computed for every row; a trap counts only where the row would have come that way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np

from worldtwin.errors import InvalidScript
from worldtwin.exact.functions import atan2, cos, exp, log, sin, sqrt, tanh
from worldtwin.script.running.arithmetic import Result, Values, either, floats, ints, power, to_float, to_int, where_any
from worldtwin.script.tree import (
    BOOL,
    FLOAT,
    INT,
    LEAST,
    Among,
    Array,
    Binary,
    Call,
    Choose,
    Compare,
    Comparison,
    Constant,
    Convert,
    Element,
    Invoke,
    Local,
    Logic,
    Member,
    Negate,
    Node,
    Not,
    Power,
    Read,
    Recode,
)

Columns: TypeAlias = Mapping[str, Mapping[str, Values]]
Evaluator: TypeAlias = Callable[[Any], Result]
"""From a frame (for an expression its columns, for a program what `running.batch` describes) to values and traps."""

_DTYPES = {BOOL: np.bool_, INT: np.int64, FLOAT: np.float64}
_COMPARE: Mapping[Comparison, Callable[[Values, Values], Values]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


class ColumnLeaves(Protocol):
    """Where the values of a frame are: what differs between an expression and a program."""

    def leaf(self, node: Read | Local | Array | Element | Invoke) -> Evaluator:
        """A field, a variable, an array, its element, or a call of one of the program's functions."""
        ...

    def narrowed(self, frame: Any, rows: Values) -> Any:  # noqa: ANN401 - each evaluator has its own frame
        """The frame for what only these `rows` evaluate."""
        ...


class ExpressionLeaves:
    """The leaves of an expression: its frame is the columns themselves."""

    def leaf(self, node: Read | Local | Array | Element | Invoke) -> Evaluator:
        """A field of a record; there is nothing else in an expression."""
        if isinstance(node, Read):
            return partial(_read, node.record, node.field)
        raise InvalidScript(f"{type(node).__name__.lower()} is for programs, not for expressions", line=node.line)

    def narrowed(self, frame: Columns, rows: Values) -> Columns:  # noqa: ARG002 - as ColumnLeaves has it
        """The same columns: an expression changes nothing, all rows may evaluate it."""
        return frame


def column_evaluator(node: Node) -> Evaluator:
    """A function from columns to the values and traps of the expression `node`: arrays (n,), or () for a constant."""
    return evaluator(node, ExpressionLeaves())


def evaluator(node: Node, leaves: ColumnLeaves) -> Evaluator:
    """A function from a frame to the values and traps of `node`."""
    of = partial(evaluator, leaves=leaves)
    match node:
        case Constant():
            value = np.asarray(node.value, dtype=_DTYPES.get(node.type, np.int64))
            return lambda _: (value, None)
        case Negate() | Not() | Convert() | Recode() | Among() | Power():
            return partial(_single, _of_one(node), of(node.base if isinstance(node, Power) else node.operand))
        case Binary():
            return partial(
                _pair, partial(floats if node.type == FLOAT else ints, node.operator), of(node.left), of(node.right)
            )
        case Compare():
            operators = tuple(_COMPARE[operator] for operator in node.operators)
            operands = tuple(map(of, node.operands))
            if len(operators) == 1:
                return partial(_pair, partial(_compare, *operators), *operands)
            return partial(_chain, leaves, operators, operands)
        case Logic():
            return partial(_logic, leaves, node.operator, tuple(map(of, node.operands)))
        case Choose():
            return partial(_choose, leaves, of(node.test), of(node.body), of(node.orelse))
        case Member():
            return partial(_pair, _member, of(node.item), of(node.names))
        case Call():
            return _call(node, tuple(map(of, node.operands)))
        case _:
            return leaves.leaf(node)


def _of_one(node: Negate | Not | Convert | Recode | Among | Power) -> Callable[[Values], Result]:
    match node:
        case Negate():
            return _negate_int if node.type == INT else _negate
        case Not():
            return _not
        case Convert():
            return _conversion(node)
        case Recode():
            return partial(_recode, np.array(node.table), node.strict)
        case Among():
            return partial(_among, np.array(node.choices, np.int64))
        case Power():
            return lambda base: power(base, node.exponent)


def _read(record: str, field: str, columns: Columns) -> Result:
    return columns[record][field], None


def _single(operation: Callable[[Values], Result], operand: Evaluator, frame: object) -> Result:
    values, before = operand(frame)
    result, trap = operation(values)
    return result, either(before, trap)


def _pair(operation: Callable[[Values, Values], Result], left: Evaluator, right: Evaluator, frame: object) -> Result:
    first, before = left(frame)
    second, between = right(frame)
    result, trap = operation(first, second)
    return result, either(before, between, trap)


def _negate(values: Values) -> Result:
    return -values, None


def _negate_int(values: Values) -> Result:
    return -values, where_any(values == LEAST)


def _not(values: Values) -> Result:
    return ~values, None


def _conversion(node: Convert) -> Callable[[Values], Result]:
    if node.type == BOOL:
        return lambda values: (values != 0, None)
    if node.type == INT:
        return (
            (lambda values: to_int(np.trunc(values)))
            if node.operand.type == FLOAT
            else lambda values: (values.astype(np.int64), None)
        )
    return to_float if node.operand.type == INT else lambda values: (values.astype(np.float64), None)


def _recode(table: Values, strict: bool, values: Values) -> Result:  # noqa: FBT001 - bound once, by position
    found = table[values]
    return found, where_any(found < 0) if strict else None


def _among(choices: Values, values: Values) -> Result:
    return np.isin(values, choices), None


def _member(item: Values, names: Values) -> Result:
    return ((names >> np.maximum(item, 0)) & 1).astype(np.bool_) & (item >= 0), None


def _compare(operator: Callable[[Values, Values], Values], left: Values, right: Values) -> Result:
    return operator(left, right), None


def _chain(
    leaves: ColumnLeaves,
    operators: tuple[Callable[[Values, Values], Values], ...],
    operands: tuple[Evaluator, ...],
    frame: object,
) -> Result:
    left, traps = operands[0](frame)
    holds: Values = np.asarray(1, dtype=np.bool_)
    for operator, operand in zip(operators, operands[1:], strict=True):
        right, trap = operand(leaves.narrowed(frame, holds))
        traps = either(traps, trap if trap is None else trap & holds)
        holds = holds & operator(left, right)
        left = right
    return holds, traps


def _logic(leaves: ColumnLeaves, operator: str, operands: tuple[Evaluator, ...], frame: object) -> Result:
    known, traps = operands[0](frame)
    for operand in operands[1:]:
        asked = known if operator == "and" else ~known
        values, trap = operand(leaves.narrowed(frame, asked))
        traps = either(traps, trap if trap is None else trap & asked)
        known = known & values if operator == "and" else known | values
    return known, traps


def _choose(leaves: ColumnLeaves, test: Evaluator, body: Evaluator, orelse: Evaluator, frame: object) -> Result:
    chosen, traps = test(frame)
    first, trap_first = body(leaves.narrowed(frame, chosen))
    second, trap_second = orelse(leaves.narrowed(frame, ~chosen))
    first_trap = None if trap_first is None else trap_first & chosen
    second_trap = None if trap_second is None else trap_second & ~chosen
    return np.where(chosen, first, second), either(traps, first_trap, second_trap)


def _call(node: Call, operands: tuple[Evaluator, ...]) -> Evaluator:
    match node.function:
        case "min":
            return partial(_extreme, np.less, operands)
        case "max":
            return partial(_extreme, np.greater, operands)
        case "atan2":
            return partial(_pair, _atan2, *operands)
        case "abs":
            return partial(_single, _absolute_int if node.type == INT else _absolute, operands[0])
        case function:
            return partial(_single, _FUNCTIONS[function], operands[0])


def _extreme(better: Callable[[Values, Values], Values], operands: tuple[Evaluator, ...], frame: object) -> Result:
    best, traps = operands[0](frame)
    for operand in operands[1:]:
        values, trap = operand(frame)
        best, traps = np.where(better(values, best), values, best), either(traps, trap)
    return best, traps


def _absolute(values: Values) -> Result:
    return np.abs(values), None


def _absolute_int(values: Values) -> Result:
    return np.abs(values), where_any(values == LEAST)


def _smooth(function: Callable[[Values], Values], values: Values) -> Result:
    """A function that traps where it has no finite answer: outside of its domain, or too large."""
    result = function(values)
    return result, where_any(~np.isfinite(result))


def _atan2(y: Values, x: Values) -> Result:
    """`atan2` that does not see the sign of a zero, which nothing else in the language sees."""
    result = atan2(y + 0.0, x + 0.0)
    return result, where_any(~np.isfinite(result))


_FUNCTIONS: Mapping[str, Callable[[Values], Result]] = {
    "floor": lambda values: to_int(np.floor(values)),
    "ceil": lambda values: to_int(np.ceil(values)),
    "round": lambda values: to_int(np.rint(values)),
    "sqrt": partial(_smooth, sqrt),
    "sin": partial(_smooth, sin),
    "cos": partial(_smooth, cos),
    "exp": partial(_smooth, exp),
    "log": partial(_smooth, log),
    "tanh": partial(_smooth, tanh),
}
