"""What running a program costs: in nodes evaluated, and before it runs where its loops have written limits."""

from __future__ import annotations

from collections.abc import Iterator

from worldtwin.script.tree import (
    Array,
    Assign,
    Constant,
    For,
    If,
    Invoke,
    Node,
    Remember,
    Return,
    Statement,
    Store,
    Tree,
    While,
    children,
)


def cost(node: Node) -> int:
    """The number of nodes of an expression, with the elements of new arrays; both sides of a choice count."""
    own = node.type.length if isinstance(node, Array) else 0
    return 1 + own + sum(cost(child) for child in children(node))


def block_cost(statements: tuple[Statement, ...]) -> int:
    """The fuel that entering a block takes: its own statements and tests, not the blocks inside of them."""
    return sum(1 + sum(cost(node) for node in expressions(statement)) for statement in statements)


def expressions(statement: Statement) -> tuple[Node, ...]:
    """The expressions that a statement evaluates itself; a `while` makes its test in each round."""
    match statement:
        case Assign() | Remember():
            return (statement.value,)
        case Store():
            return (statement.value, statement.array, statement.index)
        case If():
            return (statement.test,)
        case For():
            return (statement.start, statement.stop)
        case Return():
            return statement.values
        case _:
            return ()


def inside(statement: Statement) -> tuple[Statement, ...]:
    """The statements of the blocks inside of a statement."""
    match statement:
        case If():
            return (*statement.body, *statement.orelse)
        case While() | For():
            return statement.body
        case _:
            return ()


def nodes(tree: Tree) -> Iterator[Node]:
    """Every expression of a program, from the outside in."""
    statements: list[Statement] = [each for function in tree.functions for each in function.body]
    while statements:
        statement = statements.pop()
        statements += inside(statement)
        left = list(expressions(statement))
        if isinstance(statement, While):
            left.append(statement.test)
        while left:
            node = left.pop()
            left += children(node)
            yield node


def array_numbers(tree: Tree) -> int:
    """The numbers in all arrays that a program writes out or gives a name: what bounds its memory."""
    written = sum(node.type.length for node in nodes(tree) if isinstance(node, Array))
    return written + sum(kind.length for function in tree.functions for kind in function.slots[function.arguments :])


def most_cost(tree: Tree) -> int | None:
    """The most fuel that one call can take, or None when a loop has no written limit."""
    known: list[int | None] = []
    for function in tree.functions:
        known.append(_most_block(function.body, known))
    return known[-1]


def _most_block(statements: tuple[Statement, ...], known: list[int | None]) -> int | None:
    total = block_cost(statements)
    for statement in statements:
        inside = _most_inside(statement, known)
        called = [_most_called(node, known) for node in expressions(statement)]
        if inside is None or None in called:
            return None
        total += inside + sum(each for each in called if each is not None)
    return total


def _most_inside(statement: Statement, known: list[int | None]) -> int | None:
    match statement:
        case If():
            body, orelse = _most_block(statement.body, known), _most_block(statement.orelse, known)
            return None if body is None or orelse is None else max(body, orelse)
        case While():
            return None
        case For():
            if not isinstance(statement.start, Constant) or not isinstance(statement.stop, Constant):
                return None
            rounds = max(0, -((int(statement.start.value) - int(statement.stop.value)) // statement.step))
            body = _most_block(statement.body, known)
            return None if body is None else rounds * (body + 1)
        case _:
            return 0


def _most_called(node: Node, known: list[int | None]) -> int | None:
    parts = [_most_called(child, known) for child in children(node)]
    own = known[node.function] if isinstance(node, Invoke) else 0
    if own is None or None in parts:
        return None
    return own + sum(part for part in parts if part is not None)
