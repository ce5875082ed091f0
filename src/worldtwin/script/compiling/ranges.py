"""What an int can be at all: where that is known, nothing is checked while the program runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from worldtwin.script.running.cost import inside
from worldtwin.script.tree import (
    BOOL,
    INT,
    LEAST,
    MOST,
    Assign,
    Binary,
    Call,
    Choose,
    Constant,
    Convert,
    For,
    Local,
    Negate,
    Node,
    Statement,
)

Range: TypeAlias = tuple[int, int]
"""The least and the largest value."""

ANY: Final[Range] = (LEAST, MOST)
_DEEPEST: Final = 8
"""Nodes below a node that are looked at: a deep expression must not take time that grows with its depth squared."""


def exact_range(node: Node, known: Mapping[int, Range], depth: int = _DEEPEST) -> Range:
    """What an int is before it is checked for overflow, given what is `known` of variables by slot."""
    match node:
        case Constant(type=kind) if kind == INT:
            return int(node.value), int(node.value)
        case Local(type=kind) if kind == INT:
            return known.get(node.slot, ANY)
        case Convert(type=kind) if kind == INT and node.operand.type == BOOL:
            return 0, 1
        case Binary() | Negate() | Choose() | Call() if node.type == INT and depth:
            return _of_parts(node, known, depth - 1)
        case _:
            return ANY


def int_range(node: Node, known: Mapping[int, Range], depth: int = _DEEPEST) -> Range:
    """What an int can be once it is calculated: whatever overflows has trapped."""
    least, most = exact_range(node, known, depth)
    return max(least, LEAST), min(most, MOST)


def loop_range(loop: For, known: Mapping[int, Range]) -> Range:
    """What the variable of a loop can be in its body, unless the body assigns to it."""
    if loop.slot in set(_assigned(loop.body)):
        return ANY
    start, stop = int_range(loop.start, known), int_range(loop.stop, known)
    least, most = (start[0], stop[1] - 1) if loop.step > 0 else (stop[0] + 1, start[1])
    return least, max(least, most)


def within(found: Range, least: int, most: int) -> bool:
    """Whether all of a range is from `least` to `most`."""
    return least <= found[0] and found[1] <= most


def _of_parts(node: Binary | Negate | Choose | Call, known: Mapping[int, Range], depth: int) -> Range:
    match node:
        case Binary():
            return _of_two(node, int_range(node.left, known, depth), int_range(node.right, known, depth))
        case Negate():
            least, most = int_range(node.operand, known, depth)
            return -most, -least
        case Choose():
            body, orelse = int_range(node.body, known, depth), int_range(node.orelse, known, depth)
            return min(body[0], orelse[0]), max(body[1], orelse[1])
        case Call():
            if node.function not in {"min", "max"}:
                return ANY
            choose = min if node.function == "min" else max
            ranges = [int_range(operand, known, depth) for operand in node.operands]
            return choose(least for least, _ in ranges), choose(most for _, most in ranges)


def _of_two(node: Binary, left: Range, right: Range) -> Range:
    match node.operator:
        case "+":
            return left[0] + right[0], left[1] + right[1]
        case "-":
            return left[0] - right[1], left[1] - right[0]
        case "*":
            products = [a * b for a in left for b in right]
            return min(products), max(products)
        case "%" if right[0] > 0:
            return 0, right[1] - 1
        case "//" if right[0] > 0:
            quotients = [a // b for a in left for b in right]
            return min(quotients), max(quotients)
        case _:
            return ANY


def _assigned(statements: tuple[Statement, ...]) -> Iterator[int]:
    """The slots that statements assign to."""
    for statement in statements:
        if isinstance(statement, Assign | For):
            yield statement.slot
        yield from _assigned(inside(statement))
