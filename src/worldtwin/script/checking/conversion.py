"""How types meet: the common type of several values, and a value as another type."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from worldtwin.errors import InvalidScript
from worldtwin.script.checking.source import Source, shown
from worldtwin.script.tree import BOOL, EXACT, FLOAT, INT, Choose, Constant, Convert, Kind, Node, Recode, Type
from worldtwin.world import hint

_ORDER: Final = {Kind.BOOL: 0, Kind.INT: 1, Kind.FLOAT: 2}


def is_number(kind: Type) -> bool:
    """Whether values of this type can be calculated with."""
    return kind.kind in _ORDER and not kind.length


def is_name(kind: Type) -> bool:
    """Whether values of this type are one name each."""
    return kind.kind is Kind.NAME and not kind.length


def is_literal(node: Node) -> bool:
    """Whether `node` is a name written in the script, or a choice of such names."""
    if isinstance(node, Choose):
        return is_literal(node.body) and is_literal(node.orelse)
    return isinstance(node, Constant) and is_name(node.type)


class Conversion:
    """Conversions of the values of one script, whose errors point into it."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def common(self, nodes: Sequence[Node], at: ast.AST, *, least: Type = BOOL) -> Type:
        """The type that all of `nodes` can take, at least `least` for numbers. Raises `InvalidScript`."""
        kinds = [node.type for node in nodes]
        if all(is_number(kind) for kind in kinds):
            return max([least, *kinds], key=lambda kind: _ORDER[kind.kind])
        if all(is_name(kind) for kind in kinds):
            written = Type(Kind.NAME, tuple(dict.fromkeys(value for kind in kinds for value in kind.values)))
            return next((node.type for node in nodes if not is_literal(node)), written)
        if all(kind == kinds[0] for kind in kinds):
            return kinds[0]
        words = " and ".join(dict.fromkeys(str(kind) for kind in kinds))
        raise self.source.refusal(at, f"{words} do not go together: {_advice(kinds)}")

    def truth(self, node: Node, at: ast.AST) -> Node:
        """A number as a truth value, for a test. Raises `InvalidScript`."""
        if not is_number(node.type):
            raise self.source.refusal(at, f"a test is expected, this is {node.type}: compare it with something")
        return node if node.type == BOOL else Convert(type=BOOL, line=node.line, operand=node)

    def number(self, node: Node, at: ast.AST) -> Node:
        """A number, a bool as an int. Raises `InvalidScript`."""
        if not is_number(node.type):
            raise self.source.refusal(at, f"a number is expected, this is {node.type}")
        return self.widen(node, INT) if node.type == BOOL else node

    def widen(self, node: Node, kind: Type) -> Node:
        """A number as the same number of a wider kind."""
        if node.type == kind:
            return node
        if isinstance(node, Constant) and abs(node.value) <= EXACT:
            return Constant(type=kind, line=node.line, value=float(node.value) if kind == FLOAT else int(node.value))
        return Convert(type=kind, line=node.line, operand=node)

    def to(self, node: Node, kind: Type, at: ast.AST, *, what: str = "", strict: bool = True) -> Node:
        """`node` as a value of type `kind`, which `what` expects. Raises `InvalidScript`.

        With `strict`, a name that `kind` does not have traps when it comes up; else it is a name equal to no other.
        """
        if node.type == kind:
            return node
        if is_name(node.type) and is_name(kind):
            return self._renamed(node, kind, at, what=what, strict=strict)
        widens = is_number(node.type) and is_number(kind) and _ORDER[node.type.kind] < _ORDER[kind.kind]
        if widens and kind != BOOL:
            return self.widen(node, kind)
        advice = "compare it with something" if kind == BOOL else _advice([kind, node.type])
        raise self.source.refusal(at, f"{what or 'this'} takes {kind}, not {node.type}: {advice}")

    def _renamed(self, node: Node, kind: Type, at: ast.AST, *, what: str, strict: bool) -> Node:
        if isinstance(node, Constant):
            return self._literal(node, kind, at, what)
        if isinstance(node, Choose) and is_literal(node):
            body, orelse = (at.body, at.orelse) if isinstance(at, ast.IfExp) else (at, at)
            return replace(
                node,
                type=kind,
                body=self._renamed(node.body, kind, body, what=what, strict=strict),
                orelse=self._renamed(node.orelse, kind, orelse, what=what, strict=strict),
            )
        known = {name: index for index, name in enumerate(kind.values)}
        table = tuple(known.get(name, -1) for name in node.type.values)
        return Recode(type=kind, line=node.line, operand=node, table=table, strict=strict and -1 in table)

    def _literal(self, node: Constant, kind: Type, at: ast.AST, what: str) -> Node:
        name = node.type.values[int(node.value)]
        if name not in kind.values:
            raise self.unknown_name(name, kind, at, what)
        return Constant(type=kind, line=node.line, value=kind.values.index(name))

    def unknown_name(self, name: str, kind: Type, at: ast.AST, what: str) -> InvalidScript:
        """The error that `what` has no value called `name`."""
        owner = f" of {what}" if what else ""
        return self.source.refusal(at, f"unknown value {shown(name)}{owner}{hint(name, kind.values)}")


def _advice(kinds: Sequence[Type]) -> str:
    if any(kind.length for kind in kinds):
        return "take one element, like `gain[0]`"
    if any(kind.kind is Kind.NAMES for kind in kinds):
        return 'ask whether a name is in a set, like `"n" in state.exits`'
    if any(kind.kind is Kind.NAME for kind in kinds):
        return "a name is not a number: compare it with a name in quotes"
    return "write `int(...)`, `floor(...)` or a comparison to say what you mean"
