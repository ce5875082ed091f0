"""From functions and statements to instructions. A function stops by leaving its block `$fail`."""

from __future__ import annotations

from collections.abc import Iterable

from worldtwin.script.compiling.code import Code, Module, word
from worldtwin.script.compiling.expressions import express, fill, place
from worldtwin.script.compiling.layout import NUMBER
from worldtwin.script.compiling.ranges import int_range, loop_range, within
from worldtwin.script.running.cost import block_cost, cost
from worldtwin.script.tree import (
    LEAST,
    MOST,
    Array,
    Assign,
    Break,
    Continue,
    For,
    Function,
    If,
    Remember,
    Return,
    Statement,
    Store,
    While,
)


def function_text(module: Module, number: int, function: Function) -> str:
    """Function `number` of the program, one that others call."""
    body = _Body(module, function, last=False)
    body.block(function.body, function.line)
    kinds = [word(kind) for kind in function.slots]
    given = " ".join(f"(param $v{i} {kind})" for i, kind in enumerate(kinds[: function.arguments]))
    result = word(function.results[0])
    return f"""(func $f{number} (param $at i32) (param $pat i32) {given} (result {result})
        {body.variables()}
        (local.set $left (global.get $fuel))
        {body.starts()}
        block $fail
        {lines(body.code.lines)}
        end
        (global.set $fuel (local.get $left))
        {result}.const 0)"""


def run_text(module: Module, function: Function) -> str:
    """The exported `run`: the last function of the program once for each row, from its columns into its columns.

    All variables have a value before they are read: a row does not see what the one before it left in them.
    """
    body = _Body(module, function, last=True)
    body.block(function.body, function.line)
    layout = module.layout
    return f"""(func (export "run") (local $rows i32) (local $each i32) (local $most i64)
        (local $at i32) (local $pat i32)
        {body.variables()}
        (local.set $rows (i32.wrap_i64 (i64.shl (i64.load offset={layout.asked} (i32.const 0)) (i64.const 3))))
        (local.set $each (i32.wrap_i64 (i64.load offset={layout.asked} (i32.const {NUMBER}))))
        (local.set $most (i64.load offset={layout.asked} (i32.const {2 * NUMBER})))
        block $done
        loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $rows)))
        (local.set $pat (i32.and (local.get $at) (local.get $each)))
        (local.set $left (local.get $most))
        (global.set $line (i32.const 0))
        {body.starts()}
        block $fail
        {lines(body.code.lines)}
        end
        (i64.store offset={layout.lines} (local.get $at) (i64.extend_i32_u (global.get $line)))
        (i64.store offset={layout.fuel} (local.get $at) (i64.sub (local.get $most)
            (select (local.get $left) (i64.const 0) (i64.gt_s (local.get $left) (i64.const 0)))))
        (local.set $at (i32.add (local.get $at) (i32.const {NUMBER})))
        br $next
        end
        end)"""


def lines(texts: Iterable[str]) -> str:
    """Instructions, one a line."""
    return "\n".join(texts)


class _Body:
    """The code of one function, statement by statement; `arrays` says where its arrays are."""

    def __init__(self, module: Module, function: Function, *, last: bool) -> None:
        self.code, self.last = Code(module), last
        self.arrays = {
            slot: module.room(kind.length)
            for slot, kind in enumerate(function.slots)
            if kind.length and slot >= function.arguments
        }
        self.loops: list[int] = []
        self.kinds = [word(kind) for kind in function.slots]
        self.arguments = function.arguments

    def variables(self) -> str:
        """The declarations of all variables that are not arguments."""
        own = enumerate(self.kinds[self.arguments :], self.arguments)
        return lines(
            [
                "(local $left i64)",
                *[f"(local $v{i} {kind})" for i, kind in own],
                *self.code.variables,
                *self.code.variables_inside,
            ]
        )

    def starts(self) -> str:
        """Where its arrays are."""
        return lines(f"(local.set $v{slot} (i32.const {at}))" for slot, at in self.arrays.items())

    def block(self, statements: tuple[Statement, ...], line: int, more: int = 0) -> None:
        """Statements; entering them takes their fuel and so much more."""
        self.code.charge(block_cost(statements) + more, line)
        for statement in statements:
            self.statement(statement)

    def statement(self, statement: Statement) -> None:
        code = self.code
        match statement:
            case Assign() | Store() | Remember():
                self.change(statement)
            case If():
                self.choice(statement)
            case While():
                self.loop(statement)
            case For():
                self.count(statement)
            case Break():
                code.add(f"br $b{self.loops[-1]}")
            case Continue():
                code.add(f"br $c{self.loops[-1]}")
            case Return():
                self.give(statement)

    def change(self, statement: Assign | Store | Remember) -> None:
        code, value = self.code, statement.value
        match statement:
            case Assign():
                if isinstance(value, Array):
                    fill(code, value, self.arrays[statement.slot])
                    return
                express(code, value)
                code.add(f"local.set $v{statement.slot}")
            case Remember():
                code.add("local.get $at")
                express(code, value)
                code.store(value.type, code.module.layout.cells["memory", statement.field].address)
            case Store():
                express(code, value)
                place(code, statement.array, statement.index, statement.line)
                kind = word(value.type)
                with code.temporary("i32") as at, code.temporary(kind) as given:
                    code.add(f"local.set {at}", f"local.set {given}", f"local.get {at}", f"local.get {given}")
                    code.store(value.type, 0)

    def choice(self, statement: If) -> None:
        express(self.code, statement.test)
        self.code.add("if")
        self.block(statement.body, statement.line)
        self.code.add("else")
        self.block(statement.orelse, statement.line)
        self.code.add("end")

    def loop(self, statement: While) -> None:
        code, label = self.code, self.code.label()
        code.add(f"block $b{label}", f"loop $l{label}")
        code.charge(cost(statement.test), statement.line)
        express(code, statement.test)
        code.add("i32.eqz", f"br_if $b{label}")
        self.round(statement, label)
        code.add(f"br $l{label}", "end", "end")

    def round(self, statement: While | For, label: int, more: int = 0) -> None:
        """The body of a loop, in a block that `continue` leaves."""
        self.loops.append(label)
        self.code.add(f"block $c{label}")
        self.block(statement.body, statement.line, more)
        self.code.add("end")
        self.loops.pop()

    def count(self, statement: For) -> None:
        code, label, step = self.code, self.code.label(), statement.step
        express(code, statement.start)
        express(code, statement.stop)
        with code.temporary("i64") as number, code.temporary("i64") as stop:
            code.add(f"local.set {stop}", f"local.set {number}", f"block $b{label}", f"loop $l{label}")
            code.add(f"local.get {number}", f"local.get {stop}", "i64.ge_s" if step > 0 else "i64.le_s")
            code.add(f"br_if $b{label}")
            code.add(f"local.get {number}", f"local.set $v{statement.slot}")
            known = code.known
            code.known = {**known, statement.slot: loop_range(statement, known)}
            self.round(statement, label, 1)
            code.known = known
            if not within(int_range(statement.stop, known), LEAST - min(step, 0), MOST - max(step, 0)):
                code.add(f"local.get {number}", f"i64.const {MOST - step if step > 0 else LEAST - step}")
                code.add("i64.gt_s" if step > 0 else "i64.lt_s", f"br_if $b{label}")
            code.add(f"local.get {number}", f"i64.const {step}", "i64.add", f"local.set {number}")
            code.add(f"br $l{label}", "end", "end")

    def give(self, statement: Return) -> None:
        """Return one value to the caller, or put all of them into the results."""
        code = self.code
        for value, column in zip(statement.values, code.module.layout.results, strict=False):
            if not self.last:
                break
            code.add("local.get $at")
            express(code, value)
            code.store(value.type, column.address)
        if self.last:
            code.add("br $fail")
        else:
            express(code, statement.values[0])
            code.add("local.get $left", "global.set $fuel", "return")
