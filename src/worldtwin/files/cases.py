"""The YAML of cases: questions put to a task or a simulator, checked against the world they are about."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from worldtwin.errors import InvalidSpec, InvalidValue
from worldtwin.files.document.expressions import script_mistakes
from worldtwin.files.document.loading import read_file
from worldtwin.files.reading.found import Found, shown
from worldtwin.files.reading.quantity import amount
from worldtwin.files.reading.shape import shape_mistakes, without_echoes
from worldtwin.files.reading.tree import Tree
from worldtwin.judging import Case, Cases
from worldtwin.judging.case import Scalar, Value
from worldtwin.script import predicate
from worldtwin.world import Angle, Category, Field, Set, Spec, encode, hint, unit_of


def load_cases(path: str | Path, spec: Spec | None = None) -> Cases:
    """The cases in the YAML at `path`; with `spec`, they are questions about its world.

    Raises `InvalidSpec` with all problems and their lines.
    """
    tree = read_file(path)
    if not isinstance(tree.data, list):
        raise tree.refusal([Found((), "a list of cases is expected: begin each with `- {name: ..., check: ...}`")])
    shape = shape_mistakes(tree.data, cases_schema())
    found = [*tree.found, *without_echoes(shape, tree.found)]
    cases: dict[int, Case] = {}
    for i, item in enumerate(tree.data):
        if isinstance(item, dict):
            broken = {
                str(each.steps[1]) for each in (*shape, *tree.found) if each.steps[:1] == (i,) and len(each.steps) > 1
            }
            cases[i] = _read({**item}, i, broken, found)  # pyright: ignore[reportUnknownArgumentType]
    found += _repeated(cases)
    if spec is not None:
        cases = {i: _fitted(tree, spec, case, i, found) for i, case in cases.items()}
    if found:
        raise tree.refusal(found)
    return tuple(cases.values())


def cases_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the YAML of cases."""
    schema = msgspec.json.schema(list[Case])
    for part in schema["$defs"].values():  # Python 3.13 takes the indentation out of docstrings, earlier ones do not
        part["description"] = inspect.cleandoc(part.get("description", ""))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Cases of Worldtwin", **schema}


def _read(item: dict[str, object], position: int, broken: set[str], found: list[Found]) -> Case:
    """The case in `item`, as far as it can be read; what is wrong with it is added to `found`."""
    least: dict[str, object] = {"name": f"unreadable {position}", "check": "True"}
    try:
        return msgspec.convert(least | {key: value for key, value in item.items() if key not in broken}, Case)
    except msgspec.ValidationError as error:
        found.append(Found((position,), str(error)))
        return msgspec.convert(least, Case)
    except InvalidSpec as error:
        found += [Found((position, problem.path), problem.message) for problem in error.problems]
        return _read(item, position, broken | {problem.path for problem in error.problems}, [])


def _repeated(cases: Mapping[int, Case]) -> list[Found]:
    first: dict[str, int] = {}
    for i, case in cases.items():
        first.setdefault(case.name, i)
    return [
        Found((i, "name"), f"`{case.name}` is the name of another case")
        for i, case in cases.items()
        if first[case.name] != i
    ]


def _fitted(tree: Tree, spec: Spec, case: Case, position: int, found: list[Found]) -> Case:
    """The case with its start in the units of `spec`; what does not fit that world is added to `found`."""
    found += script_mistakes(tree, (position, "check"), lambda: predicate(spec, case.check))
    start: dict[str, Value] = {}
    for name, value in case.start.items():
        try:
            start[name] = _start(spec.state.field(name), value)
        except InvalidValue as error:
            unknown = f"unknown field{hint(name, spec.state.names)}"
            found.append(Found((position, "start", name), str(error) if name in spec.state.names else unknown))
    for i, move in enumerate(case.driver if case.driver != "task" else ()):
        try:
            spec.action.encode(move)
        except InvalidValue as error:
            found.append(Found((position, "driver", i), str(error)))
    return replace(case, start=start)


def _start(field: Field, value: Value) -> Value:
    """A start as `judge` takes it: one value, names to choose from, or the ends of a range. Raises `InvalidValue`."""
    if isinstance(field, Set):
        encode(field, value)
        return value
    if not isinstance(value, tuple):
        return _number(field, value)
    parts = tuple(_number(field, part) for part in value)
    if isinstance(field, Category) and parts:
        return parts
    if len(parts) != 2:
        raise InvalidValue(f"{shown(value)} has {len(parts)} values: give one value, or the lowest and the highest")
    if not isinstance(field, Angle) and encode(field, parts[0]) > encode(field, parts[1]):
        raise InvalidValue(f"{shown(value)} is reversed: did you mean {shown(value[::-1])}?")
    return parts


def _number(field: Field, value: Scalar) -> Scalar:
    number = amount(value, unit_of(field)) if isinstance(value, str) and not isinstance(field, Category) else value
    encode(field, number)
    return number
