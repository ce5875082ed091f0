"""From the syntax tree of one function to its typed statements."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final, Protocol

from msgspec.structs import replace

from worldtwin.script.checking.expressions import Expressions
from worldtwin.script.checking.functions import FUNCTIONS
from worldtwin.script.checking.source import Source, shown
from worldtwin.script.checking.variables import Variables, join
from worldtwin.script.checking.words import outside
from worldtwin.script.records import Record
from worldtwin.script.tree import (
    BOOL,
    FLOAT,
    INT,
    Array,
    Assign,
    Break,
    Constant,
    Continue,
    For,
    If,
    Local,
    Node,
    Read,
    Remember,
    Return,
    Statement,
    Store,
    Type,
    While,
)

RESULT: Final = "return"
_ANNOTATIONS: Final = {"float": FLOAT, "int": INT, "bool": BOOL}


class Surroundings(Protocol):
    """What a function can use of the program it is in."""

    def fixed(self, node: ast.Name) -> Node | None:
        """The parameter or constant that `node` names, or None."""
        ...

    def called(self, body: Body, node: ast.Call, name: str) -> Node | None:
        """The call of the program's function `name`, or None when it has no such function."""
        ...

    def names(self) -> tuple[str, ...]:
        """Every name that the program declares."""
        ...


class Body:
    """One pass over one function. `bound` gives what its arguments stand for, other than variables.

    `expected` are the types that it has to return (of fields with those names), or None when they follow from it.
    """

    def __init__(
        self,
        source: Source,
        node: ast.FunctionDef,
        program: Surroundings,
        *,
        records: Mapping[str, Record],
        arguments: Mapping[str, Type],
        bound: Mapping[str, Node],
        expected: Mapping[str, Type] | None,
        wider: dict[str, Type],
    ) -> None:
        self.source, self.node, self.program = source, node, program
        self.variables = Variables(source, node.body, wider)
        self.expressions = Expressions(source, records, self)
        self.bound, self.expected, self.arguments = bound, expected, arguments
        self.results: tuple[Type, ...] = tuple(expected.values()) if expected is not None else ()
        self.writes: set[int] = set()
        self._loops: list[bool] = []
        for name, kind in arguments.items():
            self.variables.declare(name, kind)
        self._copied: list[Statement] = [self._copy(name) for name in bound if name in self.variables.stored]

    def statements(self) -> tuple[Statement, ...]:
        """The typed statements of the function. Raises `InvalidScript`."""
        body, falls = self._block(self.node.body)
        if falls:
            last = self.node.body[-1]
            raise self.source.refusal(last, f"`{self.node.name}` can end here without a `return`")
        return (*self._copied, *body)

    def variable(self, node: ast.Name) -> Node | None:
        """The variable, argument, parameter or constant that `node` names, or None."""
        local = self.variables.read(node, self.source.line_of(node))
        if local is not None:
            return local
        if node.id in self.bound:
            return replace(self.bound[node.id], line=self.source.line_of(node))
        return self.program.fixed(node)

    def invocation(self, node: ast.Call, name: str) -> Node | None:
        """The call of a function of the program, or None."""
        return self.program.called(self, node, name)

    def names(self) -> tuple[str, ...]:
        """All names that this function can use."""
        return (*self.bound, *sorted(self.variables.assigned), *self.program.names())

    def _copy(self, name: str) -> Statement:
        value = self.bound[name]
        if value.type.length:
            raise self.source.refusal(self.node, f"{shown(name)} is an array parameter: assign to another name")
        return Assign(line=self.source.line_of(self.node), slot=self.variables.declare(name, value.type), value=value)

    def _block(self, body: list[ast.stmt]) -> tuple[tuple[Statement, ...], bool]:
        """The statements, and whether what follows them can be reached."""
        made: list[Statement] = []
        falls = True
        for node in body:
            statements, through = self._statement(node)
            made += statements
            falls = falls and through
        return tuple(made), falls

    def _statement(self, node: ast.stmt) -> tuple[list[Statement], bool]:
        match node:
            case ast.Pass() | ast.Expr(value=ast.Constant(value=str())):
                return [], True
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                return [self._assignment(node)], True
            case ast.If():
                return self._if(node)
            case ast.While():
                return self._while(node)
            case ast.For():
                return [self._for(node)], True
            case ast.Break() | ast.Continue():
                return [self._jump(node)], False
            case ast.Return():
                return [self._return(node)], False
            case _:
                raise outside(self.source, node)

    def _assignment(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> Statement:
        line = self.source.line_of(node)
        if isinstance(node, ast.Assign):
            if len(node.targets) > 1:
                raise self.source.refusal(node, "one variable is given one value: write a line for each")
            return self._put(node.targets[0], self.expressions.check(node.value), node.value, line)
        if isinstance(node, ast.AugAssign):
            loaded = _loaded(node.target)
            if isinstance(loaded, ast.Subscript) and any(isinstance(part, ast.Call) for part in ast.walk(loaded.slice)):
                raise self.source.refusal(loaded.slice, "this index is computed twice: put it into a variable first")
            total = ast.copy_location(ast.BinOp(left=loaded, op=node.op, right=node.value), node)
            return self._put(node.target, self.expressions.check(total), node.value, line)
        if node.value is None:
            raise self.source.refusal(node, "a variable needs a value: write `name = 0.0`")
        value = self.expressions.check(node.value)
        kind = annotated(node.annotation)
        return self._put(node.target, self.expressions.to(value, kind, node.value) if kind else value, node.value, line)

    def _put(self, target: ast.expr, value: Node, at: ast.expr, line: int) -> Statement:
        match target:
            case ast.Name():
                return self._to_variable(target, value, at, line)
            case ast.Subscript():
                return self._to_element(target, value, at, line)
            case ast.Attribute(value=ast.Name(id="memory"), attr=name):
                kind = self.expressions.check(_loaded(target)).type
                what = f"memory.{name}"
                if kind.length:
                    raise self.source.refusal(target, f"{what} is an array: give values to its elements")
                return Remember(line=line, field=name, value=self.expressions.to(value, kind, at, what=what))
            case ast.Attribute():
                raise self.source.refusal(
                    target, "only fields of `memory` can be changed: declare it with `remember(...)`"
                )
            case _:
                raise self.source.refusal(target, "one variable is given one value: write a line for each")

    def _to_variable(self, target: ast.Name, value: Node, at: ast.expr, line: int) -> Statement:
        name = target.id
        if name in FUNCTIONS or name in {"pi", "range", "memory"} or name in self.program.names():
            raise self.source.refusal(target, f"{shown(name)} already means something else: choose another name")
        if value.type.length and not isinstance(value, Array):
            raise self.source.refusal(at, "an array has one name: copy its elements")
        if value.type.length and name in self.arguments:
            raise self.source.refusal(target, f"{shown(name)} is an argument: give a new array another name")
        slot = self.variables.target(target, value.type)
        return Assign(line=line, slot=slot, value=self._fitted(value, self.variables.slots[slot], at))

    def _fitted(self, value: Node, kind: Type, at: ast.expr) -> Node:
        if isinstance(value, Array) and value.type != kind:
            element = kind.element
            elements = tuple(self.expressions.to(each, element, at) for each in value.elements)
            return replace(value, type=kind, elements=elements)
        return self.expressions.to(value, kind, at)

    def _to_element(self, target: ast.Subscript, value: Node, at: ast.expr, line: int) -> Statement:
        array, index = self.expressions.element(target)
        if isinstance(array, Read) and array.record != "memory":
            raise self.source.refusal(target, "parameters do not change while the program runs: use a variable")
        element = array.type.element
        if isinstance(array, Local):
            self.writes.add(array.slot)
            joined = join(element, value.type)
            if joined is not None and joined != element and isinstance(target.value, ast.Name):
                self.variables.target(target.value, Type(joined.kind, length=array.type.length))
                element = joined
        return Store(line=line, array=array, index=index, value=self.expressions.to(value, element, at))

    def _if(self, node: ast.If) -> tuple[list[Statement], bool]:
        test = self._test(node.test)
        before = self.variables.assigned
        body, through = self._block(node.body)
        after, self.variables.assigned = self.variables.assigned, before
        orelse, other = self._block(node.orelse)
        if through and other:
            self.variables.assigned &= after
        elif through:
            self.variables.assigned = after
        return [If(line=self.source.line_of(node), test=test, body=body, orelse=orelse)], through or other

    def _while(self, node: ast.While) -> tuple[list[Statement], bool]:
        test = self._test(node.test)
        body, left = self._loop(node)
        endless = isinstance(test, Constant) and test.value is True and not left
        return [While(line=self.source.line_of(node), test=test, body=body)], not endless

    def _loop(self, node: ast.While | ast.For) -> tuple[tuple[Statement, ...], bool]:
        """The body of a loop and whether a `break` leaves it."""
        if node.orelse:
            raise self.source.refusal(
                node.orelse[0], "`else` of a loop is not part of the script language: use a variable"
            )
        before = self.variables.assigned
        self._loops.append(False)
        body, _ = self._block(node.body)
        self.variables.assigned = before
        return body, self._loops.pop()

    def _for(self, node: ast.For) -> Statement:
        call, target = node.iter, node.target
        ranged = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range"
        if not isinstance(call, ast.Call) or not ranged or call.keywords or not 1 <= len(call.args) <= 3:
            raise self.source.refusal(call, "`for` counts: write `for i in range(n)`")
        if not isinstance(target, ast.Name):
            raise self.source.refusal(target, "`for` counts with one variable: write `for i in range(n)`")
        limits = [self._whole(part) for part in call.args[:2]]
        step = call.args[2] if len(call.args) == 3 else None
        start = limits[0] if len(limits) == 2 else Constant(type=INT, line=self.source.line_of(call), value=0)
        before = self.variables.assigned
        slot = self.variables.target(target, INT)
        if self.variables.slots[slot] != INT:
            raise self.source.refusal(
                target, f"{shown(target.id)} counts in ints: use another variable for other values"
            )
        body, _ = self._loop(node)
        self.variables.assigned = before
        steps = 1 if step is None else self._step(step)
        return For(line=self.source.line_of(node), slot=slot, start=start, stop=limits[-1], step=steps, body=body)

    def _whole(self, node: ast.expr) -> Node:
        value = self.expressions.check(node)
        if value.type != INT:
            raise self.source.refusal(node, f"`range` counts in ints, this is {value.type}: write `int(...)`")
        return value

    def _step(self, node: ast.expr) -> int:
        value = self.expressions.check(node)
        if not isinstance(value, Constant) or value.type != INT or value.value == 0:
            raise self.source.refusal(node, "the step of `range` is a whole number that is written out, not 0")
        return int(value.value)

    def _jump(self, node: ast.Break | ast.Continue) -> Statement:
        word = "break" if isinstance(node, ast.Break) else "continue"
        if not self._loops:
            raise self.source.refusal(node, f"`{word}` is for loops")
        if isinstance(node, ast.Continue):
            return Continue(line=self.source.line_of(node))
        self._loops[-1] = True
        return Break(line=self.source.line_of(node))

    def _return(self, node: ast.Return) -> Statement:
        if node.value is None:
            raise self.source.refusal(node, "`return` needs a value")
        parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        values = [self.expressions.check(part) for part in parts]
        if self.expected is None:
            self._infer(node, values)
        elif len(values) != len(self.expected):
            names = ", ".join(self.expected)
            raise self.source.refusal(
                node, f"{len(values)} values are returned: the action has {len(self.expected)} ({names})"
            )
        names = list(self.expected) if self.expected is not None else [""] * len(values)
        same = tuple(
            self.expressions.to(value, kind, part, what=name)
            for value, kind, part, name in zip(values, self.results, parts, names, strict=True)
        )
        return Return(line=self.source.line_of(node), values=same)

    def _infer(self, node: ast.Return, values: list[Node]) -> None:
        known = self.results or tuple(
            self.variables.wider.get(f"{RESULT} {i}", each.type) for i, each in enumerate(values)
        )
        if len(known) != len(values) or any(kind.length for kind in known):
            raise self.source.refusal(node, "every `return` of a function gives the same number of plain values")
        joined: list[Type] = []
        for i, (kind, value) in enumerate(zip(known, values, strict=True)):
            both = join(kind, value.type)
            if both is None:
                raise self.source.refusal(node, f"`{self.node.name}` returns {kind} elsewhere, {value.type} here")
            if both != kind:
                self.variables.wider[f"{RESULT} {i}"], self.variables.changed = both, True
            joined.append(both)
        self.results = tuple(joined)

    def _test(self, node: ast.expr) -> Node:
        return self.expressions.truth(self.expressions.check(node), node)


def annotated(node: ast.expr | None) -> Type | None:
    """The type that the annotation `int`, `float` or `bool` asks for; None for any other."""
    return _ANNOTATIONS.get(node.id) if isinstance(node, ast.Name) else None


def _loaded(target: ast.expr) -> ast.expr:
    """The target of an assignment as a value to be read."""
    match target:
        case ast.Name():
            return ast.copy_location(ast.Name(id=target.id, ctx=ast.Load()), target)
        case ast.Subscript():
            return ast.copy_location(ast.Subscript(value=target.value, slice=target.slice, ctx=ast.Load()), target)
        case ast.Attribute():
            return ast.copy_location(ast.Attribute(value=target.value, attr=target.attr, ctx=ast.Load()), target)
        case _:
            return target
