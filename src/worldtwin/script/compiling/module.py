"""From a typed tree to the text of a WebAssembly module. It imports nothing: there is nothing to reach."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from msgspec import Struct

from worldtwin.exact.formulas import ATAN, QUARTERS
from worldtwin.script.compiling.code import Module
from worldtwin.script.compiling.layout import ATAN_AT, PAGE, QUARTERS_AT, TABLES_AT, Key, Layout, layout_of
from worldtwin.script.compiling.library import needed
from worldtwin.script.compiling.statements import function_text, run_text
from worldtwin.script.running.cost import nodes
from worldtwin.script.tree import Recode, Tree, Type


class Compiled(Struct, frozen=True, kw_only=True):
    """The text of a module, and the layout of its memory of `pages` pages."""

    text: str
    layout: Layout
    pages: int


def compiled(tree: Tree, cells: Mapping[Key, Type]) -> Compiled:
    """The module of a program that reads these fields.

    It exports `memory` and `run`, which answers what the memory asks.
    """
    tables, data = _tables(tree)
    layout = layout_of(cells, tree.functions[-1].results, len(data))
    module = Module(layout, tables)
    functions = [function_text(module, i, each) for i, each in enumerate(tree.functions[:-1])]
    functions.append(run_text(module, tree.functions[-1]))
    pages = -(-module.end // PAGE)
    lines = [
        "(module",
        f'(memory (export "memory") {pages} {pages})',
        "(global $line (mut i32) (i32.const 0))",
        "(global $fuel (mut i64) (i64.const 0))",
        _data(ATAN_AT, b"".join(struct.pack("<2d", *pair) for pair in ATAN)),
        _data(QUARTERS_AT, b"".join(struct.pack("<2d", *pair) for pair in QUARTERS)),
        _data(TABLES_AT, data),
        *needed(module.used),
        *functions,
        ")",
    ]
    return Compiled(text="\n".join(lines), layout=layout, pages=pages)


def _data(address: int, raw: bytes) -> str:
    text = "".join(f"\\{byte:02x}" for byte in raw)
    return f'(data (i32.const {address}) "{text}")' if raw else ""


def _tables(tree: Tree) -> tuple[dict[tuple[int, ...], int], bytes]:
    """The address of each table that names are recoded by, and all of them, each with its last entry before it."""
    placed: dict[tuple[int, ...], int] = {}
    data = b""
    for node in nodes(tree):
        if isinstance(node, Recode) and node.table not in placed:
            placed[node.table] = TABLES_AT + len(data)
            data += struct.pack(f"<{len(node.table) + 1}q", node.table[-1], *node.table)
    return placed, data
