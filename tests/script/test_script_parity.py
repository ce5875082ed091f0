"""One semantics: columns, rows, WebAssembly and plain CPython give the same for the same text, bit for bit."""

from __future__ import annotations

import ast
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worldtwin.exact import functions
from worldtwin.script import FUEL, Expression, Trapped, check_expression, check_program
from worldtwin.world import Category, Integer, Real, Set, Space

GEARS = ("park", "drive", "back")
EXITS = ("n", "e", "s", "w")
STATE = Space(
    ("x", "y", "i", "j", "gear", "exits"),
    (
        Real(low=-8, high=8, exponent=30),
        Real(low=-(2.0**40), high=2.0**40, exponent=3),
        Integer(low=-3, high=3),
        Integer(low=-(2**51), high=2**51),
        Category(GEARS),
        Set(EXITS),
    ),
)
RECORDS = {"state": STATE}


def finite(function: Any) -> Any:
    """`function`, raising where its answer is not finite, as the language traps."""

    def checked(*arguments: float) -> float:
        result = function(*map(float, arguments))
        if not math.isfinite(result):
            raise ValueError(result)
        return result

    return checked


def power(base: Any, exponent: int) -> Any:
    """What `**` means in the language: a product from the left."""
    return math.prod([base] * exponent)


NAMES: dict[str, Any] = {
    "sin": finite(functions.sin_one),
    "cos": finite(functions.cos_one),
    "exp": finite(functions.exp_one),
    "log": finite(functions.log_one),
    "tanh": finite(functions.tanh_one),
    "sqrt": finite(math.sqrt),
    "atan2": finite(lambda y, x: functions.atan2_one(y + 0.0, x + 0.0)),
    "floor": math.floor,
    "ceil": math.ceil,
    "pi": math.pi,
    "power": power,
}


class Powers(ast.NodeTransformer):
    """Calls of `power` in the place of `**`: CPython leaves its last bit to the C library."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Pow):
            return node
        return ast.Call(func=ast.Name("power", ast.Load()), args=[node.left, node.right], keywords=[])


def plain(source: str, state: dict[str, Any]) -> Any:
    """The value of an expression in CPython."""
    tree = ast.fix_missing_locations(Powers().visit(ast.parse(f"({source})", mode="eval")))
    return eval(compile(tree, "<oracle>", "eval"), {**NAMES, "state": SimpleNamespace(**state)})  # noqa: S307 - the oracle


def chosen(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from(names)


INT_LEAVES = st.one_of(
    chosen("state.i", "state.j"),
    st.integers(-5, 5).map(str),
    chosen("9223372036854775807", "(-9223372036854775808)", "4611686018427387904"),
)
FLOAT_LEAVES = st.one_of(
    chosen("state.x", "state.y", "pi"),
    st.floats(-4, 4, allow_nan=False).map(repr),
    chosen("0.0", "1e308", "1e-300", "0.5", "2.5"),
)
BOOL_LEAVES = st.one_of(
    chosen("True", "False"),
    st.tuples(chosen("==", "!="), st.sampled_from(GEARS)).map(lambda t: f'state.gear {t[0]} "{t[1]}"'),
    st.tuples(st.sampled_from(EXITS), chosen("in", "not in")).map(lambda t: f'"{t[0]}" {t[1]} state.exits'),
    st.lists(st.sampled_from(GEARS), min_size=1).map(lambda names: f"state.gear in {names!r}"),
)


def ints(depth: int) -> st.SearchStrategy[str]:
    if not depth:
        return INT_LEAVES
    inner, number = ints(depth - 1), floats(depth - 1)
    return st.one_of(
        INT_LEAVES,
        st.tuples(inner, chosen("+", "-", "*", "//", "%"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(chosen("-", "abs", "int", "bool"), inner).map(lambda t: f"(0 + {t[0]}({t[1]}))"),
        st.tuples(inner, st.integers(0, 4)).map(lambda t: f"({t[0]} ** {t[1]})"),
        st.tuples(chosen("floor", "ceil", "round", "int"), number).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(chosen("min", "max"), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        st.tuples(inner, truths(depth - 1), inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
    )


def floats(depth: int) -> st.SearchStrategy[str]:
    if not depth:
        return FLOAT_LEAVES
    inner = floats(depth - 1)
    either = st.one_of(inner, ints(depth - 1))
    return st.one_of(
        FLOAT_LEAVES,
        st.tuples(inner, chosen("+", "-", "*", "/", "//", "%"), either).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(either, chosen("+", "-", "*", "/", "//", "%"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(ints(depth - 1), ints(depth - 1)).map(lambda t: f"({t[0]} / {t[1]})"),
        st.tuples(inner, st.integers(0, 4)).map(lambda t: f"({t[0]} ** {t[1]})"),
        st.tuples(chosen("-", "abs", "float", "sin", "cos", "exp", "log", "tanh", "sqrt"), inner).map(
            lambda t: f"{t[0]}({t[1]})"
        ),
        st.tuples(inner, inner).map(lambda t: f"atan2({t[0]}, {t[1]})"),
        st.tuples(chosen("min", "max"), inner, inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]}, {t[3]})"),
        st.tuples(inner, truths(depth - 1), inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
    )


def truths(depth: int) -> st.SearchStrategy[str]:
    if not depth:
        return BOOL_LEAVES
    inner, number = truths(depth - 1), st.one_of(ints(depth - 1), floats(depth - 1))
    sign = chosen("<", "<=", ">", ">=", "==", "!=")
    return st.one_of(
        BOOL_LEAVES,
        st.tuples(number, sign, number).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(number, sign, number, sign, number).map(lambda t: "({} {} {} {} {})".format(*t)),
        st.tuples(inner, chosen("and", "or"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.one_of(inner, number).map(lambda t: f"(not {t})"),
        ints(depth - 1).map(lambda t: f"({t} in (0, 1, 2))"),
    )


EXPRESSIONS = st.one_of(ints(3), floats(3), truths(3))
ROWS = st.lists(
    st.tuples(*[st.integers(int(low), int(high)) for low, high in zip(STATE.low, STATE.high, strict=True)]), min_size=3
).map(lambda rows: np.array(rows, dtype=np.int64))


def compare(source: str, rows: np.ndarray) -> int:
    """Assert that all three agree on every row; how many rows had a value."""
    expression = check_expression(source, RECORDS)
    columns = STATE.columns(rows)
    values, trapped = expression.evaluate({"state": columns}, len(rows))
    for row in range(len(rows)):
        alone = one(expression, {name: column[row].item() for name, column in columns.items()})
        if trapped[row]:
            assert alone is None
            continue
        assert alone is not None
        assert alone == values[row], (source, alone, values[row])
        assert plain(source, dict(STATE.decode(tuple(rows[row].tolist())))) == alone, source
    return int((~trapped).sum())


def compare_machine(source: str, rows: np.ndarray) -> None:
    """Assert that the expression as a program in WebAssembly gives what columns give, and traps where they do."""
    program = check_program(f"def act(state):\n    return {source}\n", STATE)
    columns = STATE.columns(rows)
    answers = program.machine.run([columns[name] for name in program.observes], len(rows), FUEL)
    values, trapped = check_expression(source, RECORDS).evaluate({"state": columns}, len(rows))
    found = answers.results[0]
    assert np.array_equal((answers.lines > 0) | ~np.isfinite(found), trapped), source
    assert np.array_equal(found[~trapped], values[~trapped]), source


def one(expression: Expression, state: dict[str, Any]) -> Any:
    try:
        return expression.evaluate_one({"state": state})
    except Trapped:
        return None


@given(source=EXPRESSIONS, rows=ROWS)
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=150)
def test_columns_rows_and_cpython_agree(source: str, rows: np.ndarray) -> None:
    compare(source, rows)
    compare_machine(source, rows)


@pytest.mark.slow
@given(source=EXPRESSIONS, rows=ROWS)
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=2000)
def test_columns_rows_and_cpython_agree_on_many_expressions(source: str, rows: np.ndarray) -> None:
    compare(source, rows)
    compare_machine(source, rows)


EDGES = [
    "1 // state.i if state.i else 7",
    "7 if not state.i else 1 / state.i",
    "max(state.x * 1e308 * 1e308 - state.x * 1e308 * 1e308, 1) == 1",
    "min(1, state.x * 1e308 * 1e308 - state.x * 1e308 * 1e308) == 1",
    "(-9223372036854775807 - 1) // state.i",
    "(-9223372036854775807 - 1) % state.i",
    "-(-9223372036854775807 - abs(state.i))",
    "abs(-9223372036854775807 - abs(state.i))",
    "(-9223372036854775807 - 1) * state.i",
    "9223372036854775807 - state.i",
    "4611686018427387904 * state.i",
    "atan2(-(0.0 * state.x), -1.0)",
    "atan2(0 * state.x, -1.0)",
    "-1 < state.i < 2 < state.x",
    "state.x < state.i < state.j",
    "state.j / 3",
    "state.x // 0.3",
    "state.x % -0.3",
    "state.j // 7 - state.j % 7",
    "round(state.x) + round(state.i + 0.5)",
    "floor(state.y * 1e10) + ceil(state.y * 1e10)",
    "int(state.y * 1e10)",
    "state.j ** 2",
    "state.i ** 0 + state.x ** 0",
    "state.j * 4 + 0.5",
    '"n" in state.exits or "w" in state.exits and state.gear != "park"',
    "state.i in (-1, 3) or not state.x",
]


@pytest.mark.parametrize("source", EDGES)
def test_the_edges_of_arithmetic_agree(source: str) -> None:
    rows = np.random.default_rng(11).integers(STATE.low, STATE.high + 1, size=(30, 6))
    rows[:7, 2] = range(-3, 4)
    rows[:7, 3] = range(7)
    rows[:7, :2] = 0
    assert compare(source, rows) > 0
    compare_machine(source, rows)


def test_most_generated_rows_have_a_value() -> None:
    rows = np.random.default_rng(5).integers(STATE.low, STATE.high + 1, size=(20, 6))
    assert compare("state.x * 2.5 + sin(state.x) - max(state.i, 0)", rows) == 20


VARIABLES = ("a", "b", "k")


@st.composite
def blocks(draw: Any, depth: int) -> list[str]:
    """Statements over the floats `a` and `b` and the int `k`."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.integers(0, 6 if depth else 2))
        if kind <= 1:
            lines.append(f"{draw(chosen('a', 'b'))} {draw(chosen('=', '+=', '*='))} {draw(mixed(FLOAT_LEAVES))}")
        elif kind == 2:
            lines.append(f"k {draw(chosen('=', '+=', '-='))} {draw(mixed(INT_LEAVES))}")
        elif kind == 3:
            lines += [f"if {draw(guards())}:", *indented(draw(blocks(depth - 1)))]
            lines += ["else:", *indented(draw(blocks(depth - 1)))]
        elif kind == 4:
            body = [
                *draw(blocks(depth - 1)),
                f"if {draw(guards())}:",
                f"    {draw(chosen('break', 'continue', 'pass'))}",
            ]
            lines += [f"for i in range({draw(st.integers(-2, 4))}):", *indented([*body, "c[i % 3] = a", "k = k + i"])]
        elif kind == 5:
            body = [
                *draw(blocks(depth - 1)),
                f"if {draw(guards())}:",
                f"    {draw(chosen('break', 'continue', 'return 1'))}",
            ]
            lines += [
                "n = 0",
                "while n < 3:",
                "    n += 1",
                *indented([text.replace("return 1", 'return "back"') for text in body]),
            ]
        else:
            lines += ["c[k % 3] = helper(a, k)", "b = b + c[k % 3 - 3] - c[-1]"]
    return lines


def mixed(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    own = st.one_of(leaves, chosen("a", "b", "gain[1]") if leaves is FLOAT_LEAVES else chosen("k", "len(c)"))
    return st.one_of(own, st.tuples(own, chosen("+", "-", "*", "//", "%"), own).map(" ".join))


def guards() -> st.SearchStrategy[str]:
    simple = st.tuples(chosen("a", "b", "k", "c[k % 3]"), chosen("<", ">="), chosen("0", "b", "k", "c[0]")).map(
        " ".join
    )
    called = st.tuples(BOOL_LEAVES, chosen("and", "or"), chosen("put(c, k, a) > 0.5", "helper(b, k) < a")).map(" ".join)
    return st.one_of(BOOL_LEAVES, simple, called, called.map(lambda text: f"(a if {text} else b) > 0"))


def indented(lines: list[str]) -> list[str]:
    return [f"    {line}" for line in lines]


@st.composite
def programs(draw: Any) -> str:
    body = ["a = 0", "b = memory.total", "k = 0", "c = [0.0, 1, 2]", *draw(blocks(2)), "memory.total = b"]
    ending = ["if a > b:", '    return "park"', 'return "drive" if k > 2 else "back"']
    head = "gain = param([0.5, -1.5], low=-9, high=9)\nmemory = remember(total=0.25)\n"
    put = "def put(array, n, x):\n    if n < 0:\n        return 0.25\n    array[n % 3] += x\n    return array[0]\n"
    helper = put + "def helper(x, n):\n    if n > 3:\n        return n\n    return x * 0.5\n"
    return head + helper + "def act(state, memory):\n" + "\n".join(indented([*body, *ending])) + "\n"


def run_plain(source: str, state: dict[str, Any]) -> tuple[str, float]:
    """What the program does in CPython."""
    memory = SimpleNamespace(total=0.25)
    names = {**NAMES, "param": lambda values, **_: values, "remember": lambda **_: None}
    exec(source, names)  # noqa: S102 - the oracle
    return names["act"](SimpleNamespace(**state), memory), memory.total


def compare_program(source: str, rows: np.ndarray) -> None:
    program = check_program(source, STATE, Space(("gear",), (Category(GEARS),)))
    together = program.act_rows(rows, np.tile(program.start_memory, (len(rows), 1)))
    for i, row in enumerate(rows):
        state = dict(STATE.decode(tuple(row.tolist())))
        step = program.step(state)
        assert together.lines[i] == (step.trap.line if step.trap else 0), source
        assert together.fuel[i] == step.fuel
        assert np.array_equal(together.memory[i], step.memory, equal_nan=True), source
        if step.trap is not None:
            continue
        assert GEARS[together.actions[i, 0]] == step.action
        action, total = run_plain(source, state)
        assert step.action == action, source
        assert step.memory[0] == total or math.isnan(total), source


@given(source=programs(), rows=ROWS)
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=60)
def test_programs_do_what_they_do_in_cpython(source: str, rows: np.ndarray) -> None:
    compare_program(source, rows)


@pytest.mark.slow
@given(source=programs(), rows=ROWS)
@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=1000)
def test_many_programs_do_what_they_do_in_cpython(source: str, rows: np.ndarray) -> None:
    compare_program(source, rows)
