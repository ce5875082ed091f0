"""The machine that runs compiled programs: wasmtime, with fuel, and no memory beyond the module's.

Which bits a NaN has is left to the processor. No instruction of a program can tell them apart, signs of NaNs included,
and those in the columns are made one form when they leave.
"""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidTask, MissingExtra
from worldtwin.script.compiling.layout import PAGE, Column, Key
from worldtwin.script.compiling.module import Compiled, compiled
from worldtwin.script.tree import Kind, Tree, Type

Numbers = NDArray[Any]  # int64 or float64, as the column's type says

WASM_FUEL: Final = 8192
"""Instructions that one unit of a program's fuel may stand for, at most: `%` of floats takes the most of them."""

LONG_TEXT: Final = 2**17
"""Modules with more text than that are compiled with less effort."""

_STACK_BYTES: Final = 512 * 1024


class Answers(Struct, frozen=True, eq=False, kw_only=True):
    """What a program did in n rows: its results, what its memory holds, the lines it trapped in (or 0), its fuel."""

    results: list[Numbers]
    memory: list[Numbers]
    lines: NDArray[np.int64]
    fuel: NDArray[np.int64]


class Machine:
    """Runs one program on many rows. It is compiled when it is first run; each thread that runs it has an instance."""

    def __init__(self, tree: Tree, cells: Mapping[Key, Type]) -> None:
        self._tree, self._cells = tree, cells
        self._compiled: Compiled | None = None
        self._module: Any = None
        self._idle: list[_Instance] = []

    def run(self, cells: list[Numbers], n: int, fuel: int) -> Answers:
        """The answers for n rows of these cells (n,) or (n, length); those of parameters may have one row for all."""
        instance = self._idle.pop() if self._idle else self._instance()
        parts = [
            instance.run(cells, slice(start, min(start + instance.rows, n)), fuel)
            for start in range(0, n, instance.rows)
        ]
        self._idle.append(instance)
        if len(parts) == 1:
            return parts[0]
        return _joined(parts) if parts else instance.run(cells, slice(0, 0), fuel)

    def _instance(self) -> _Instance:
        if self._compiled is None or self._module is None:
            wasmtime = _wasmtime()
            program = compiled(self._tree, self._cells)
            self._module = wasmtime.Module(_engine(_effort(program)), wasmtime.wat2wasm(program.text))
            self._compiled = program
            weakref.finalize(self, self._module.close)
        return _Instance(self._compiled, self._module)


class _Instance:
    """A memory of its own, with a view of every column."""

    def __init__(self, program: Compiled, module: Any) -> None:  # noqa: ANN401 - wasmtime has no strict types
        wasmtime = _wasmtime()
        layout = program.layout
        self.rows = layout.rows
        self._store = wasmtime.Store(_engine(_effort(program)))
        weakref.finalize(self, self._store.close)
        self._store.set_limits(memory_size=program.pages * PAGE, table_elements=0, instances=1, tables=0, memories=1)
        self._store.set_fuel(WASM_FUEL)
        exports = wasmtime.Instance(self._store, module, []).exports(self._store)
        self._run, self._memory = exports["run"], exports["memory"]
        raw = np.ctypeslib.as_array(self._memory.data_ptr(self._store), shape=(program.pages * PAGE,))
        self._cells = [_view(raw, column, layout.rows) for column in layout.cells.values()]
        self._parameters = [record == "param" for record, _ in layout.cells]
        self._remembers = [record == "memory" for record, _ in layout.cells]
        self._results = [_view(raw, column, layout.rows) for column in layout.results]
        self._asked = raw[layout.asked :][:24].view(np.int64)
        self._lines = raw[layout.lines :][: 8 * layout.rows].view(np.int64)
        self._fuel = raw[layout.fuel :][: 8 * layout.rows].view(np.int64)

    def run(self, cells: list[Numbers], rows: slice, fuel: int) -> Answers:
        n = rows.stop - rows.start
        each = False
        for view, cell, parameter in zip(self._cells, cells, self._parameters, strict=True):
            if parameter and _shared(view, cell):
                view[0] = cell
            else:
                each = each or parameter
                view[:n] = cell[rows]
        self._store.set_fuel(min(WASM_FUEL * (n + 1) * (fuel + 1), 2**63 - 1))
        self._call(n, each, fuel)
        return Answers(
            results=[_taken(view[:n]) for view in self._results],
            memory=[_taken(view[:n]) for view, memory in zip(self._cells, self._remembers, strict=True) if memory],
            lines=self._lines[:n].copy(),
            fuel=self._fuel[:n].copy(),
        )

    def _call(self, n: int, each: bool, fuel: int) -> None:  # noqa: FBT001 - a number for the module
        try:
            self._asked[:] = n, -int(each), fuel
            self._run(self._store)
        except (_wasmtime().Trap, _wasmtime().WasmtimeError) as error:
            reason = str(error).strip().splitlines()[-1].strip()
            raise InvalidTask(f"the program stopped inside of the machine: {reason}") from error


def _taken(view: Numbers) -> Numbers:
    """A copy of a column with one form of NaN: which one an instruction makes is the processor's choice."""
    column = view.copy()
    if column.dtype == np.float64:
        unknown = np.isnan(column)
        if unknown.any():
            column[unknown] = np.nan
    return column


def _shared(view: Numbers, cell: Numbers) -> bool:
    return cell.ndim < view.ndim or (view.ndim == 2 and len(cell) == 1)


def _view(raw: Numbers, column: Column, rows: int) -> Numbers:
    kind = np.float64 if column.type.kind is Kind.FLOAT else np.int64
    values = raw[column.address :][: 8 * rows * column.length].view(kind)
    return values.reshape(rows, column.length) if column.type.length else values


def _joined(parts: list[Answers]) -> Answers:
    return Answers(
        results=[np.concatenate(columns) for columns in zip(*[part.results for part in parts], strict=True)],
        memory=[np.concatenate(columns) for columns in zip(*[part.memory for part in parts], strict=True)],
        lines=np.concatenate([part.lines for part in parts]),
        fuel=np.concatenate([part.fuel for part in parts]),
    )


def _effort(program: Compiled) -> str:
    """How hard Cranelift tries: any effort takes time that grows with the square of a function's length."""
    return "speed" if len(program.text) <= LONG_TEXT else "none"


@cache
def _engine(effort: str) -> Any:  # noqa: ANN401 - wasmtime has no strict types
    """The engine of this process: deterministic, and without all that the modules do not use."""
    wasmtime = _wasmtime()
    config = wasmtime.Config()
    config.consume_fuel = True
    config.cranelift_nan_canonicalization = False
    config.wasm_relaxed_simd = False
    config.wasm_simd = False
    config.wasm_threads = False
    config.wasm_memory64 = False
    config.wasm_multi_memory = False
    config.max_wasm_stack = _STACK_BYTES
    config.parallel_compilation = False
    config.cranelift_opt_level = effort
    engine = wasmtime.Engine(config)
    weakref.finalize(engine, engine.close)
    return engine


@cache
def _wasmtime() -> Any:  # noqa: ANN401 - wasmtime has no strict types
    try:
        return importlib.import_module("wasmtime")
    except ImportError as error:
        raise MissingExtra("script tasks in batches need wasmtime: pip install wasmtime") from error
