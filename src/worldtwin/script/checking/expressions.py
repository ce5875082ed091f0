"""From the syntax tree of an expression to the typed tree."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Final, Literal, Protocol

from msgspec.structs import replace

from worldtwin.script.checking.conversion import Conversion, is_name
from worldtwin.script.checking.functions import FUNCTIONS, MODULES, check_call
from worldtwin.script.checking.source import Source, shown
from worldtwin.script.checking.words import OPERATORS, outside
from worldtwin.script.records import Record
from worldtwin.script.tree import (
    BOOL,
    FLOAT,
    INT,
    LEAST,
    MOST,
    Among,
    Arithmetic,
    Array,
    Binary,
    Choose,
    Compare,
    Comparison,
    Constant,
    Element,
    Kind,
    Logic,
    Member,
    Negate,
    Node,
    Not,
    Power,
    Read,
    Type,
)
from worldtwin.world import hint

LARGEST_POWER: Final = 16
LONGEST_ARRAY: Final = 4096

_ARITHMETIC: Final[Mapping[type[ast.operator], Arithmetic]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
}
_COMPARISONS: Final[Mapping[type[ast.cmpop], Comparison]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


class Scope(Protocol):
    """The variables and functions that an expression can use besides the records."""

    def variable(self, node: ast.Name) -> Node | None:
        """The value of a variable, or None when there is no such variable. Raises `InvalidScript`."""
        ...

    def invocation(self, node: ast.Call, name: str) -> Node | None:
        """The call of one of the script's own functions, or None when there is no such function."""
        ...

    def names(self) -> tuple[str, ...]:
        """All that `variable` and `invocation` know, for hints."""
        ...


class Expressions(Conversion):
    """The expressions of one script over `records`; the record "" holds bare names."""

    def __init__(self, source: Source, records: Mapping[str, Record], scope: Scope | None = None) -> None:
        super().__init__(source)
        self.records = records
        self.scope = scope

    def check(self, node: ast.expr) -> Node:
        """The typed tree of `node`. Raises `InvalidScript` at the first thing outside of the subset."""
        match node:
            case ast.Constant():
                return self._constant(node, node.value)
            case ast.Name():
                return self._name(node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp():
                return self._binary(node)
            case ast.BoolOp():
                return self._logic(node)
            case ast.Compare():
                return self._compare(node)
            case ast.IfExp():
                return self._choose(node)
            case ast.Call():
                return check_call(self, node)
            case ast.Subscript():
                return self._element(node)
            case ast.List() | ast.Tuple():
                return self._array(node)
            case _:
                raise outside(self.source, node)

    def line(self, node: ast.AST) -> int:
        """The line of `node` in its file."""
        return self.source.line_of(node)

    def _constant(self, node: ast.expr, value: object) -> Node:
        line = self.line(node)
        match value:
            case bool():
                return Constant(type=BOOL, line=line, value=value)
            case int():
                if not LEAST <= value <= MOST:
                    raise self.source.refusal(node, "this int needs more than 64 bits: write it as a float, like 1e20")
                return Constant(type=INT, line=line, value=value)
            case float():
                if not math.isfinite(value):
                    raise self.source.refusal(node, "this float is too large: the largest is about 1.8e308")
                return Constant(type=FLOAT, line=line, value=value)
            case str():
                return Constant(type=Type(Kind.NAME, (value,)), line=line, value=0)
            case _:
                raise self.source.refusal(
                    node, f"{_word(value)} is not part of the script language: use numbers and names"
                )

    def _name(self, node: ast.Name) -> Node:
        found = self.scope.variable(node) if self.scope else None
        if found is not None:
            return found
        if kind := self.records.get("", {}).get(node.id):
            return Read(type=kind, line=self.line(node), record="", field=node.id)
        if node.id == "pi":
            return Constant(type=FLOAT, line=self.line(node), value=math.pi)
        if fields := self.records.get(node.id):
            raise self.source.refusal(
                node, f"`{node.id}` is a record: name one of its fields, like `{node.id}.{next(iter(fields))}`"
            )
        if node.id in FUNCTIONS:
            raise self.source.refusal(node, f"`{node.id}` is a function: call it, like `{node.id}(...)`")
        raise self.source.refusal(node, f"unknown name {shown(node.id)}{hint(node.id, self.known())}")

    def known(self) -> tuple[str, ...]:
        """Every name that an expression may begin with."""
        own = self.scope.names() if self.scope else ()
        records = (name for name in self.records if name)
        return (*own, *self.records.get("", {}), *records, *FUNCTIONS, "pi")

    def _attribute(self, node: ast.Attribute) -> Node:
        if not isinstance(node.value, ast.Name):
            raise self.source.refusal(node, f"{shown(node.attr)} is asked of something that is not a record")
        owner = node.value.id
        if owner in MODULES and node.attr == "pi":
            return Constant(type=FLOAT, line=self.line(node), value=math.pi)
        if owner not in self.records or not owner:
            records = [name for name in self.records if name]
            raise self.source.refusal(node, f"unknown record {shown(owner)}{hint(owner, records)}")
        fields = self.records[owner]
        if node.attr not in fields:
            missing = f"unknown field {shown(node.attr)} of {owner}{hint(node.attr, fields)}"
            raise self.source.refusal(node, missing if fields else f"{missing}: it has no fields")
        return Read(type=fields[node.attr], line=self.line(node), record=owner, field=node.attr)

    def _unary(self, node: ast.UnaryOp) -> Node:
        line = self.line(node)
        inner = node.operand
        if isinstance(node.op, ast.Not):
            return Not(type=BOOL, line=line, operand=self.truth(self.check(inner), inner))
        if isinstance(node.op, ast.Invert):
            raise self.source.refusal(node, "`~` is not part of the script language: write `not`")
        written = inner.value if isinstance(node.op, ast.USub) and isinstance(inner, ast.Constant) else None
        if isinstance(written, int | float) and not isinstance(written, bool):
            return self._constant(node, -written)
        operand = self.number(self.check(inner), inner)
        return Negate(type=operand.type, line=line, operand=operand) if isinstance(node.op, ast.USub) else operand

    def _binary(self, node: ast.BinOp) -> Node:
        if isinstance(node.op, ast.Pow):
            return self._power(node)
        if isinstance(node.op, ast.Mult) and isinstance(node.left, ast.List):
            return self._repeated(node, node.left)
        operator = _ARITHMETIC.get(type(node.op))
        if operator is None:
            raise self.source.refusal(node, OPERATORS[type(node.op)])
        left, right = self.check(node.left), self.check(node.right)
        kind = self.common((left, right), node, least=FLOAT if operator == "/" else INT)
        left, right = (
            self.to(self.number(left, node.left), kind, node.left),
            self.to(self.number(right, node.right), kind, node.right),
        )
        return Binary(type=kind, line=self.line(node), operator=operator, left=left, right=right)

    def _power(self, node: ast.BinOp) -> Node:
        exponent = node.right.value if isinstance(node.right, ast.Constant) else None
        if type(exponent) is not int or not 0 <= exponent <= LARGEST_POWER:
            raise self.source.refusal(
                node.right, f"a power needs a whole number from 0 to {LARGEST_POWER}, or use `exp` and `log`"
            )
        base = self.number(self.check(node.left), node.left)
        return Power(type=base.type, line=self.line(node), base=base, exponent=exponent)

    def _logic(self, node: ast.BoolOp) -> Node:
        operator: Literal["and", "or"] = "and" if isinstance(node.op, ast.And) else "or"
        operands: list[Node] = []
        for part in node.values:
            operand = self.check(part)
            if operand.type != BOOL:
                raise self.source.refusal(
                    part, f"`{operator}` joins tests, this is {operand.type}: compare it with something"
                )
            operands.append(operand)
        return Logic(type=BOOL, line=self.line(node), operator=operator, operands=tuple(operands))

    def _compare(self, node: ast.Compare) -> Node:
        if isinstance(node.ops[0], ast.In | ast.NotIn) and len(node.ops) == 1:
            found = self._contained(node, node.left, node.comparators[0])
            return found if isinstance(node.ops[0], ast.In) else Not(type=BOOL, line=self.line(node), operand=found)
        if any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
            raise self.source.refusal(node, "`in` cannot be part of a chain: use `and`")
        parts = [node.left, *node.comparators]
        operands = [self.check(part) for part in parts]
        kind = self.common(operands, node, least=INT)
        if kind.length:
            raise self.source.refusal(node, "arrays cannot be compared: compare their elements")
        operators: tuple[Comparison, ...] = tuple(self._comparison(node, op, kind) for op in node.ops)
        typed = zip(parts, operands, strict=True)
        what = next((_described(part) for part, operand in typed if operand.type == kind), "")
        same = tuple(
            self.to(operand, kind, part, what=what, strict=False) for operand, part in zip(operands, parts, strict=True)
        )
        return Compare(type=BOOL, line=self.line(node), operators=operators, operands=same)

    def _comparison(self, node: ast.Compare, op: ast.cmpop, kind: Type) -> Comparison:
        operator = _COMPARISONS.get(type(op))
        if operator is None:
            raise self.source.refusal(node, OPERATORS[type(op)])
        if kind.kind not in {Kind.INT, Kind.FLOAT} and not isinstance(op, ast.Eq | ast.NotEq):
            raise self.source.refusal(node, f"names have no order: `{operator}` compares numbers, use `==` or `!=`")
        return operator

    def _contained(self, node: ast.Compare, item: ast.expr, group: ast.expr) -> Node:
        line, left = self.line(node), self.check(item)
        if isinstance(group, ast.Tuple | ast.List | ast.Set):
            return self._among(node, left, group.elts)
        right = self.check(group)
        if right.type.kind is not Kind.NAMES:
            raise self.source.refusal(group, f"`in` asks a set of names or a list of values, this is {right.type}")
        if not is_name(left.type):
            raise self.source.refusal(item, f"a set has names, this is {left.type}{hint('', right.type.values)}")
        named = self.to(left, Type(Kind.NAME, right.type.values), item, what=_described(group), strict=False)
        return Member(type=BOOL, line=line, item=named, names=right)

    def _among(self, node: ast.Compare, left: Node, choices: list[ast.expr]) -> Node:
        left = self.number(left, node.left) if left.type == BOOL else left
        if left.type != INT and not is_name(left.type):
            raise self.source.refusal(
                node, f"`in` finds ints and names, this is {left.type}: compare it with `==` or `<`"
            )
        found: list[int] = []
        for part in choices:
            choice = self.to(self.check(part), left.type, part, what=_described(node.left))
            if not isinstance(choice, Constant):
                raise self.source.refusal(part, "`in` needs values that are written out: use `==` and `or`")
            found.append(int(choice.value))
        return Among(type=BOOL, line=self.line(node), operand=left, choices=tuple(sorted(set(found))))

    def _choose(self, node: ast.IfExp) -> Node:
        test = self.truth(self.check(node.test), node.test)
        body, orelse = self.check(node.body), self.check(node.orelse)
        kind = self.common((body, orelse), node)
        if kind.length:
            raise self.source.refusal(node, "an array cannot be chosen: choose between elements")
        body, orelse = self.to(body, kind, node.body), self.to(orelse, kind, node.orelse)
        return Choose(type=kind, line=self.line(node), test=test, body=body, orelse=orelse)

    def element(self, node: ast.Subscript) -> tuple[Node, Node]:
        """The array and the index of `node`. Raises `InvalidScript`."""
        array = self.check(node.value)
        if not array.type.length or isinstance(array, Array):
            raise self.source.refusal(
                node, f"`[...]` takes an element of an array that has a name, this is {array.type}"
            )
        index = self.check(node.slice)
        if index.type != INT:
            raise self.source.refusal(node.slice, f"an index is an int, this is {index.type}")
        if isinstance(index, Constant) and not -array.type.length <= index.value < array.type.length:
            raise self.source.refusal(
                node.slice, f"there is no element {index.value}: the array has {array.type.length}"
            )
        return array, index

    def _element(self, node: ast.Subscript) -> Node:
        array, index = self.element(node)
        return Element(type=array.type.element, line=self.line(node), array=array, index=index)

    def _array(self, node: ast.List | ast.Tuple) -> Node:
        if self.scope is None:
            raise outside(self.source, node)
        if not 1 <= len(node.elts) <= LONGEST_ARRAY:
            raise self.source.refusal(
                node, f"an array has 1 to {LONGEST_ARRAY:,} elements, this has {len(node.elts):,}"
            )
        elements = [self.number(self.check(part), part) for part in node.elts]
        kind = self.common(elements, node, least=INT)
        same = tuple(self.to(element, kind, part) for element, part in zip(elements, node.elts, strict=True))
        return Array(type=Type(kind.kind, length=len(same)), line=self.line(node), elements=same)

    def _repeated(self, node: ast.BinOp, elements: ast.List) -> Node:
        array = self._array(elements)
        times = node.right.value if isinstance(node.right, ast.Constant) else None
        if (
            not isinstance(array, Array)
            or type(times) is not int
            or not 1 <= times * array.type.length <= LONGEST_ARRAY
        ):
            raise self.source.refusal(node.right, f"an array has 1 to {LONGEST_ARRAY:,} elements, written as a number")
        return replace(array, type=Type(array.type.kind, length=times * array.type.length), times=times)


def _described(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _word(value: object) -> str:
    return "None" if value is None else "..." if value is Ellipsis else f"a {type(value).__name__}"
