"""What the code of one program is written with: instructions, variables, labels, and room in memory."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias

from worldtwin.script.compiling.inlining import inside
from worldtwin.script.compiling.layout import NUMBER, Layout
from worldtwin.script.compiling.library import leaves, texts
from worldtwin.script.compiling.ranges import Range
from worldtwin.script.tree import Kind, Type

Word: TypeAlias = Literal["i32", "i64", "f64"]

MOST_INLINED: Final = 2**16
"""How long the texts may be of functions that are put where they are called: long functions take long to compile."""

_WORDS: Final[dict[Kind, Word]] = {Kind.BOOL: "i32", Kind.FLOAT: "f64"}


def word(kind: Type) -> Word:
    """What a value is in WebAssembly: truth values and addresses of arrays are i32, ints, names and sets i64."""
    return "i32" if kind.length else _WORDS.get(kind.kind, "i64")


class Module:
    """What the functions of one program share: the layout, the library functions they need, room for arrays, tables."""

    def __init__(self, layout: Layout, tables: dict[tuple[int, ...], int]) -> None:
        self.layout, self.tables = layout, tables
        self.used: set[str] = set()
        self._inlined = 0
        self.end = layout.end

    def inlines(self, name: str) -> bool:
        """Whether a function of the library, called once more, shall be put where it is called."""
        if name not in leaves():
            return False
        self._inlined += len(texts()[name])
        return self._inlined <= MOST_INLINED

    def room(self, numbers: int) -> int:
        """The address of new room for so many numbers."""
        self.end += NUMBER * numbers
        return self.end - NUMBER * numbers


class Code:
    """The instructions of one function. Rows are byte offsets: `$at` for columns, `$pat` for those of parameters.

    The fuel is in the variable `$left`. A trap writes its line to the global `$line` and leaves the block `$fail`.
    """

    def __init__(self, module: Module) -> None:
        self.module = module
        self.lines: list[str] = []
        self.variables: list[str] = []
        self.variables_inside: dict[str, None] = {}
        """Those of functions of the library."""
        self.known: dict[int, Range] = {}
        """What is known of variables by slot."""
        self._free: dict[Word, list[str]] = {"i32": [], "i64": [], "f64": []}
        self._labels = 0

    def add(self, *instructions: str) -> None:
        """Append instructions."""
        self.lines += instructions

    def call(self, name: str) -> None:
        """Call a function of the library, or put it here."""
        if self.module.inlines(name):
            function = inside(texts()[name])
            self.variables_inside |= dict.fromkeys(function.variables)
            self.add(function.instructions)
        else:
            self.module.used.add(name)
            self.add(f"call ${name}")

    def label(self) -> int:
        """A number for the labels of a block."""
        self._labels += 1
        return self._labels

    @contextmanager
    def temporary(self, kind: Word) -> Generator[str]:
        """A variable for a while."""
        free = self._free[kind]
        name = free.pop() if free else self._new(kind)
        yield name
        free.append(name)

    def _new(self, kind: Word) -> str:
        name = f"$t{len(self.variables)}"
        self.variables.append(f"(local {name} {kind})")
        return name

    def trap_if(self, line: int) -> None:
        """Stop with this line if the truth value on the stack holds."""
        self.add("if", f"i32.const {line}", "global.set $line", "br $fail", "end")

    def trap_again(self) -> None:
        """Stop if the function that was called has stopped."""
        self.add("global.get $line", "br_if $fail")

    def charge(self, price: int, line: int) -> None:
        """Take fuel; stop when there is not enough."""
        if price:
            self.add("local.get $left", f"i64.const {price}", "i64.sub", "local.tee $left", "i64.const 0", "i64.lt_s")
            self.trap_if(line)

    def load(self, kind: Type, address: int) -> None:
        """The number at the address on the stack, plus `address`."""
        self.add(f"f64.load offset={address}" if word(kind) == "f64" else f"i64.load offset={address}")
        if word(kind) == "i32":
            self.add("i32.wrap_i64")

    def store(self, kind: Type, address: int) -> None:
        """Put the number on the stack to the address beneath it, plus `address`."""
        if word(kind) == "i32":
            self.add("i64.extend_i32_u")
        self.add(f"f64.store offset={address}" if word(kind) == "f64" else f"i64.store offset={address}")


def constant(kind: Type, value: float) -> str:
    """The instruction that leaves a number on the stack."""
    if word(kind) == "f64":
        return f"f64.const {float(value).hex()}"
    return f"{word(kind)}.const {int(value)}"
