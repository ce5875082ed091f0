"""The evaluator of one row: the typed tree as nested Python functions, without `eval`, `exec` or `compile`.

A function takes a frame: for an expression the row's records, for a program the list that `running.steps` describes.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol, TypeAlias

from worldtwin.errors import InvalidScript
from worldtwin.exact.functions import atan2_one, cos_one, exp_one, log_one, sin_one, tanh_one
from worldtwin.script.trap import Trapped
from worldtwin.script.tree import (
    BOOL,
    EXACT,
    FLOAT,
    INT,
    LEAST,
    MOST,
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

Rows: TypeAlias = Mapping[str, Mapping[str, "bool | int | float"]]
Closure: TypeAlias = Callable[[Any], Any]  # a frame in, the value of the node's type out

_COMPARE: Final[Mapping[Comparison, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CALCULATE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": operator.mod,
}
_OVERFLOW: Final = "the result needs more than 64 bits"
_ZERO: Final = "division by zero"


class Leaves(Protocol):
    """Where the values of a frame are: what differs between an expression and a program."""

    def read(self, node: Read) -> Closure:
        """A field of a record."""
        ...

    def local(self, node: Local) -> Closure:
        """A variable."""
        ...

    def invoke(self, node: Invoke, operands: tuple[Closure, ...]) -> Closure:
        """A call of one of the program's functions."""
        ...


class RowLeaves:
    """The leaves of an expression: its frame is the row itself."""

    def read(self, node: Read) -> Closure:
        """A field of a record of the row."""
        record, field = node.record, node.field
        return lambda row: row[record][field]

    def local(self, node: Local) -> Closure:
        """Refused: an expression has no variables."""
        raise InvalidScript("variables are for programs, not for expressions", line=node.line)

    def invoke(self, node: Invoke, operands: tuple[Closure, ...]) -> Closure:  # noqa: ARG002 - as Leaves has it
        """Refused: an expression has no functions of its own."""
        raise InvalidScript("functions are for programs, not for expressions", line=node.line)


def scalar_evaluator(node: Node) -> Callable[[Rows], bool | int | float]:
    """A function from one row to the value of the expression `node`; it raises `Trapped`."""
    return closure(node, RowLeaves())


def closure(node: Node, leaves: Leaves) -> Closure:  # noqa: PLR0912 - one branch for each kind of node
    """A function from a frame to the value of `node`; it raises `Trapped` with the line."""
    of = partial(closure, leaves=leaves)
    match node:
        case Constant():
            value = node.value
            return lambda _: value
        case Read():
            return leaves.read(node)
        case Local():
            return leaves.local(node)
        case Invoke():
            return leaves.invoke(node, tuple(map(of, node.operands)))
        case Binary():
            return _binary(node, of(node.left), of(node.right))
        case Compare():
            return _compare(tuple(_COMPARE[sign] for sign in node.operators), tuple(map(of, node.operands)))
        case Logic():
            return _logic(node, tuple(map(of, node.operands)))
        case Choose():
            test, body, orelse = of(node.test), of(node.body), of(node.orelse)
            return lambda frame: body(frame) if test(frame) else orelse(frame)
        case Member():
            return _member(of(node.item), of(node.names))
        case Call():
            return _call(node, tuple(map(of, node.operands)))
        case Array() | Element():
            return _array(node, of)
        case Negate() | Not() | Convert() | Recode() | Among():
            return _of_one(node, of(node.operand))
        case Power():
            return _power(node, of(node.base))


def _of_one(node: Negate | Not | Convert | Recode | Among, operand: Closure) -> Closure:
    match node:
        case Negate():
            return (
                _checked(node.line, lambda frame: -operand(frame))
                if node.type == INT
                else lambda frame: -operand(frame)
            )
        case Not():
            return lambda frame: not operand(frame)
        case Convert():
            return _convert(node, operand)
        case Recode():
            return _recode(node, operand)
        case Among():
            choices = frozenset(node.choices)
            return lambda frame: operand(frame) in choices


def _checked(line: int, calculate: Closure) -> Closure:
    def checked(frame: object) -> int:
        value = calculate(frame)
        if not LEAST <= value <= MOST:
            raise Trapped(line, _OVERFLOW)
        return value

    return checked


def _binary(node: Binary, left: Closure, right: Closure) -> Closure:
    calculate: Callable[[Any, Any], Any] = _CALCULATE[node.operator]
    if node.operator in {"/", "//", "%"}:
        line = node.line

        def divided(frame: object) -> Any:  # noqa: ANN401 - an int or a float, as the node's type says
            dividend, divisor = left(frame), right(frame)
            if divisor == 0:
                raise Trapped(line, _ZERO)
            return calculate(dividend, divisor)

        return _checked(line, divided) if node.type == INT else divided
    if node.type == INT:
        return _checked(node.line, lambda frame: calculate(left(frame), right(frame)))
    match node.operator:
        case "+":
            return lambda frame: left(frame) + right(frame)
        case "-":
            return lambda frame: left(frame) - right(frame)
        case _:
            return lambda frame: left(frame) * right(frame)


def _power(node: Power, base: Closure) -> Closure:
    exponent, whole, line = node.exponent, node.type == INT, node.line
    if exponent == 0:
        return lambda frame: base(frame) * 0 + 1 if whole else _one(base(frame))

    def power(frame: object) -> Any:  # noqa: ANN401 - an int or a float, as the node's type says
        value = result = base(frame)
        for _ in range(exponent - 1):
            result = result * value
            if whole and not LEAST <= result <= MOST:
                raise Trapped(line, _OVERFLOW)
        return result

    return power


def _one(_: float) -> float:
    return 1.0


def _compare(signs: tuple[Callable[[Any, Any], bool], ...], operands: tuple[Closure, ...]) -> Closure:
    if len(signs) == 1:
        (sign,), (left, right) = signs, operands
        return lambda frame: sign(left(frame), right(frame))

    def chain(frame: object) -> bool:
        before = operands[0](frame)
        for sign, operand in zip(signs, operands[1:], strict=True):
            value = operand(frame)
            if not sign(before, value):
                return False
            before = value
        return True

    return chain


def _logic(node: Logic, operands: tuple[Closure, ...]) -> Closure:
    if node.operator == "and":
        return lambda frame: all(operand(frame) for operand in operands)
    return lambda frame: any(operand(frame) for operand in operands)


def _member(item: Closure, names: Closure) -> Closure:
    def member(frame: object) -> bool:
        index, mask = item(frame), names(frame)
        return index >= 0 and bool(mask >> index & 1)

    return member


def _convert(node: Convert, operand: Closure) -> Closure:
    if node.type == BOOL:
        return lambda frame: operand(frame) != 0
    if node.type == INT:
        return (
            _whole(node.line, operand, math.trunc) if node.operand.type == FLOAT else lambda frame: int(operand(frame))
        )
    if node.operand.type == BOOL:
        return lambda frame: float(operand(frame))
    line = node.line

    def to_float(frame: object) -> float:
        value = operand(frame)
        if not -EXACT <= value <= EXACT:
            raise Trapped(line, f"the int {value} is too large for a float: beyond 2^53 bits would be lost")
        return float(value)

    return to_float


def _whole(line: int, operand: Closure, rounding: Callable[[float], int]) -> Closure:
    def whole(frame: object) -> int:
        value = operand(frame)
        if not float(LEAST) <= value < -float(LEAST):
            raise Trapped(line, f"the float {value} is no 64-bit int")
        return rounding(value)

    return whole


def _recode(node: Recode, operand: Closure) -> Closure:
    table, line, strict = node.table, node.line, node.strict

    def recode(frame: object) -> int:
        index: int = operand(frame)
        found = table[index]
        if strict and found < 0:
            raise Trapped(line, "this name is not one of the values expected here")
        return found

    return recode


def _array(node: Array | Element, of: Callable[[Node], Closure]) -> Closure:
    if isinstance(node, Array):
        elements, times = tuple(map(of, node.elements)), node.times
        return lambda frame: [element(frame) for element in elements] * times
    array, index, length, line = of(node.array), of(node.index), node.array.type.length, node.line

    def element(frame: object) -> bool | int | float:
        values, position = array(frame), index(frame)
        if not -length <= position < length:
            raise Trapped(line, f"there is no element {position}: the array has {length}")
        return values[position]

    return element


def _call(node: Call, operands: tuple[Closure, ...]) -> Closure:
    match node.function:
        case "min" | "max":
            return _extreme(min if node.function == "min" else max, operands)
        case "abs":
            return _absolute(node, operands[0])
        case "floor" | "ceil" | "round":
            rounding = {"floor": math.floor, "ceil": math.ceil, "round": round}[node.function]
            return _whole(node.line, operands[0], rounding)
        case "atan2":
            y, x = operands
            return _finite(node, lambda frame: atan2_one(y(frame) + 0.0, x(frame) + 0.0))
        case function:
            one, operand = _SMOOTH[function], operands[0]
            return _finite(node, lambda frame: one(operand(frame)))


def _extreme(best: Callable[..., Any], operands: tuple[Closure, ...]) -> Closure:
    return lambda frame: best([operand(frame) for operand in operands])


def _absolute(node: Call, operand: Closure) -> Closure:
    return (
        _checked(node.line, lambda frame: abs(operand(frame)))
        if node.type == INT
        else lambda frame: abs(operand(frame))
    )


def _finite(node: Call, calculate: Closure) -> Closure:
    line, function = node.line, node.function

    def finite(frame: object) -> float:
        value = calculate(frame)
        if not math.isfinite(value):
            raise Trapped(line, f"`{function}` has no finite answer here")
        return value

    return finite


def _root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


_SMOOTH: Final[Mapping[str, Callable[[float], float]]] = {
    "sqrt": _root,
    "sin": sin_one,
    "cos": cos_one,
    "exp": exp_one,
    "log": log_one,
    "tanh": tanh_one,
}
