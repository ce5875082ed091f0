"""From functions and statements to instructions. A function stops by leaving its block `$fail`."""

from __future__ import annotations

from worldtwin.script.compiling.code import Code, Module, word
from worldtwin.script.compiling.expressions import express, fill, place
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


def function_text(module: Module, number: int, function: Function, *, last: bool) -> str:
    """Function `number` of the program; the last one puts what it returns into the columns of results."""
    body = _Body(module, function, last=last)
    body.block(function.body, function.line)
    kinds = [word(kind) for kind in function.slots]
    given = " ".join(f"(param $v{i} {kinds[i]})" for i in range(function.arguments))
    variables = [f"(local $v{i} {kinds[i]})" for i in range(function.arguments, len(kinds))]
    result = "" if last else f"(result {word(function.results[0])})"
    head = f"(func $f{number} (param $at i32) (param $pat i32) {given} {result}"
    nothing = "" if last else f"{word(function.results[0])}.const 0"
    return "\n".join(
        [head, *variables, *body.code.variables, *body.starts, "block $fail", *body.code.lines, "end", nothing, ")"]
    )


class _Body:
    """The code of one function, statement by statement; `arrays` says where its arrays are."""

    def __init__(self, module: Module, function: Function, *, last: bool) -> None:
        self.code, self.last = Code(module), last
        self.arrays = {
            slot: module.room(kind.length)
            for slot, kind in enumerate(function.slots)
            if kind.length and slot >= function.arguments
        }
        self.starts = [f"i32.const {at}\nlocal.set $v{slot}" for slot, at in self.arrays.items()]
        self.loops: list[int] = []

    def block(self, statements: tuple[Statement, ...], line: int) -> None:
        self.code.charge(block_cost(statements), line)
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

    def round(self, statement: While | For, label: int) -> None:
        """The body of a loop, in a block that `continue` leaves."""
        self.loops.append(label)
        self.code.add(f"block $c{label}")
        self.block(statement.body, statement.line)
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
            code.charge(1, statement.line)
            code.add(f"local.get {number}", f"local.set $v{statement.slot}")
            self.round(statement, label)
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
        if not self.last:
            express(code, statement.values[0])
        code.add("return")
