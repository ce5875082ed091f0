"""From the text of a program to its typed tree."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from worldtwin.script.checking.declarations import Declarations, Memory, called_name, parameter, parameter_type
from worldtwin.script.checking.inference import used_fields
from worldtwin.script.checking.source import Source, shown
from worldtwin.script.checking.statements import Body, annotated
from worldtwin.script.parameter import Parameter
from worldtwin.script.records import Record
from worldtwin.script.tree import Function, Invoke, Local, Node, Read, Tree, Type
from worldtwin.world import hint

ENTRY: Final = "act"
MOST_FUNCTIONS: Final = 64
MOST_WORK: Final = 200_000
MOST_PASSES: Final = 8
DEEPEST_CALLS: Final = 200


class Checked(Struct, frozen=True, kw_only=True):
    """A function checked for given types: its number, which array arguments it writes to, and how deep it nests."""

    number: int
    function: Function
    writes: frozenset[int]
    depth: int


class Findings(Struct, frozen=True, kw_only=True):
    """What checking a program finds out."""

    tree: Tree
    parameters: tuple[Parameter, ...]
    memory: tuple[Memory, ...]
    state: Record
    observes: tuple[str, ...]


class Programs:
    """The check of one program. Work, depth and the number of functions are bounded, whatever the text."""

    def __init__(self, source: Source, declared: Declarations, entry: str) -> None:
        self.source, self.declared, self.entry = source, declared, entry
        self.functions: list[Function] = []
        self._known: dict[tuple[str, tuple[Type, ...]], Checked] = {}
        self._calling: list[str] = []
        self._depth = 0
        self._work = 0

    def fixed(self, node: ast.Name) -> Node | None:
        """The constant or parameter that `node` names, or None."""
        if node.id in self.declared.constants:
            return replace(self.declared.constants[node.id], line=self.source.line_of(node))
        if node.id in self.declared.parameters:
            return read_parameter(self.declared.parameters[node.id], self.source.line_of(node))
        return None

    def names(self) -> tuple[str, ...]:
        """Every name that the program declares."""
        return self.declared.names

    def called(self, body: Body, node: ast.Call, name: str) -> Node | None:
        """The call of the program's function `name`, or None. Raises `InvalidScript`."""
        function = self.declared.functions.get(name)
        if function is None:
            return None
        if name in self._calling or name == self.entry:
            raise self.source.refusal(
                node, f"{shown(name)} calls itself: recursion is not part of the script language, use a loop"
            )
        operands = [body.expressions.check(argument) for argument in node.args]
        checked = self._helper(node, function, operands)
        made: list[Node] = []
        for i, (operand, at) in enumerate(zip(operands, node.args, strict=True)):
            if i in checked.writes:
                self._check_writable(body, node, operand)
            made.append(body.expressions.to(operand, checked.function.slots[i], at, what=f"`{name}`"))
        result = checked.function.results[0]
        return Invoke(type=result, line=self.source.line_of(node), function=checked.number, operands=tuple(made))

    def _check_writable(self, body: Body, node: ast.Call, operand: Node) -> None:
        if isinstance(operand, Local):
            body.writes.add(operand.slot)
        elif isinstance(operand, Read) and operand.record != "memory":
            raise self.source.refusal(
                node, "this function writes to its array: parameters do not change while the program runs"
            )

    def _helper(self, node: ast.Call, function: ast.FunctionDef, operands: list[Node]) -> Checked:
        name, arguments = function.name, function.args.args
        check_signature(self.source, function, defaults=False)
        if len(arguments) != len(operands):
            raise self.source.refusal(node, f"{shown(name)} takes {len(arguments)} arguments, not {len(operands)}")
        kinds = tuple(
            annotated(each.annotation) or operand.type for each, operand in zip(arguments, operands, strict=True)
        )
        known = self._known.get((name, kinds))
        if known is None:
            known = self._known[name, kinds] = self._check_helper(function, kinds)
        self._depth = max(self._depth, known.depth)
        return known

    def _check_helper(self, function: ast.FunctionDef, kinds: tuple[Type, ...]) -> Checked:
        arguments = {each.arg: kind for each, kind in zip(function.args.args, kinds, strict=True)}
        checked = self.check(function, records={}, arguments=arguments, bound={}, expected=None)
        if len(checked.function.results) != 1:
            raise self.source.refusal(
                function, f"{shown(function.name)} returns several values: only `{self.entry}` may"
            )
        return checked

    def check(
        self,
        node: ast.FunctionDef,
        *,
        records: Mapping[str, Record],
        arguments: Mapping[str, Type],
        bound: Mapping[str, Node],
        expected: Mapping[str, Type] | None,
    ) -> Checked:
        """The function `node`, checked in as many passes as its variables need. Raises `InvalidScript`."""
        outer, self._depth = self._depth, 0
        self._calling.append(node.name)
        size, own = measure(node)
        wider: dict[str, Type] = {}
        for _ in range(MOST_PASSES):
            self._spend(node, size)
            body = Body(
                self.source,
                node,
                self,
                records=records,
                arguments=arguments,
                bound=bound,
                expected=expected,
                wider=wider,
            )
            statements = body.statements()
            if not body.variables.changed:
                break
        else:
            raise self.source.refusal(
                node, f"the variables of {shown(node.name)} do not settle: start them as floats (0.0)"
            )
        self._calling.pop()
        depth, self._depth = own + self._depth, outer
        if depth > DEEPEST_CALLS:
            raise self.source.refusal(
                node, f"functions and expressions nest more than {DEEPEST_CALLS} deep: split them"
            )
        function = Function(
            name=node.name,
            line=self.source.line_of(node),
            arguments=len(arguments),
            slots=tuple(body.variables.slots),
            results=body.results,
            body=statements,
        )
        self.functions.append(function)
        return Checked(number=len(self.functions) - 1, function=function, writes=frozenset(body.writes), depth=depth)

    def _spend(self, node: ast.FunctionDef, size: int) -> None:
        self._work += size
        if self._work > MOST_WORK or len(self.functions) >= MOST_FUNCTIONS:
            raise self.source.refusal(
                node, "the functions are used in too many ways: annotate their arguments (x: float)"
            )


def measure(node: ast.AST) -> tuple[int, int]:
    """How many nodes a syntax tree has, and how many levels."""
    level, size, depth = [node], 0, 0
    while level:
        size, depth = size + len(level), depth + 1
        level = [child for parent in level for child in ast.iter_child_nodes(parent)]
    return size, depth


def read_parameter(declared: Parameter, line: int) -> Read:
    """The value of a parameter."""
    return Read(type=parameter_type(declared), line=line, record="param", field=declared.name)


def check_signature(source: Source, node: ast.FunctionDef, *, defaults: bool) -> None:
    """Refuse arguments that are more than names. Raises `InvalidScript`."""
    arguments = node.args
    if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs:
        raise source.refusal(node, f"{shown(node.name)} has `*`, `**` or `/` among its arguments: list their names")
    if arguments.defaults and not defaults:
        raise source.refusal(arguments.defaults[0], "arguments of a helper function have no defaults: give every value")
    if node.decorator_list and not defaults:
        raise source.refusal(node.decorator_list[0], "decorators are not part of the script language: remove it")


def check_decorators(source: Source, node: ast.FunctionDef) -> None:
    """Refuse decorators other than `@wt.recorded(...)`, which does not change what a function does."""
    for decorator in node.decorator_list:
        if called_name(decorator) != "recorded":
            raise source.refusal(decorator, "only the decorator `@wt.recorded(...)` is skipped: remove this one")


def check_act(source: Source, declared: Declarations, state: Record | None, expected: Record | None) -> Findings:
    """A program whose `act(state, memory)` reads records. Raises `InvalidScript`."""
    node = declared.functions[ENTRY]
    check_signature(source, node, defaults=False)
    names = [argument.arg for argument in node.args.args]
    if names not in (["state"], ["state", "memory"]):
        raise source.refusal(node, "`act` takes `state`, or `state` and `memory`: def act(state, memory)")
    known = used_fields(node, "state") if state is None else state
    observes = declared.observes
    for name in observes or ():
        if name not in known and state is not None:
            raise source.refusal(node, f"observes names the unknown field {shown(name)}{hint(name, known)}")
    seen = known if observes is None else {name: kind for name, kind in known.items() if name in observes}
    records = {"state": seen, "memory": {field.name: field.type for field in declared.memory}}
    records = {name: records[name] for name in names}
    programs = Programs(source, declared, ENTRY)
    programs.check(node, records=records, arguments={}, bound={}, expected=expected)
    return Findings(
        tree=Tree(functions=tuple(programs.functions)),
        parameters=tuple(declared.parameters.values()),
        memory=declared.memory,
        state=seen,
        observes=tuple(seen),
    )


def check_function(source: Source, node: ast.FunctionDef, state: Record | None, expected: Record | None) -> Findings:
    """A function on its own: its arguments are fields of the state, those with `param(...)` parameters."""
    check_signature(source, node, defaults=True)
    check_decorators(source, node)
    declared = Declarations(functions={node.name: node}, parameters={}, constants={})
    arguments = node.args.args
    plain = len(arguments) - len(node.args.defaults)
    for argument, default in zip(arguments[plain:], node.args.defaults, strict=True):
        if called_name(default) != "param":
            raise source.refusal(
                default, f"the default of {shown(argument.arg)} is not `param(...)`: make it a parameter or remove it"
            )
        declared.parameters[argument.arg] = parameter(source, argument.arg, default)
    known = used_fields(node, "") if state is None else state
    bound: dict[str, Node] = {}
    for argument in arguments[:plain]:
        if argument.arg not in known:
            raise source.refusal(argument, f"the state has no field {shown(argument.arg)}{hint(argument.arg, known)}")
        line = source.line_of(argument)
        bound[argument.arg] = Read(type=known[argument.arg], line=line, record="state", field=argument.arg)
    for each in declared.parameters.values():
        bound[each.name] = read_parameter(each, source.line_of(node))
    seen = {argument.arg: known[argument.arg] for argument in arguments[:plain]}
    programs = Programs(source, replace(declared, parameters={}), node.name)
    programs.check(node, records={}, arguments={}, bound=bound, expected=expected)
    return Findings(
        tree=Tree(functions=tuple(programs.functions)),
        parameters=tuple(declared.parameters.values()),
        memory=(),
        state=seen,
        observes=tuple(seen),
    )
