"""From expressions to instructions that leave one value on the stack, in CPython's order of evaluation."""

from __future__ import annotations

import math
from typing import Final

from worldtwin.script.compiling.arithmetic import calculate, convert, multiply, negate, whole
from worldtwin.script.compiling.code import Code, constant, word
from worldtwin.script.compiling.layout import NUMBER
from worldtwin.script.compiling.ranges import int_range
from worldtwin.script.tree import (
    FLOAT,
    Among,
    Array,
    Binary,
    Call,
    Choose,
    Compare,
    Comparison,
    Constant,
    Convert,
    Element,
    Invoke,
    Local,
    Logic,
    Member,
    Negate,
    Node,
    Not,
    Power,
    Read,
    Recode,
)

_SIGNS: Final[dict[Comparison, str]] = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_FEW_CHOICES: Final = 4


def express(code: Code, node: Node) -> None:  # noqa: PLR0912 - one branch for each kind of node
    """Leave the value of `node` on the stack."""
    match node:
        case Constant():
            code.add(constant(node.type, node.value))
        case Local():
            code.add(f"local.get $v{node.slot}")
        case Read():
            _read(code, node)
        case Binary():
            express(code, node.left)
            express(code, node.right)
            calculate(code, node)
        case Compare():
            _compare(code, node)
        case Logic():
            _logic(code, node)
        case Choose():
            _choose(code, node)
        case Call():
            _call(code, node)
        case Array():
            address = code.module.room(node.type.length)
            fill(code, node, address)
            code.add(f"i32.const {address}")
        case Element():
            place(code, node.array, node.index, node.line)
            code.load(node.type, 0)
        case Invoke():
            _invoke(code, node)
        case Member():
            _member(code, node)
        case Negate() | Not() | Convert() | Recode() | Among():
            express(code, node.operand)
            _of_one(code, node)
        case Power():
            _power(code, node)


def _read(code: Code, node: Read) -> None:
    column = code.module.layout.cells[node.record, node.field]
    code.add("local.get $pat" if node.record == "param" else "local.get $at")
    if not node.type.length:
        code.load(node.type, column.address)
        return
    code.add(f"i32.const {node.type.length}", "i32.mul", f"i32.const {column.address}", "i32.add")


def fill(code: Code, node: Array, address: int) -> None:
    """Put a new array at `address`: all elements are evaluated before the first is put."""
    for element in node.elements:
        express(code, element)
    kind = node.type.element
    own = len(node.elements)
    with code.temporary(word(kind)) as value:
        for i in reversed(range(own)):
            code.add(f"local.set {value}", f"i32.const {address + NUMBER * i}", f"local.get {value}")
            code.store(kind, 0)
    if node.times > 1:
        _repeat(code, address, NUMBER * own, NUMBER * own * node.times)


def _repeat(code: Code, address: int, own: int, whole: int) -> None:
    """Copy the first `own` bytes until `whole` are full."""
    label = code.label()
    with code.temporary("i32") as at:
        code.add(f"i32.const {address}", f"local.set {at}", f"loop $l{label}")
        code.add(f"local.get {at}", f"local.get {at}", "i64.load", f"i64.store offset={own}")
        code.add(f"local.get {at}", f"i32.const {NUMBER}", "i32.add", f"local.tee {at}")
        code.add(f"i32.const {address + whole - own}", "i32.lt_u", f"br_if $l{label}", "end")


def place(code: Code, array: Node, index: Node, line: int) -> None:
    """Leave the address of an element on the stack; an index below zero counts from the end."""
    express(code, array)
    express(code, index)
    length = array.type.length
    least, most = int_range(index, code.known)
    with code.temporary("i64") as at:
        code.add(f"local.set {at}")
        if least < 0:
            code.add(f"local.get {at}", f"i64.const {length}", "i64.const 0")
            code.add(f"local.get {at}", "i64.const 0", "i64.lt_s", "select", "i64.add", f"local.set {at}")
        if least < -length or most >= length:
            code.add(f"local.get {at}", f"i64.const {length}", "i64.ge_u")
            code.trap_if(line)
        code.add(f"local.get {at}", "i32.wrap_i64", "i32.const 3", "i32.shl", "i32.add")


def _compare(code: Code, node: Compare) -> None:
    kind = word(node.operands[0].type)
    signed = "" if kind == "f64" else "_s"
    signs = [f"{kind}.{_SIGNS[sign]}{'' if sign in {'==', '!='} else signed}" for sign in node.operators]
    express(code, node.operands[0])
    if len(signs) == 1:
        express(code, node.operands[1])
        code.add(signs[0])
        return
    with code.temporary(kind) as before:
        _chain(code, node, signs, before)


def _chain(code: Code, node: Compare, signs: list[str], before: str) -> None:
    kind, label = word(node.operands[0].type), code.label()
    code.add(f"local.set {before}", f"block $a{label} (result i32)")
    for i, (sign, operand) in enumerate(zip(signs, node.operands[1:], strict=True)):
        last = i == len(signs) - 1
        if not last:
            code.add("i32.const 0")
        express(code, operand)
        with code.temporary(kind) as value:
            code.add(f"local.set {value}", f"local.get {before}", f"local.get {value}", sign)
            if not last:
                code.add(f"local.get {value}", f"local.set {before}", "i32.eqz", f"br_if $a{label}", "drop")
    code.add("end")


def _logic(code: Code, node: Logic) -> None:
    label = code.label()
    code.add(f"block $a{label} (result i32)")
    for operand in node.operands[:-1]:
        code.add(f"i32.const {int(node.operator == 'or')}")
        express(code, operand)
        if node.operator == "and":
            code.add("i32.eqz")
        code.add(f"br_if $a{label}", "drop")
    express(code, node.operands[-1])
    code.add("end")


def _choose(code: Code, node: Choose) -> None:
    express(code, node.test)
    code.add(f"if (result {word(node.type)})")
    express(code, node.body)
    code.add("else")
    express(code, node.orelse)
    code.add("end")


def _invoke(code: Code, node: Invoke) -> None:
    code.add("local.get $at", "local.get $pat")
    for operand in node.operands:
        express(code, operand)
    code.add("local.get $left", "global.set $fuel", f"call $f{node.function}", "global.get $fuel", "local.set $left")
    code.trap_again()


def _member(code: Code, node: Member) -> None:
    express(code, node.item)
    express(code, node.names)
    with code.temporary("i64") as names, code.temporary("i64") as item:
        code.add(f"local.set {names}", f"local.set {item}")
        code.add(f"local.get {names}", f"local.get {item}", "i64.shr_s", "i32.wrap_i64", "i32.const 1", "i32.and")
        code.add(f"local.get {item}", "i64.const 0", "i64.ge_s", "i32.and")


def _of_one(code: Code, node: Negate | Not | Convert | Recode | Among) -> None:
    match node:
        case Negate():
            if node.type == FLOAT:
                code.add("f64.neg")
            else:
                negate(code, node.operand, node.line)
        case Not():
            code.add("i32.eqz")
        case Convert():
            convert(code, node)
        case Recode():
            _recode(code, node)
        case Among():
            _among(code, node)


def _recode(code: Code, node: Recode) -> None:
    """The table has its last entry before its first one too: that is where -1 looks, as in Python."""
    with code.temporary("i64") as value:
        code.add("i64.const 1", "i64.add", f"local.tee {value}", f"i64.const {len(node.table)}", "i64.gt_u")
        code.trap_if(node.line)
        code.add(f"local.get {value}", "i32.wrap_i64", "i32.const 3", "i32.shl")
        code.add(f"i64.load offset={code.module.tables[node.table]}")
        if node.strict:
            code.add(f"local.tee {value}", "i64.const 0", "i64.lt_s")
            code.trap_if(node.line)
            code.add(f"local.get {value}")


def _among(code: Code, node: Among) -> None:
    with code.temporary("i64") as value:
        code.add(f"local.set {value}")
        _search(code, value, node.choices)


def _search(code: Code, value: str, choices: tuple[int, ...]) -> None:
    """Whether the variable is one of the choices, which are in order: what it takes grows with their logarithm."""
    if len(choices) <= _FEW_CHOICES:
        code.add("i32.const 0")
        for choice in choices:
            code.add(f"local.get {value}", f"i64.const {choice}", "i64.eq", "i32.or")
        return
    middle = len(choices) // 2
    code.add(f"local.get {value}", f"i64.const {choices[middle]}", "i64.lt_s", "if (result i32)")
    _search(code, value, choices[:middle])
    code.add("else")
    _search(code, value, choices[middle:])
    code.add("end")


def _power(code: Code, node: Power) -> None:
    express(code, node.base)
    kind = word(node.type)
    if node.exponent == 0:
        code.add("drop", constant(node.type, 1))
        return
    with code.temporary(kind) as base:
        code.add(f"local.tee {base}")
        for _ in range(node.exponent - 1):
            code.add(f"local.get {base}")
            if kind == "f64":
                code.add("f64.mul")
            else:
                multiply(code, node.line)


def _call(code: Code, node: Call) -> None:
    if node.function in {"min", "max"}:
        _extreme(code, node)
        return
    for operand in node.operands:
        express(code, operand)
        if node.function == "atan2":
            code.add("f64.const 0", "f64.add")
    match node.function:
        case "abs":
            _absolute(code, node)
        case "floor" | "ceil" | "round":
            whole(code, node.line, node.function)
        case "sqrt":
            code.add("f64.sqrt")
            _finite(code, node.line)
        case function:
            code.call(function)
            _finite(code, node.line)


def _finite(code: Code, line: int) -> None:
    with code.temporary("f64") as value:
        code.add(f"local.tee {value}", "f64.abs", f"f64.const {math.inf}", "f64.lt", "i32.eqz")
        code.trap_if(line)
        code.add(f"local.get {value}")


def _absolute(code: Code, node: Call) -> None:
    if node.type == FLOAT:
        code.add("f64.abs")
        return
    with code.temporary("i64") as value:
        code.add(f"local.tee {value}", "i64.const 0", "i64.lt_s", "if (result i64)", f"local.get {value}")
        negate(code, node.operands[0], node.line)
        code.add("else", f"local.get {value}", "end")


def _extreme(code: Code, node: Call) -> None:
    """The first of the best; a NaN is never better, nor is anything better than it."""
    kind = word(node.type)
    sign = ("lt" if node.function == "min" else "gt") + ("" if kind == "f64" else "_s")
    express(code, node.operands[0])
    for operand in node.operands[1:]:
        express(code, operand)
        with code.temporary(kind) as best, code.temporary(kind) as value:
            code.add(f"local.set {value}", f"local.set {best}", f"local.get {value}", f"local.get {best}")
            code.add(f"local.get {value}", f"local.get {best}", f"{kind}.{sign}", "select")
