"""From a typed tree to the text of a WebAssembly module. It imports nothing: there is nothing to reach."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from msgspec import Struct

from worldtwin.exact.formulas import ATAN, QUARTERS
from worldtwin.script.compiling.code import Module
from worldtwin.script.compiling.layout import ATAN_AT, NUMBER, PAGE, QUARTERS_AT, TABLES_AT, Key, Layout, layout_of
from worldtwin.script.compiling.library import needed
from worldtwin.script.compiling.statements import function_text
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
    last = len(tree.functions) - 1
    functions = [function_text(module, i, each, last=i == last) for i, each in enumerate(tree.functions)]
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
        _run(layout, last),
        ")",
    ]
    return Compiled(text="\n".join(lines), layout=layout, pages=pages)


def _run(layout: Layout, last: int) -> str:
    asked = f"offset={layout.asked}"
    return f"""(func (export "run") (local $rows i32) (local $each i32) (local $most i64) (local $at i32)
        (local.set $rows (i32.wrap_i64 (i64.shl (i64.load {asked} (i32.const 0)) (i64.const 3))))
        (local.set $each (i32.wrap_i64 (i64.load {asked} (i32.const {NUMBER}))))
        (local.set $most (i64.load {asked} (i32.const {2 * NUMBER})))
        (block $done (loop $next
            (br_if $done (i32.ge_u (local.get $at) (local.get $rows)))
            (global.set $line (i32.const 0))
            (global.set $fuel (local.get $most))
            (call $f{last} (local.get $at) (i32.and (local.get $at) (local.get $each)))
            (i64.store offset={layout.lines} (local.get $at) (i64.extend_i32_u (global.get $line)))
            (i64.store offset={layout.fuel} (local.get $at) (i64.sub (local.get $most)
                (select (global.get $fuel) (i64.const 0) (i64.gt_s (global.get $fuel) (i64.const 0)))))
            (local.set $at (i32.add (local.get $at) (i32.const {NUMBER})))
            (br $next))))"""


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
