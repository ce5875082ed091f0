"""Tasks written as programs: checked, with parameters, run one step at a time."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from worldtwin.errors import InvalidScript, InvalidTask, InvalidValue
from worldtwin.script.checking.declarations import Memory, declarations, parameter_type
from worldtwin.script.checking.programs import ENTRY, Findings, check_act, check_decorators, check_function
from worldtwin.script.checking.source import Source, parse_file, parse_program, shown
from worldtwin.script.compiling.machine import Machine
from worldtwin.script.parameter import Parameter
from worldtwin.script.records import Record, record_of
from worldtwin.script.running.arithmetic import Values
from worldtwin.script.running.batches import finite, memory_cells, memory_rows
from worldtwin.script.running.cost import array_numbers, most_cost
from worldtwin.script.running.steps import program_runner
from worldtwin.script.trap import Trap, Trapped
from worldtwin.script.tree import INT, Kind, Tree, Type
from worldtwin.world import Category, Lattice, Set, Space, Value, decode_column, encode_column, hint

FUEL: Final = 1_000_000
"""What one step of a program may cost, in evaluated nodes, before it traps."""

MOST_ARRAY_NUMBERS: Final = 2**18
"""Numbers in all arrays that a program writes out or gives a name."""

NOT_FINITE: Final = 1
"""The line that an action which is not finite is told of."""

Number: TypeAlias = bool | int | float
Given: TypeAlias = Value | dict[str, Value]


class Step(Struct, frozen=True, kw_only=True):
    """What one call of a program did: its action and memory, or the trap that stopped it, and the fuel it took."""

    action: Given | None
    memory: tuple[Number, ...]
    trap: Trap | None
    fuel: int


class Steps(Struct, frozen=True, eq=False, kw_only=True):
    """What one call of a program did in n rows.

    `actions` (n, a) are lattice values, `memory` (n, m) floats; a row that trapped keeps its memory, its action means
    nothing. `lines` (n,) are those of the traps, 0 where there was none; `possible` (n,) tells whether the action is
    within its space.
    """

    actions: Lattice
    memory: NDArray[np.float64]
    lines: NDArray[np.int64]
    possible: NDArray[np.bool_]
    fuel: NDArray[np.int64]

    @property
    def trapped(self) -> NDArray[np.bool_]:
        """Which rows trapped (n,)."""
        return self.lines > 0


class Program(Struct, frozen=True, eq=False, kw_only=True):
    """A checked program. Its identity is `source`, `function` and the values of `parameters`."""

    source: str
    function: str
    first_line: int
    state: Space | None
    action: Space | None
    parameters: tuple[Parameter, ...]
    memory: tuple[Memory, ...]
    observes: tuple[str, ...]
    tree: Tree
    cost: int | None
    """The most fuel that one step can take; None when a loop has no written limit."""
    cells: tuple[Callable[[Any], Any], ...]
    run: Callable[[list[Any]], tuple[Number, ...]]
    machine: Machine

    @property
    def values(self) -> tuple[float, ...]:
        """The values of all parameters, one after the other."""
        return tuple(value for parameter in self.parameters for value in parameter.values)

    @property
    def start_memory(self) -> tuple[Number, ...]:
        """The memory at the start of an episode: every number of every field, in order."""
        return tuple(_as(field.type, value) for field in self.memory for value in field.values)

    @property
    def results(self) -> tuple[Type, ...]:
        """The types of the values that it returns, one for each field of the action."""
        return self.tree.functions[-1].results

    def with_parameters(self, values: Sequence[float]) -> Program:
        """The program with other values for all parameters, in order; whole ones are rounded. Raises `InvalidValue`."""
        if len(values) != len(self.values):
            raise InvalidValue(f"{len(values)} parameter values are given: the program has {len(self.values)}")
        rest = iter(values)
        return replace(
            self, parameters=tuple(_with_values(each, [next(rest) for _ in each.values]) for each in self.parameters)
        )

    def bind(self, state: Space, action: Space) -> Program:
        """The same program, and parameter values, for a world. Raises `InvalidScript` where it does not fit."""
        source = Source(self.source, self.first_line)
        return _checked(source, self.function, state, action).with_parameters(self.values)

    def act(
        self, state: Mapping[str, object], memory: Sequence[Number] | None = None
    ) -> tuple[Given, tuple[Number, ...]]:
        """The action in `state` (physical values by field) and the new memory; without memory, the start's.

        Raises `Trapped` (an `InvalidTask`) naming the line when the calculation has no answer.
        """
        shared = self._shared(state, self.start_memory if memory is None else memory, FUEL)
        return self._decoded(self.run(shared)), self._memory(shared)

    def step(self, state: Mapping[str, object], memory: Sequence[Number] | None = None, *, fuel: int = FUEL) -> Step:
        """`act` with the trap as a value; after a trap the memory is as it was."""
        before = self.start_memory if memory is None else tuple(memory)
        shared = self._shared(state, before, fuel)
        try:
            action = self._decoded(self.run(shared))
        except Trapped as trapped:
            return Step(action=None, memory=before, trap=trapped.trap, fuel=fuel - max(shared[0], 0))
        return Step(action=action, memory=self._memory(shared), trap=None, fuel=fuel - shared[0])

    def act_rows(
        self,
        rows: Lattice,
        memory: NDArray[np.float64],
        *,
        parameters: NDArray[np.float64] | None = None,
        fuel: int = FUEL,
    ) -> Steps:
        """`step` for every one of the state rows (n, at least as many columns as fields) and memories (n, m) at once.

        `parameters` (n, p) gives each row its own values in the place of the program's. Raises `InvalidTask` when the
        program is not bound to a world.
        """
        if self.state is None or self.action is None:
            raise InvalidTask("the program fits no world yet: use program.bind(state, action)")
        columns = [self.state.index(name) for name in self.observes]
        cells = parameter_cells(self.parameters, parameters)
        cells += [decode_column(self.state.fields[column], rows[:, column]) for column in columns]
        cells += memory_cells(memory, tuple(field.type for field in self.memory))
        answers = self.machine.run(cells, len(rows), fuel)
        lines, results = answers.lines, answers.results
        actions, possible = encoded(self.action, results)
        if lines.any() or not possible.all():
            lines[~finite(results, lines > 0)] = NOT_FINITE
            actions, possible = encoded(self.action, [np.where(lines, 0, column) for column in results])
        return Steps(
            actions=actions,
            memory=memory_rows(answers.memory, memory, lines),
            lines=lines,
            possible=possible,
            fuel=answers.fuel,
        )

    def _shared(self, state: Mapping[str, object], memory: Sequence[Number], fuel: int) -> list[Any]:
        shared: list[Any] = [fuel]
        for parameter in self.parameters:
            values = [int(value) for value in parameter.values] if parameter.integer else list(parameter.values)
            shared.append(values if parameter.array else values[0])
        for name, cell in zip(self.observes, self.cells, strict=True):
            try:
                shared.append(cell(state[name]))
            except KeyError:
                raise InvalidTask(
                    f"the program observes `{name}`, which the state does not have{hint(name, state)}"
                ) from None
        return shared + self._remembered(memory)

    def _remembered(self, memory: Sequence[Number]) -> list[Any]:
        expected = sum(len(field.values) for field in self.memory)
        if len(memory) != expected:
            raise InvalidTask(f"the memory has {len(memory)} numbers, the program remembers {expected}")
        cells: list[Any] = []
        position = 0
        for field in self.memory:
            values = [_as(field.type, value) for value in memory[position : position + len(field.values)]]
            position += len(values)
            cells.append(values if field.type.length else values[0])
        return cells

    def _memory(self, shared: list[Any]) -> tuple[Number, ...]:
        if not self.memory:
            return ()
        cells = shared[len(shared) - len(self.memory) :]
        return tuple(
            number
            for field, cell in zip(self.memory, cells, strict=True)
            for number in (cell if field.type.length else (cell,))
        )

    def _decoded(self, returned: tuple[Number, ...]) -> Given:
        values = [_physical(kind, value) for kind, value in zip(self.results, returned, strict=True)]
        if len(values) == 1:
            return values[0]
        names = self.action.names if self.action else tuple(str(i) for i in range(len(values)))
        return dict(zip(names, values, strict=True))


def check_program(
    source: str, state: Space | None = None, action: Space | None = None, *, function: str = "", first_line: int = 1
) -> Program:
    """The program in `source`: one with `act(state, memory)`, or the one function called `function`, or its only one.

    Without a state and an action it is checked on its own: fields are floats, or names where they are compared with
    texts. Raises `InvalidScript` with the line, the column and what to do.
    """
    return _checked(Source(source, first_line), function, state, action)


def check_function_of(file: str, function: str, state: Space | None = None, action: Space | None = None) -> Program:
    """The program that is the top-level `function` of a Python file's text. Nothing of the file is run or imported."""
    text = Source(file)
    found = [node for node in parse_file(text).body if isinstance(node, ast.FunctionDef) and node.name == function]
    if not found:
        known = [node.name for node in parse_file(text).body if isinstance(node, ast.FunctionDef)]
        raise InvalidScript(f"the file has no function {shown(function)} at its top{hint(function, known)}")
    node = found[-1]
    check_decorators(text, node)
    lines = file.split("\n")[node.lineno - 1 : node.end_lineno]
    return check_program("\n".join(lines) + "\n", state, action, function=function, first_line=node.lineno)


def _checked(source: Source, function: str, state: Space | None, action: Space | None) -> Program:
    seen = None if state is None else record_of(state)
    expected = None if action is None else record_of(action)
    try:
        name, found = _found(source, function, seen, expected)
    except RecursionError as error:
        raise InvalidScript("too deeply nested: split it into smaller steps") from error
    if array_numbers(found.tree) > MOST_ARRAY_NUMBERS:
        raise InvalidScript(f"the arrays have more than {MOST_ARRAY_NUMBERS:,} numbers in all: use fewer ones")
    cells = {("param", each.name): parameter_type(each) for each in found.parameters}
    cells |= {("state", each): found.state[each] for each in found.observes}
    cells |= {("memory", each.name): each.type for each in found.memory}
    return Program(
        source=source.text,
        function=name,
        first_line=source.first_line,
        state=state,
        action=action,
        parameters=found.parameters,
        memory=found.memory,
        observes=found.observes,
        tree=found.tree,
        cost=most_cost(found.tree),
        cells=tuple(_cell(name, kind) for name, kind in found.state.items()),
        run=program_runner(found.tree, {key: i + 1 for i, key in enumerate(cells)}),
        machine=Machine(found.tree, cells),
    )


def _found(source: Source, function: str, state: Record | None, expected: Record | None) -> tuple[str, Findings]:
    module = parse_program(source)
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    names = [node.name for node in functions]
    if not functions:
        raise InvalidScript("the script has no function: write `def act(state, memory):`", line=source.first_line)
    if function in {"", ENTRY} and ENTRY in names and _takes_records(functions[names.index(ENTRY)]):
        return ENTRY, check_act(source, declarations(source, module), state, expected)
    if function and function not in names:
        raise InvalidScript(
            f"the script has no function {shown(function)}{hint(function, names)}", line=source.first_line
        )
    if len(module.body) > 1:
        which = "" if function else f"; of a file with more in it name the function, such as FILE.py:{names[0]}"
        raise source.refusal(
            module.body[1], f"one function alone is a program, or `def act(state, memory)` with what it needs{which}"
        )
    return functions[0].name, check_function(source, functions[0], state, expected)


def _takes_records(node: ast.FunctionDef) -> bool:
    return [argument.arg for argument in node.args.args][:1] == ["state"]


def _with_values(parameter: Parameter, values: list[float]) -> Parameter:
    numbers = [float(value) for value in values]
    if parameter.integer and all(map(math.isfinite, numbers)):
        numbers = [float(round(value)) for value in numbers]
    return replace(parameter, values=tuple(numbers))


def parameter_cells(declared: tuple[Parameter, ...], given: NDArray[np.float64] | None) -> list[Values]:
    """A cell for each parameter: () or (1, length) of its own values, (n,) or (n, length) of those `given` (n, p)."""
    cells: list[Values] = []
    position = 0
    for parameter in declared:
        width = len(parameter.values)
        block = np.array([parameter.values]) if given is None else given[:, position : position + width]
        block = np.rint(block).astype(np.int64) if parameter.integer else block.astype(np.float64)
        one = block[0, 0] if given is None else block[:, 0]
        cells.append(block if parameter.array else one)
        position += width
    return cells


def encoded(space: Space, columns: list[Values]) -> tuple[Lattice, NDArray[np.bool_]]:
    """The lattice values (n, fields) of script columns, and which rows are within the space."""
    rows: list[Lattice] = []
    possible: list[NDArray[np.bool_]] = []
    for field, column in zip(space.fields, columns, strict=True):
        named = isinstance(field, Category | Set)
        lattice, valid = (column, np.ones(len(column), dtype=np.bool_)) if named else encode_column(field, column)
        rows.append(lattice)
        possible.append(valid)
    return (np.stack(rows, axis=1), np.logical_and.reduce(possible)) if rows[1:] else (rows[0][:, None], possible[0])


def _as(kind: Type, value: float) -> Number:
    return float(value) if kind.kind is Kind.FLOAT else bool(value) if kind.kind is Kind.BOOL else int(value)


def _physical(kind: Type, value: Number) -> Value:
    if kind.kind is Kind.NAME:
        return kind.values[int(value)]
    if kind.kind is Kind.NAMES:
        return frozenset(name for bit, name in enumerate(kind.values) if int(value) >> bit & 1)
    if isinstance(value, float) and not math.isfinite(value):
        raise Trapped(NOT_FINITE, "the action is not a finite number")
    return value


def _cell(name: str, kind: Type) -> Callable[[Any], Any]:
    """A function from a physical value of the field `name` to what the program calculates with."""
    if kind.kind is Kind.FLOAT:
        return float
    if kind == INT or kind.kind is Kind.BOOL:
        return int
    known = {value: i for i, value in enumerate(kind.values)}

    def index(value: str) -> int:
        if value not in known:
            raise InvalidTask(f"state.{name}: `{value}` is not one of its values{hint(value, known)}")
        return known[value]

    return index if kind.kind is Kind.NAME else lambda value: sum(1 << index(each) for each in value)
