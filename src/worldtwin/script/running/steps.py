"""The evaluator of programs, one call at a time: statements as nested Python functions.

A frame is a list: what the whole call shares at index 0, then the function's variables. What is shared is a list too:
the fuel that is left at index 0, then a cell for each field of a record that the program can read. Fuel is charged when
a block of statements is entered and each time a loop's test is made, by the number of nodes in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from worldtwin.script.running.cost import block_cost, cost
from worldtwin.script.running.scalars import Closure, closure
from worldtwin.script.trap import Trapped
from worldtwin.script.tree import (
    Assign,
    Break,
    Continue,
    For,
    Function,
    If,
    Invoke,
    Local,
    Read,
    Remember,
    Return,
    Statement,
    Store,
    Tree,
    While,
)

Frame: TypeAlias = list[Any]  # numbers, arrays as lists, and what is shared
Signal: TypeAlias = "tuple[bool | int | float, ...] | None"
Step: TypeAlias = Callable[[Frame], Signal]
Cells: TypeAlias = Mapping[tuple[str, str], int]

_BREAK: Final[tuple[bool, ...]] = (True,)
_CONTINUE: Final[tuple[bool, ...]] = (False,)


def program_runner(tree: Tree, cells: Cells) -> Callable[[list[Any]], tuple[bool | int | float, ...]]:
    """A function from the shared list to what is returned; `cells` says where each field is. It raises `Trapped`."""
    runner = _Runner(cells)
    for function in tree.functions:
        runner.functions.append(runner.function(function))
    entry, size = runner.functions[-1], len(tree.functions[-1].slots)
    return lambda shared: entry([shared, *[None] * size])


class _Runner:
    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.functions: list[Callable[[Frame], tuple[bool | int | float, ...]]] = []
        self.sizes: list[int] = []

    def read(self, node: Read) -> Closure:
        cell = self.cells[node.record, node.field]
        return lambda frame: frame[0][cell]

    def local(self, node: Local) -> Closure:
        slot = node.slot + 1
        return lambda frame: frame[slot]

    def invoke(self, node: Invoke, operands: tuple[Closure, ...]) -> Closure:
        function, size = self.functions[node.function], self.sizes[node.function] - len(operands)
        return lambda frame: function([frame[0], *[operand(frame) for operand in operands], *[None] * size])[0]

    def function(self, function: Function) -> Callable[[Frame], tuple[bool | int | float, ...]]:
        self.sizes.append(len(function.slots))
        body = self.block(function.body, function.line)

        def call(frame: Frame) -> tuple[bool | int | float, ...]:
            returned = body(frame)
            return () if returned is None else returned

        return call

    def block(self, statements: tuple[Statement, ...], line: int) -> Step:
        steps, price = tuple(map(self.step, statements)), block_cost(statements)

        def run(frame: Frame) -> Signal:
            charge(frame[0], price, line)
            for step in steps:
                signal = step(frame)
                if signal is not None:
                    return signal
            return None

        return run

    def step(self, statement: Statement) -> Step:
        match statement:
            case Assign() | Store() | Remember():
                return self.change(statement)
            case If():
                return self.choice(statement)
            case While():
                return self.loop(statement)
            case For():
                return self.count(statement)
            case Break():
                return lambda _: _BREAK
            case Continue():
                return lambda _: _CONTINUE
            case Return():
                values = tuple(closure(value, self) for value in statement.values)
                return lambda frame: tuple([value(frame) for value in values])

    def change(self, statement: Assign | Store | Remember) -> Step:
        value = closure(statement.value, self)
        match statement:
            case Assign():
                slot = statement.slot + 1

                def assign(frame: Frame) -> None:
                    frame[slot] = value(frame)

                return assign
            case Remember():
                cell = self.cells["memory", statement.field]

                def remember(frame: Frame) -> None:
                    frame[0][cell] = value(frame)

                return remember
            case Store():
                return self.store(statement, value)

    def store(self, statement: Store, value: Closure) -> Step:
        array, index = closure(statement.array, self), closure(statement.index, self)
        length, line = statement.array.type.length, statement.line

        def store(frame: Frame) -> None:
            given, values, position = value(frame), array(frame), index(frame)
            if not -length <= position < length:
                raise Trapped(line, f"there is no element {position}: the array has {length}")
            values[position] = given

        return store

    def choice(self, statement: If) -> Step:
        test = closure(statement.test, self)
        body, orelse = self.block(statement.body, statement.line), self.block(statement.orelse, statement.line)
        if not statement.orelse:
            return lambda frame: body(frame) if test(frame) else None
        return lambda frame: body(frame) if test(frame) else orelse(frame)

    def loop(self, statement: While) -> Step:
        test, body = closure(statement.test, self), self.block(statement.body, statement.line)
        price, line = cost(statement.test), statement.line

        def loop(frame: Frame) -> Signal:
            shared = frame[0]
            while True:
                charge(shared, price, line)
                if not test(frame):
                    return None
                signal = body(frame)
                if signal is _BREAK:
                    return None
                if signal is not None and signal is not _CONTINUE:
                    return signal

        return loop

    def count(self, statement: For) -> Step:
        start, stop, step = closure(statement.start, self), closure(statement.stop, self), statement.step
        slot, body, line = statement.slot + 1, self.block(statement.body, statement.line), statement.line

        def count(frame: Frame) -> Signal:
            shared = frame[0]
            for number in range(start(frame), stop(frame), step):
                charge(shared, 1, line)
                frame[slot] = number
                signal = body(frame)
                if signal is _BREAK:
                    return None
                if signal is not None and signal is not _CONTINUE:
                    return signal
            return None

        return count


def charge(shared: list[Any], price: int, line: int) -> None:
    """Take `price` from the fuel that is left. Raises `Trapped` when there is not enough."""
    shared[0] -= price
    if shared[0] < 0:
        raise Trapped(line, "out of fuel: the program runs too long")
