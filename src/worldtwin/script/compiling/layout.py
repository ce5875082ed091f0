"""Where everything is in a program's linear memory: tables, parameters, state, memory, results, traps, fuel, arrays.

A number takes eight bytes. A field is a column of as many numbers as one call has rows; an array field has its arrays
one after the other. Parameters of the whole program are in the first row of their column. At `asked` are the number of
rows, -1 when each row has its own parameters (else 0), and the fuel of a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from worldtwin.exact.formulas import ATAN, QUARTERS
from worldtwin.script.tree import Type

Key: TypeAlias = tuple[str, str]

MOST_ROWS: Final = 4096
FEWEST_ROWS: Final = 16
COLUMN_BYTES: Final = 4 * 2**20
"""What the columns take at most, as long as there is room for the fewest rows."""

NUMBER: Final = 8
PAGE: Final = 2**16
ATAN_AT: Final = 0
QUARTERS_AT: Final = ATAN_AT + 2 * NUMBER * len(ATAN)
TABLES_AT: Final = QUARTERS_AT + 2 * NUMBER * len(QUARTERS)


class Column(Struct, frozen=True):
    """A column of `length` numbers (1 for what is not an array) in each row, from `address` on."""

    type: Type
    address: int

    @property
    def length(self) -> int:
        """How many numbers a row has."""
        return self.type.length or 1


class Layout(Struct, frozen=True, kw_only=True):
    """The columns of one program for at most `rows` rows; what the code needs itself begins at `end`."""

    rows: int
    cells: Mapping[Key, Column]
    results: tuple[Column, ...]
    lines: int
    fuel: int
    asked: int
    end: int


def layout_of(cells: Mapping[Key, Type], results: Iterable[Type], tables: int) -> Layout:
    """The layout of a program with these fields and results, after `tables` bytes of its own."""
    kinds = list(results)
    width = sum(kind.length or 1 for kind in cells.values()) + len(kinds) + 2
    rows = min(MOST_ROWS, max(FEWEST_ROWS, COLUMN_BYTES // (NUMBER * width)))
    at = TABLES_AT + tables
    placed: list[Column] = []
    for kind in [*cells.values(), *kinds]:
        placed.append(Column(kind, at))
        at += NUMBER * rows * (kind.length or 1)
    return Layout(
        rows=rows,
        cells=dict(zip(cells, placed, strict=False)),
        results=tuple(placed[len(cells) :]),
        lines=at,
        fuel=at + NUMBER * rows,
        asked=at + 2 * NUMBER * rows,
        end=at + 2 * NUMBER * rows + 3 * NUMBER,
    )
