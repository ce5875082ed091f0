"""The types of a state's fields when no world is given: guessed from how the program uses them."""

from __future__ import annotations

import ast

from worldtwin.script.checking.statements import annotated
from worldtwin.script.records import Record
from worldtwin.script.tree import FLOAT, Kind, Type


def used_fields(function: ast.FunctionDef, record: str) -> Record:
    """The fields of `record` (or, for an empty one, the arguments) that `function` reads.

    One compared with a text is a name, one that is asked for a text by `in` is a set of names, any other is a float, or
    what its annotation says.
    """
    found: dict[str, Type] = {}
    if not record:
        found = {argument.arg: annotated(argument.annotation) or FLOAT for argument in function.args.args}
    for node in ast.walk(function):
        name = _field(node, record)
        if name:
            found.setdefault(name, FLOAT)
    for node in ast.walk(function):
        if isinstance(node, ast.Compare):
            _learn(found, node, record)
    return found


def _field(node: ast.AST, record: str) -> str:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == record:
        return node.attr
    return node.id if isinstance(node, ast.Name) and not record else ""


def _learn(found: dict[str, Type], node: ast.Compare, record: str) -> None:
    parts = [node.left, *node.comparators]
    texts = [text for part in parts for text in _texts(part)]
    if not texts:
        return
    for part in parts:
        name = _field(part, record)
        if name in found:
            asked = isinstance(node.ops[0], ast.In | ast.NotIn) and part is not node.left
            kind = Kind.NAMES if asked else Kind.NAME
            known = found[name].values if found[name].kind is kind else ()
            found[name] = Type(kind, tuple(dict.fromkeys((*known, *texts))))


def _texts(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return [text for part in node.elts for text in _texts(part)]
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
