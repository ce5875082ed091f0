"""Arithmetic on numbers that are on the stack, checked wherever it is not known to be safe."""

from __future__ import annotations

from typing import Final

from worldtwin.script.compiling.code import Code, word
from worldtwin.script.compiling.ranges import exact_range, int_range, within
from worldtwin.script.tree import BOOL, EXACT, FLOAT, INT, LEAST, MOST, Binary, Constant, Convert, Node

_FLOATS: Final = {"+": "f64.add", "-": "f64.sub", "*": "f64.mul", "/": "f64.div"}
_ROUNDING: Final = {"floor": "f64.floor", "ceil": "f64.ceil", "round": "f64.nearest", "trunc": "f64.trunc"}
_LARGEST: Final = -float(LEAST)


def calculate(code: Code, node: Binary) -> None:
    """The result of `node`; both operands are on the stack."""
    if node.operator in {"/", "//", "%"}:
        _divide(code, node)
    elif node.type == FLOAT:
        code.add(_FLOATS[node.operator])
    elif within(exact_range(node, code.known), LEAST, MOST):
        code.add({"+": "i64.add", "-": "i64.sub", "*": "i64.mul"}[node.operator])
    elif node.operator == "*":
        multiply(code, node.line)
    else:
        _sum(code, node)


def multiply(code: Code, line: int) -> None:
    """The product of two ints."""
    code.add(f"i32.const {line}")
    code.call("multiply")
    code.trap_again()


def negate(code: Code, operand: Node, line: int) -> None:
    """The negative of an int."""
    with code.temporary("i64") as value:
        code.add(f"local.set {value}")
        if int_range(operand, code.known)[0] == LEAST:
            code.add(f"local.get {value}", f"i64.const {LEAST}", "i64.eq")
            code.trap_if(line)
        code.add("i64.const 0", f"local.get {value}", "i64.sub")


def convert(code: Code, node: Convert) -> None:
    """A number as another kind."""
    given = word(node.operand.type)
    if node.type == BOOL:
        code.add(f"{given}.const 0", f"{given}.ne")
    elif node.type == INT:
        if given == "f64":
            whole(code, node.line, "trunc")
        elif given == "i32":
            code.add("i64.extend_i32_u")
    elif given == "i32":
        code.add("f64.convert_i32_u")
    else:
        _as_float(code, node)


def whole(code: Code, line: int, rounding: str) -> None:
    """A float as an int; it is looked at before it is rounded."""
    with code.temporary("f64") as value:
        code.add(f"local.tee {value}", f"f64.const {float(LEAST).hex()}", "f64.ge")
        code.add(f"local.get {value}", f"f64.const {_LARGEST.hex()}", "f64.lt", "i32.and", "i32.eqz")
        code.trap_if(line)
        code.add(f"local.get {value}", _ROUNDING[rounding], "i64.trunc_f64_s")


def _as_float(code: Code, node: Convert) -> None:
    if within(int_range(node.operand, code.known), -EXACT, EXACT):
        code.add("f64.convert_i64_s")
        return
    with code.temporary("i64") as value:
        code.add(f"local.tee {value}", f"i64.const {EXACT}", "i64.add", f"i64.const {2 * EXACT}", "i64.gt_u")
        code.trap_if(node.line)
        code.add(f"local.get {value}", "f64.convert_i64_s")


def _sum(code: Code, node: Binary) -> None:
    """Overflow shows in the signs: of both operands and the sum, or of the operands and the difference."""
    with code.temporary("i64") as left, code.temporary("i64") as right, code.temporary("i64") as result:
        code.add(f"local.set {right}", f"local.tee {left}", f"local.get {right}")
        code.add("i64.add" if node.operator == "+" else "i64.sub", f"local.tee {result}")
        code.add(f"local.get {left}", f"local.get {result if node.operator == '+' else right}", "i64.xor")
        code.add(f"local.get {right if node.operator == '+' else left}", f"local.get {result}", "i64.xor")
        code.add("i64.and", "i64.const 0", "i64.lt_s")
        code.trap_if(node.line)


def _divide(code: Code, node: Binary) -> None:
    if node.type == FLOAT:
        _divide_floats(code, node)
    elif isinstance(node.right, Constant) and node.right.value > 0:
        _divide_by(code, int(node.right.value), node)
    else:
        _divide_ints(code, node)


def _divide_floats(code: Code, node: Binary) -> None:
    if not (isinstance(node.right, Constant) and node.right.value):
        with code.temporary("f64") as right:
            code.add(f"local.tee {right}", "f64.const 0", "f64.eq")
            code.trap_if(node.line)
            code.add(f"local.get {right}")
    if node.operator == "/":
        code.add("f64.div")
    else:
        code.call("quotient" if node.operator == "//" else "remainder")


def _divide_by(code: Code, divisor: int, node: Binary) -> None:
    """By a positive number that is written down: a power of two moves or masks bits, of negative numbers too."""
    if divisor & (divisor - 1) == 0:
        bits = divisor.bit_length() - 1
        code.add("drop", f"i64.const {bits if node.operator == '//' else divisor - 1}")
        code.add("i64.shr_s" if node.operator == "//" else "i64.and")
        return
    with code.temporary("i64") as left, code.temporary("i64") as rest:
        code.add("drop", f"local.tee {left}", f"i64.const {divisor}", "i64.rem_s", f"local.set {rest}")
        if node.operator == "//":
            code.add(f"local.get {left}", f"i64.const {divisor}", "i64.div_s")
            code.add(f"local.get {rest}", "i64.const 63", "i64.shr_s", "i64.add")
        else:
            code.add(f"local.get {rest}", f"local.get {rest}", "i64.const 63", "i64.shr_s")
            code.add(f"i64.const {divisor}", "i64.and", "i64.add")


def _divide_ints(code: Code, node: Binary) -> None:
    with code.temporary("i64") as right:
        code.add(f"local.tee {right}", "i64.const 0", "i64.eq")
        code.trap_if(node.line)
        if node.operator == "//":
            with code.temporary("i64") as left:
                code.add(f"local.tee {left}", f"i64.const {LEAST}", "i64.eq")
                code.add(f"local.get {right}", "i64.const -1", "i64.eq", "i32.and")
                code.trap_if(node.line)
                code.add(f"local.get {left}")
        code.add(f"local.get {right}")
        code.call("divide" if node.operator == "//" else "modulo")
