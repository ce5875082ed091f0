"""The variables of one function: their slots, their types, and whether they surely have a value."""

from __future__ import annotations

import ast
from typing import Final

from worldtwin.errors import InvalidScript
from worldtwin.script.checking.conversion import is_name, is_number
from worldtwin.script.checking.source import Source, shown
from worldtwin.script.tree import Kind, Local, Type

MOST_VARIABLES: Final = 256

_WIDTH: Final = {Kind.BOOL: 0, Kind.INT: 1, Kind.FLOAT: 2}


class Variables:
    """The variables of a function while it is being checked.

    A variable has one type. `wider` holds the types that an earlier pass found to be needed (`s = 0` and later
    `s = s + 0.5` make a float): when `changed`, the function must be checked again.
    """

    def __init__(self, source: Source, body: list[ast.stmt], wider: dict[str, Type]) -> None:
        self.source = source
        self.wider = wider
        self.changed = False
        self.slots: list[Type] = []
        self.assigned: frozenset[str] = frozenset()
        self._numbers: dict[str, int] = {}
        self.stored = _stored(source, body)

    def declare(self, name: str, kind: Type) -> int:
        """The slot of a new variable that has a value from here on."""
        self._numbers[name] = len(self.slots)
        self.slots.append(self.wider.get(name, kind))
        self.assigned |= {name}
        return self._numbers[name]

    def read(self, node: ast.Name, line: int) -> Local | None:
        """The variable that `node` names, or None. Raises `InvalidScript` when it may not have a value."""
        if node.id not in self.stored and node.id not in self._numbers:
            return None
        if node.id not in self.assigned:
            raise self.source.refusal(
                node, f"{shown(node.id)} may have no value here: give it one before the `if` or the loop"
            )
        slot = self._numbers[node.id]
        return Local(type=self.slots[slot], line=line, slot=slot)

    def target(self, node: ast.Name, kind: Type) -> int:
        """The slot for a value of type `kind` that is assigned to `node`. Raises `InvalidScript`."""
        if node.id not in self._numbers:
            return self.declare(node.id, kind)
        slot = self._numbers[node.id]
        self.assigned |= {node.id}
        joined = join(self.slots[slot], kind)
        if joined is None:
            known = self.slots[slot]
            raise self.source.refusal(
                node, f"{shown(node.id)} holds {known}, it cannot take {kind}: use another variable"
            )
        if joined != self.slots[slot]:
            self.wider[node.id], self.slots[slot], self.changed = joined, joined, True
        return slot


def join(first: Type, second: Type) -> Type | None:
    """The type that can hold both, or None."""
    if first == second:
        return first
    if is_name(first) and is_name(second):
        return Type(Kind.NAME, tuple(dict.fromkeys((*first.values, *second.values))))
    if first.length != second.length or not (is_number(first.element) and is_number(second.element)):
        return None
    return first if _WIDTH[first.kind] >= _WIDTH[second.kind] else second


def _stored(source: Source, body: list[ast.stmt]) -> frozenset[str]:
    names: set[str] = set()
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
                if len(names) > MOST_VARIABLES:
                    raise _too_many(source, node)
    return frozenset(names)


def _too_many(source: Source, node: ast.AST) -> InvalidScript:
    return source.refusal(
        node, f"more than {MOST_VARIABLES} variables in one function: use an array or a helper function"
    )
