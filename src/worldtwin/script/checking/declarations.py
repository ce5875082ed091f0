"""What a program declares at its top: imports, constants, parameters, memory, what it observes, and its functions."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from worldtwin.errors import InvalidScript, InvalidValue
from worldtwin.script.checking.functions import FUNCTIONS
from worldtwin.script.checking.source import Source, shown
from worldtwin.script.checking.words import outside
from worldtwin.script.parameter import Parameter, name_parameter
from worldtwin.script.tree import BOOL, FLOAT, INT, LEAST, MOST, Constant, Kind, Type
from worldtwin.world import hint

MOST_CELLS: Final = 4096
"""Numbers that all parameters, or all of the memory, may hold."""

_OURS: Final = frozenset({"wt", "worldtwin"})
_IMPORTABLE: Final[Mapping[str, frozenset[str]]] = {
    "math": frozenset({*FUNCTIONS, "pi"}),
    "worldtwin": frozenset({"param", "remember"}),
    "__future__": frozenset({"annotations"}),
}


class Memory(Struct, frozen=True, kw_only=True):
    """One field of the memory: its type and the values it has at the start of an episode."""

    name: str
    type: Type
    values: tuple[float, ...]


class Declarations(Struct, kw_only=True):
    """Everything at the top of a program, by name."""

    functions: dict[str, ast.FunctionDef]
    parameters: dict[str, Parameter]
    constants: dict[str, Constant]
    memory: tuple[Memory, ...] = ()
    observes: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that is taken."""
        return (*self.functions, *self.parameters, *self.constants)


def declarations(source: Source, module: ast.Module) -> Declarations:
    """What the top of `module` declares. Raises `InvalidScript` at anything else."""
    found = Declarations(functions={}, parameters={}, constants={})
    for node in module.body:
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                continue
            case ast.Import() | ast.ImportFrom():
                _check_import(source, node)
            case ast.FunctionDef():
                _check_new(source, node, node.name, found)
                found.functions[node.name] = node
            case ast.Assign(targets=[ast.Name(id=name)]):
                _declare(source, found, name, node.value, node)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                _declare(source, found, name, value, node)
            case ast.Assign() | ast.AnnAssign():
                raise source.refusal(node, "at the top, one name is given one value")
            case _:
                raise outside(source, node)
    return found


def _declare(source: Source, found: Declarations, name: str, value: ast.expr, node: ast.stmt) -> None:
    called = called_name(value)
    if name == "observes":
        found.observes = _observed(source, value)
    elif called == "remember":
        if found.memory:
            raise source.refusal(node, "the memory is declared twice: give all of its fields to one `remember(...)`")
        found.memory = _remembered(source, value)
    else:
        _check_new(source, node, name, found)
        if called == "param":
            found.parameters[name] = parameter(source, name, value)
            _check_cells(source, node, sum(len(each.values) for each in found.parameters.values()))
        else:
            number = literal(source, value)
            kind = BOOL if isinstance(number, bool) else INT if isinstance(number, int) else FLOAT
            found.constants[name] = Constant(type=kind, line=source.line_of(value), value=number)


def called_name(node: ast.expr) -> str:
    """`param` for a call of `param`, `wt.param` or `worldtwin.param`; empty for anything else."""
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Name):
        return function.id
    ours = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id in _OURS
    return function.attr if ours and isinstance(function, ast.Attribute) else ""


def parameter(source: Source, name: str, node: ast.expr) -> Parameter:
    """The parameter that the call `param(default, low=, high=)` declares. Raises `InvalidScript`."""
    if not isinstance(node, ast.Call) or len(node.args) != 1:
        raise source.refusal(node, "`param` takes one default: param(0.5, low=-1, high=1)")
    if any(keyword.arg == "choices" for keyword in node.keywords):
        return _name(source, name, node)
    limits = {"low": -math.inf, "high": math.inf}
    for keyword in node.keywords:
        if keyword.arg not in limits:
            raise source.refusal(keyword, f"`param` takes `low` and `high`, not {shown(keyword.arg or '**')}")
        limits[keyword.arg] = float(literal(source, keyword.value))
    default = node.args[0]
    if isinstance(default, ast.Constant) and isinstance(default.value, str):
        raise source.refusal(
            default, 'a parameter that is a name has choices: param("left", choices=["left", "right"])'
        )
    numbers = _numbers(source, default)
    if any(isinstance(number, bool) for number in numbers):
        raise source.refusal(default, "a parameter is a number: use 0 and 1")
    try:
        return Parameter(
            name=name,
            values=tuple(map(float, numbers)),
            integer=all(isinstance(number, int) for number in numbers),
            array=isinstance(default, ast.List | ast.Tuple),
            low=limits["low"],
            high=limits["high"],
        )
    except InvalidValue as error:
        raise source.refusal(node, str(error)) from error


def _name(source: Source, name: str, node: ast.Call) -> Parameter:
    """The parameter that `param("left", choices=["left", "right"])` declares. Raises `InvalidScript`."""
    (keyword, *others), default = node.keywords, node.args[0]
    if others:
        raise source.refusal(others[0], "a parameter with `choices` takes no `low` and `high`")
    parts = keyword.value.elts if isinstance(keyword.value, ast.List | ast.Tuple) else []
    names = [part.value for part in (default, *parts) if isinstance(part, ast.Constant)]
    written = tuple(each for each in names if isinstance(each, str))
    if len(written) != 1 + len(parts) or not parts:
        raise source.refusal(node, 'choices are names: param("left", choices=["left", "right"])')
    try:
        return name_parameter(name, written[0], written[1:])
    except InvalidValue as error:
        raise source.refusal(node, str(error)) from error


def parameter_type(declared: Parameter) -> Type:
    """The type that a parameter has in the program."""
    if declared.choices:
        return Type(Kind.NAME, declared.choices)
    kind = INT if declared.integer else FLOAT
    return Type(kind.kind, length=len(declared.values)) if declared.array else kind


def literal(source: Source, node: ast.expr) -> bool | int | float:
    """The number that is written out as `node`. Raises `InvalidScript`."""
    inner, sign = (node.operand, -1) if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else (node, 1)
    value = inner.value if isinstance(inner, ast.Constant) else None
    if isinstance(value, bool) and sign == 1:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and LEAST <= sign * value <= MOST:
        return sign * value
    if isinstance(value, float) and math.isfinite(value):
        return sign * value
    raise source.refusal(node, "a number is expected here, written out, like 0.5")


def _numbers(source: Source, node: ast.expr) -> tuple[bool | int | float, ...]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and isinstance(node.left, ast.List | ast.Tuple):
        times = literal(source, node.right)
        if not isinstance(times, int) or not 1 <= times <= MOST_CELLS:
            raise source.refusal(node.right, f"a repetition is a whole number from 1 to {MOST_CELLS:,}")
        return _numbers(source, node.left) * times
    if isinstance(node, ast.List | ast.Tuple):
        if not node.elts:
            raise source.refusal(node, "an array has at least one number")
        return tuple(literal(source, part) for part in node.elts)
    return (literal(source, node),)


def _remembered(source: Source, node: ast.expr) -> tuple[Memory, ...]:
    fields: list[Memory] = []
    if not isinstance(node, ast.Call) or node.args:
        raise source.refusal(node, "`remember` takes fields by name: remember(integral=0.0)")
    for keyword in node.keywords:
        if keyword.arg is None or any(field.name == keyword.arg for field in fields):
            raise source.refusal(keyword, "`remember` takes fields by name, each once: remember(integral=0.0)")
        numbers = _numbers(source, keyword.value)
        whole = all(isinstance(number, int) for number in numbers)
        kind = BOOL if all(isinstance(number, bool) for number in numbers) else INT if whole else FLOAT
        array = not isinstance(keyword.value, ast.Constant | ast.UnaryOp)
        described = Type(kind.kind, length=len(numbers)) if array else kind
        fields.append(Memory(name=keyword.arg, type=described, values=tuple(map(float, numbers))))
        _check_cells(source, keyword, sum(len(field.values) for field in fields))
    return tuple(fields)


def _observed(source: Source, node: ast.expr) -> tuple[str, ...]:
    parts = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    names: list[str] = []
    for part in parts:
        if not isinstance(part, ast.Constant) or not isinstance(part.value, str):
            raise source.refusal(part, 'observes names fields of the state: observes = "position angle"')
        names += part.value.split()
    return tuple(dict.fromkeys(names))


def _check_cells(source: Source, node: ast.AST, cells: int) -> None:
    if cells > MOST_CELLS:
        raise source.refusal(node, f"{cells:,} numbers are too many: at most {MOST_CELLS:,}")


def _check_new(source: Source, node: ast.AST, name: str, found: Declarations) -> None:
    if name in found.names:
        raise source.refusal(node, f"{shown(name)} is defined twice: choose another name")
    if name in FUNCTIONS or name in {"pi", "range", "param", "remember", "math", *_OURS}:
        raise source.refusal(node, f"{shown(name)} is a name of the language: choose another name")


def _check_import(source: Source, node: ast.Import | ast.ImportFrom) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if (alias.name, alias.asname) not in {("math", None), ("worldtwin", None), ("worldtwin", "wt")}:
                raise _import_refused(source, node, alias.name)
        return
    allowed = _IMPORTABLE.get(node.module or "", frozenset()) if not node.level else frozenset[str]()
    for alias in node.names:
        if alias.name not in allowed or alias.asname:
            raise _import_refused(
                source, node, f"{node.module}.{alias.name}", hint(alias.name, allowed) if allowed else ""
            )


def _import_refused(source: Source, node: ast.AST, name: str, advice: str = "") -> InvalidScript:
    only = advice or ": a script may import `math` and `worldtwin` only"
    return source.refusal(node, f"import of {shown(name)} is not part of the script language{only}")
