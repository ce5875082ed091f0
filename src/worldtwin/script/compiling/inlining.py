"""Functions in the folded text of WebAssembly, put where they are called.

A call saves and restores wasmtime's fuel and looks at the depth of the stack: it takes as long as a short formula.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final, TypeAlias

from msgspec import Struct

Form: TypeAlias = "str | list[Form]"

_TOKENS: Final = re.compile(r"[()]|[^\s()]+")
_VARIABLES: Final = ("local.get", "local.set", "local.tee")


class Inside(Struct, frozen=True):
    """The declarations of variables, and the instructions, of a function that is put where it is called."""

    variables: tuple[str, ...]
    instructions: str


def with_inner(text: str, inner: Mapping[str, str]) -> str:
    """The function `text` where each call of an `inner` one, which calls no other, is a block that does the same."""
    variables: dict[str, None] = {}
    whole = [_replaced(form, inner, variables) for form in _parsed(text)]
    at = next(i for i, form in enumerate(whole) if i > 1 and _head(form) not in {"param", "result"})
    return _written([*whole[:at], *variables, *whole[at:]])


@cache
def inside(text: str) -> Inside:
    """What the function `text`, which calls no other, does with operands on the stack."""
    variables: dict[str, None] = {}
    return Inside(instructions="\n".join(map(_written, _block(text, [], variables))), variables=tuple(variables))


def _replaced(form: Form, inner: Mapping[str, str], variables: dict[str, None]) -> Form:
    if isinstance(form, str):
        return form
    parts = [_replaced(part, inner, variables) for part in form]
    name = _text(parts[1])[1:] if _head(parts) == "call" else ""
    if name not in inner:
        return parts
    [block] = _block(inner[name], parts[2:], variables)[-1:]
    return block


def _block(text: str, operands: list[Form], variables: dict[str, None]) -> list[Form]:
    """The instructions of a function with these operands, or with those that are on the stack.

    All operands are there before the first variable changes, and all variables get a value first: so they can be the
    same ones wherever the function is put.
    """
    function = _parsed(text)
    own = _text(function[1])
    declared = [part for part in function if _head(part) in {"param", "local"}]
    names = {_text(part[1]): f"{own}{i}" for i, part in enumerate(declared)}
    variables |= {f"(local {names[_text(part[1])]} {_text(part[2])})": None for part in declared}
    result = [part for part in function if _head(part) == "result"]
    body = [_renamed(part, names, own) for part in function[2:] if _head(part) not in {"param", "local", "result"}]
    taken: list[Form] = [["local.set", names[_text(part[1])]] for part in reversed(declared) if _head(part) == "param"]
    empty: list[Form] = [
        ["local.set", names[_text(part[1])], [f"{_text(part[2])}.const", "0"]]
        for part in declared
        if _head(part) == "local"
    ]
    if operands:
        return [["block", own, *result, *operands, *taken, *empty, *body]]
    return [*taken, ["block", own, *result, *empty, *body]]


def _renamed(form: Form, names: Mapping[str, str], label: str) -> Form:
    """An instruction with other names of variables, that leaves the block where it returned."""
    if isinstance(form, str):
        return form
    parts = [_renamed(part, names, label) for part in form]
    if _head(parts) in _VARIABLES:
        return [parts[0], names[_text(parts[1])], *parts[2:]]
    return ["br", label, *parts[1:]] if _head(parts) == "return" else parts


def _head(form: Form) -> str:
    return form[0] if isinstance(form, list) and form and isinstance(form[0], str) else ""


def _text(form: Form) -> str:
    if not isinstance(form, str):
        raise TypeError(form)
    return form


@cache
def _parsed(text: str) -> list[Form]:
    stack: list[list[Form]] = [[]]
    for token in _TOKENS.findall(text):
        match token:
            case "(":
                stack.append([])
            case ")":
                done = stack.pop()
                stack[-1].append(done)
            case _:
                stack[-1].append(token)
    [[*function]] = stack[0]
    return function


def _written(form: Form) -> str:
    return form if isinstance(form, str) else f"({' '.join(map(_written, form))})"
