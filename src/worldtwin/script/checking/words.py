"""What a refusal calls the parts of Python that are outside of the subset, and what it advises instead."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final

from worldtwin.errors import InvalidScript
from worldtwin.script.checking.source import Source

OPERATORS: Final[Mapping[type[ast.AST], str]] = {
    ast.BitAnd: "`&` is not part of the script language: write `and`",
    ast.BitOr: "`|` is not part of the script language: write `or`",
    ast.BitXor: "`^` is not part of the script language: write `!=` between tests, `**` for powers",
    ast.LShift: "`<<` is not part of the script language: multiply by a power of two",
    ast.RShift: "`>>` is not part of the script language: use `//` by a power of two",
    ast.MatMult: "`@` is not part of the script language: write the sum out",
    ast.Is: "`is` is not part of the script language: write `==`",
    ast.IsNot: "`is not` is not part of the script language: write `!=`",
}

_WORDS: Final[Mapping[type[ast.AST], tuple[str, str]]] = {
    ast.Lambda: ("lambda", "define a function with `def`"),
    ast.ListComp: ("a comprehension", "use a `for` loop"),
    ast.SetComp: ("a comprehension", "use a `for` loop"),
    ast.DictComp: ("a comprehension", "use a `for` loop"),
    ast.GeneratorExp: ("a comprehension", "use a `for` loop"),
    ast.JoinedStr: ("an f-string", "names are written out in quotes"),
    ast.NamedExpr: ("`:=`", "assign in a line of its own"),
    ast.Starred: ("`*`", "write the values out"),
    ast.Dict: ("a dictionary", "use numbers and fixed arrays"),
    ast.Set: ("a set", "use `in` with a list of values"),
    ast.List: ("a list", "write one value"),
    ast.Tuple: ("a tuple", "write one value"),
    ast.Slice: ("a slice", "take one element"),
    ast.Await: ("await", "a script does not wait"),
    ast.Yield: ("yield", "use `return`"),
    ast.YieldFrom: ("yield", "use `return`"),
    ast.FunctionDef: ("a function inside of a function", "define it at the top"),
    ast.AsyncFunctionDef: ("async", "a script does not wait"),
    ast.ClassDef: ("class", "use functions"),
    ast.Delete: ("del", "variables end by themselves"),
    ast.AsyncFor: ("async", "a script does not wait"),
    ast.With: ("with", "a script opens nothing"),
    ast.AsyncWith: ("async", "a script does not wait"),
    ast.Match: ("match", "use `if` and `elif`"),
    ast.Raise: ("raise", "return a value"),
    ast.Try: ("try", "test before you divide"),
    ast.Assert: ("assert", "use `if`"),
    ast.Import: ("import", "only `math` and `worldtwin` may be imported, at the top"),
    ast.ImportFrom: ("import", "only `math` and `worldtwin` may be imported, at the top"),
    ast.Global: ("global", "what is remembered belongs in `memory`"),
    ast.Nonlocal: ("nonlocal", "what is remembered belongs in `memory`"),
    ast.Expr: ("a value that nothing uses", "assign it or remove it"),
}


def outside(source: Source, node: ast.AST) -> InvalidScript:
    """The error that names what `node` is and what to write instead."""
    word, advice = _WORDS.get(
        type(node), (f"`{type(node).__name__.lower()}`", "use numbers, tests, loops and functions")
    )
    return source.refusal(node, f"{word} is not part of the script language: {advice}")
