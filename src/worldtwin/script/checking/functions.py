"""The functions that every script can call, and how their calls are typed."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from worldtwin.script.checking.source import shown
from worldtwin.script.tree import BOOL, FLOAT, INT, Call, Constant, Convert, FunctionName, Node
from worldtwin.world import hint

if TYPE_CHECKING:
    from worldtwin.script.checking.expressions import Expressions

MODULES: Final = frozenset({"math"})
MOST_OPERANDS: Final = 64

_SMOOTH: Final[Mapping[str, tuple[FunctionName, int]]] = {
    "sqrt": ("sqrt", 1),
    "sin": ("sin", 1),
    "cos": ("cos", 1),
    "atan2": ("atan2", 2),
    "exp": ("exp", 1),
    "log": ("log", 1),
    "tanh": ("tanh", 1),
}
_WHOLE: Final[Mapping[str, FunctionName]] = {"floor": "floor", "ceil": "ceil", "round": "round"}
_EXTREMES: Final[Mapping[str, FunctionName]] = {"min": "min", "max": "max"}
FUNCTIONS: Final = ("abs", *_EXTREMES, *_WHOLE, *_SMOOTH, "int", "float", "bool", "len")


def check_call(checker: Expressions, node: ast.Call) -> Node:
    """The typed call of a function of the language or of the script. Raises `InvalidScript`."""
    name = _called(checker, node)
    if node.keywords:
        raise checker.source.refusal(node.keywords[0], "arguments are given by position, not by name")
    own = checker.scope.invocation(node, name) if checker.scope and isinstance(node.func, ast.Name) else None
    if own is not None:
        return own
    if name not in FUNCTIONS:
        known = (*(checker.scope.names() if checker.scope else ()), *FUNCTIONS)
        raise checker.source.refusal(node, f"unknown function {shown(name)}{hint(name, known)}")
    operands = [checker.check(argument) for argument in node.args]
    if name == "len":
        return _length(checker, node, operands)
    for operand, argument in zip(operands, node.args, strict=True):
        checker.number(operand, argument)
    return _typed(checker, node, name, operands)


def _called(checker: Expressions, node: ast.Call) -> str:
    function = node.func
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        if function.value.id in MODULES:
            return function.attr
        raise checker.source.refusal(
            node, f"{shown(f'{function.value.id}.{function.attr}')} cannot be called: records hold values only"
        )
    raise checker.source.refusal(node, "only functions that have a name can be called")


def _typed(checker: Expressions, node: ast.Call, name: str, operands: list[Node]) -> Node:
    line = checker.line(node)
    if name in _EXTREMES:
        _expect(checker, node, name, len(operands), 2, MOST_OPERANDS)
        kind = checker.common(operands, node, least=INT)
        same = tuple(checker.to(operand, kind, node) for operand in operands)
        return Call(type=kind, line=line, function=_EXTREMES[name], operands=same)
    if name in _SMOOTH:
        function, count = _SMOOTH[name]
        _expect(checker, node, name, len(operands), count, count)
        floats = tuple(checker.widen(operand, FLOAT) for operand in operands)
        return Call(type=FLOAT, line=line, function=function, operands=floats)
    _expect(checker, node, name, len(operands), 1, 1)
    return _one(checker, node, name, operands[0])


def _one(checker: Expressions, node: ast.Call, name: str, operand: Node) -> Node:
    line = checker.line(node)
    if name == "bool":
        return checker.truth(operand, node)
    if name == "float":
        return checker.widen(operand, FLOAT)
    number = checker.widen(operand, INT) if operand.type == BOOL else operand
    if name == "abs":
        return Call(type=number.type, line=line, function="abs", operands=(number,))
    if number.type == INT:
        return number
    if name == "int":
        return Convert(type=INT, line=line, operand=number)
    return Call(type=INT, line=line, function=_WHOLE[name], operands=(number,))


def _length(checker: Expressions, node: ast.Call, operands: list[Node]) -> Node:
    _expect(checker, node, "len", len(operands), 1, 1)
    length = operands[0].type.length
    if not length:
        raise checker.source.refusal(node, f"`len` counts an array's elements, this is {operands[0].type}")
    return Constant(type=INT, line=checker.line(node), value=length)


def _expect(checker: Expressions, node: ast.Call, name: str, count: int, least: int, most: int) -> None:
    if not least <= count <= most:
        wanted = f"{least} to {most}" if least != most else f"{least}"
        raise checker.source.refusal(node, f"`{name}` takes {wanted} argument{'s' if most > 1 else ''}, not {count}")
