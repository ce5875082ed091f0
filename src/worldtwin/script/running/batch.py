"""The evaluator of programs on many rows at once: each statement runs for the rows that come that way.

It gives what `running.steps` gives row by row: the same values and traps and, for rows without a trap, the same fuel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from worldtwin.script.running.arithmetic import Mask, Result, Values, either
from worldtwin.script.running.columns import Evaluator, evaluator
from worldtwin.script.running.cost import block_cost, cost
from worldtwin.script.tree import (
    FLOAT,
    LEAST,
    MOST,
    Array,
    Assign,
    Break,
    Continue,
    Element,
    For,
    Function,
    If,
    Invoke,
    Kind,
    Local,
    Read,
    Remember,
    Return,
    Statement,
    Store,
    Tree,
    Type,
    While,
)

Step: TypeAlias = Callable[["Frame"], None]
Cells: TypeAlias = Mapping[tuple[str, str], int]

_DTYPES = {Kind.BOOL: np.bool_, Kind.FLOAT: np.float64}


class Batch:
    """What a whole call shares: the fuel left in each row, and the cells: columns (n,) or arrays (n, length)."""

    def __init__(self, n: int, fuel: int, cells: list[Values]) -> None:
        self.n = n
        self.fuel = np.full(n, fuel, dtype=np.int64)
        self.cells = cells


class Frame:
    """One call of a function: its variables, and which rows are where. A row is in one of the masks at most."""

    def __init__(self, batch: Batch, slots: list[Values | None], results: tuple[Type, ...], rows: Mask) -> None:
        self.batch = batch
        self.slots = slots
        self.rows = rows
        self.left = np.zeros_like(rows)
        self.again = np.zeros_like(rows)
        self.trapped = np.zeros_like(rows)
        self.results: list[Values] = [blank(kind, batch.n) for kind in results]

    def narrowed(self, rows: Values) -> Frame:
        """The same variables for fewer rows; what traps in them is told by the evaluator's mask."""
        frame = Frame(self.batch, self.slots, (), self.rows & rows)
        frame.results = self.results
        return frame

    def trap(self, trap: Mask | None) -> None:
        """Stop the rows where `trap` holds."""
        if trap is not None:
            stopped = trap & self.rows
            self.trapped |= stopped
            self.rows = self.rows & ~stopped

    def charge(self, price: int) -> None:
        """Take fuel from the rows that are here, and stop those without."""
        self.batch.fuel -= price * self.rows
        if self.batch.fuel.min(initial=0) < 0:
            self.trap(self.batch.fuel < 0)

    def value(self, evaluate: Evaluator) -> Values:
        """The values of an expression (n,) or (); rows that trap in it stop."""
        values, trap = evaluate(self)
        self.trap(trap)
        return values


def blank(kind: Type, n: int) -> Values:
    """A column, or an array for each row, of zeros."""
    shape = (n, kind.length) if kind.length else (n,)
    return np.zeros(shape, dtype=_DTYPES.get(kind.kind, np.int64))


def batch_runner(tree: Tree, cells: Cells) -> Callable[[Batch], tuple[list[Values], Mask]]:
    """A function from a batch to what the program returns (columns) and which rows trapped."""
    runner = _Runner(cells)
    for function in tree.functions:
        runner.add(function)

    def run(batch: Batch) -> tuple[list[Values], Mask]:
        with np.errstate(all="ignore"):
            frame = runner.call(len(runner.functions) - 1, batch, [], np.ones(batch.n, dtype=np.bool_))
        return frame.results, frame.trapped

    return run


class _Runner:
    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self.functions: list[Function] = []
        self.bodies: list[Step] = []

    def add(self, function: Function) -> None:
        self.bodies.append(self.block(function.body))
        self.functions.append(function)

    def call(self, number: int, batch: Batch, operands: list[Values], rows: Mask) -> Frame:
        function = self.functions[number]
        slots: list[Values | None] = [*operands, *[None] * (len(function.slots) - len(operands))]
        frame = Frame(batch, slots, function.results, rows)
        self.bodies[number](frame)
        return frame

    def narrowed(self, frame: Frame, rows: Values) -> Frame:
        return frame.narrowed(rows) if len(self.functions) > 1 else frame

    def leaf(self, node: Read | Local | Array | Element | Invoke) -> Evaluator:
        match node:
            case Read():
                return partial(_cell, self.cells[node.record, node.field])
            case Local():
                return partial(_slot, node.slot)
            case Array():
                return partial(_new, node, tuple(evaluator(each, self) for each in node.elements))
            case Element():
                return partial(_element, evaluator(node.array, self), evaluator(node.index, self))
            case Invoke():
                return partial(self.invoke, node.function, tuple(evaluator(each, self) for each in node.operands))

    def invoke(self, number: int, operands: tuple[Evaluator, ...], frame: Frame) -> Result:
        columns: list[Values] = []
        before: Mask | None = None
        for operand in operands:
            values, trap = operand(frame)
            columns.append(values)
            before = either(before, trap)
        inner = self.call(number, frame.batch, columns, frame.rows if before is None else frame.rows & ~before)
        return inner.results[0], either(before, inner.trapped if inner.trapped.any() else None)

    def block(self, statements: tuple[Statement, ...]) -> Step:
        steps, price = tuple(map(self.step, statements)), block_cost(statements)

        def run(frame: Frame) -> None:
            if frame.rows.any():
                frame.charge(price)
            for step in steps:
                if not frame.rows.any():
                    return
                step(frame)

        return run

    def step(self, statement: Statement) -> Step:
        match statement:
            case Assign():
                return partial(_assign, statement.slot, evaluator(statement.value, self))
            case Remember():
                return partial(_remember, self.cells["memory", statement.field], evaluator(statement.value, self))
            case Store():
                parts = (evaluator(each, self) for each in (statement.value, statement.array, statement.index))
                return partial(_store, *parts)
            case If():
                return partial(
                    _if, evaluator(statement.test, self), self.block(statement.body), self.block(statement.orelse)
                )
            case While():
                test = evaluator(statement.test, self)
                return partial(_while, test, cost(statement.test), self.block(statement.body))
            case For():
                start, stop = evaluator(statement.start, self), evaluator(statement.stop, self)
                return partial(_for, statement, start, stop, self.block(statement.body))
            case Break():
                return _break
            case Continue():
                return _continue
            case Return():
                return partial(_return, tuple(evaluator(each, self) for each in statement.values))


def _cell(cell: int, frame: Frame) -> Result:
    return frame.batch.cells[cell], None


def _slot(slot: int, frame: Frame) -> Result:
    values = frame.slots[slot]
    return np.zeros((), dtype=np.int64) if values is None else values, None


def _new(node: Array, elements: tuple[Evaluator, ...], frame: Frame) -> Result:
    array = blank(node.type, frame.batch.n)
    traps: Mask | None = None
    for i, element in enumerate(elements):
        values, trap = element(frame)
        array[:, i :: len(elements)] = values if np.ndim(values) == 0 else values[:, None]
        traps = either(traps, trap)
    return array, traps


def _element(array: Evaluator, index: Evaluator, frame: Frame) -> Result:
    values, before = array(frame)
    position, between = index(frame)
    place, outside = _place(position, values.shape[1])
    traps = either(before, between, outside)
    if len(values) == 1:
        return values[0, place], traps
    return values[np.arange(len(values)), place], traps


def _place(position: Values, length: int) -> tuple[Values, Mask | None]:
    """Where an index points, counting from the start, and where it points outside."""
    outside = (position < -length) | (position >= length)
    if outside.any():
        return np.where(outside, 0, position % length), outside
    return position % length, None


def _assign(slot: int, value: Evaluator, frame: Frame) -> None:
    values = frame.value(value)
    frame.slots[slot] = _merged(frame, values, frame.slots[slot])


def _merged(frame: Frame, values: Values, old: Values | None) -> Values:
    """The new values for the rows that are here, the old ones elsewhere."""
    if old is None or frame.rows.all():
        return values
    rows = frame.rows[:, None] if values.ndim == 2 else frame.rows
    return np.where(rows, values, old)


def _remember(cell: int, value: Evaluator, frame: Frame) -> None:
    values = frame.value(value)
    frame.batch.cells[cell] = _merged(frame, values, frame.batch.cells[cell])


def _store(value: Evaluator, array: Evaluator, index: Evaluator, frame: Frame) -> None:
    values, target, position = frame.value(value), frame.value(array), frame.value(index)
    place, outside = _place(position, target.shape[1])
    frame.trap(outside)
    rows = np.flatnonzero(frame.rows)
    target[rows, place if place.ndim == 0 else place[rows]] = values if values.ndim == 0 else values[rows]


def _if(test: Evaluator, body: Step, orelse: Step, frame: Frame) -> None:
    holds = frame.value(test)
    here = frame.rows
    frame.rows = here & holds
    body(frame)
    after, frame.rows = frame.rows, here & ~holds
    orelse(frame)
    frame.rows = frame.rows | after


def _while(test: Evaluator, price: int, body: Step, frame: Frame) -> None:
    outer_left, outer_again = frame.left, frame.again
    frame.left = np.zeros_like(frame.rows)
    done = np.zeros_like(frame.rows)
    while frame.rows.any():
        frame.again = np.zeros_like(frame.rows)
        frame.charge(price)
        holds = frame.value(test)
        done |= frame.rows & ~holds
        frame.rows = frame.rows & holds
        body(frame)
        frame.rows = frame.rows | frame.again
    frame.rows = done | frame.left
    frame.left, frame.again = outer_left, outer_again


def _for(statement: For, start: Evaluator, stop: Evaluator, body: Step, frame: Frame) -> None:
    number, end = frame.value(start), frame.value(stop)
    outer_left, outer_again = frame.left, frame.again
    frame.left = np.zeros_like(frame.rows)
    step, done = statement.step, np.zeros_like(frame.rows)
    while True:
        more = number < end if step > 0 else number > end
        done |= frame.rows & ~more
        frame.rows = frame.rows & more
        if not frame.rows.any():
            break
        frame.again = np.zeros_like(frame.rows)
        frame.charge(1)
        frame.slots[statement.slot] = _merged(frame, number, frame.slots[statement.slot])
        body(frame)
        frame.rows = frame.rows | frame.again
        last = number > MOST - step if step > 0 else number < LEAST - step
        done |= frame.rows & last
        frame.rows = frame.rows & ~last
        number = number + step
    frame.rows = done | frame.left
    frame.left, frame.again = outer_left, outer_again


def _break(frame: Frame) -> None:
    frame.left |= frame.rows
    frame.rows = np.zeros_like(frame.rows)


def _continue(frame: Frame) -> None:
    frame.again |= frame.rows
    frame.rows = np.zeros_like(frame.rows)


def _return(values: tuple[Evaluator, ...], frame: Frame) -> None:
    columns = [frame.value(each) for each in values]
    for result, column in zip(frame.results, columns, strict=True):
        np.copyto(result, column, where=frame.rows)
    frame.rows = np.zeros_like(frame.rows)


def finite(results: list[Values], kinds: tuple[Type, ...], trapped: Mask) -> Mask:
    """The rows that trapped, with those whose results are not finite."""
    for column, kind in zip(results, kinds, strict=True):
        if kind == FLOAT:
            trapped = trapped | ~np.isfinite(column)
    return trapped


def memory_cells(memory: NDArray[np.float64], kinds: tuple[Type, ...]) -> list[Values]:
    """The memory (n, numbers) as a cell for each of its fields."""
    cells: list[Values] = []
    position = 0
    for kind in kinds:
        dtype = _DTYPES.get(kind.kind, np.int64)
        width = kind.length or 1
        block = memory[:, position : position + width].astype(dtype)
        cells.append(block if kind.length else block[:, 0])
        position += width
    return cells


def memory_rows(cells: list[Values], before: NDArray[np.float64], trapped: Mask) -> NDArray[np.float64]:
    """The memory (n, numbers) that the cells hold; trapped rows keep what they had."""
    after = before.copy()
    position = 0
    for cell in cells:
        width = cell.shape[1] if cell.ndim == 2 else 1
        block = cell if cell.ndim == 2 else np.broadcast_to(cell, (len(before),))[:, None]
        np.copyto(after[:, position : position + width], block, where=~trapped[:, None])
        position += width
    return after
