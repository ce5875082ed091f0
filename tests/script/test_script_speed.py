"""What makes programs in WebAssembly fast changes no answer: unchecked ints, functions in place, any form of NaN."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worldtwin.exact import functions
from worldtwin.script import FUEL, Program, check_program
from worldtwin.script.compiling.inlining import inside, with_inner
from worldtwin.script.compiling.library import leaves, texts
from worldtwin.script.compiling.module import compiled
from worldtwin.script.compiling.ranges import exact_range, loop_range
from worldtwin.script.tree import Assign, For
from worldtwin.world import Integer, Space, real

STATE = Space(("x", "i"), (real(-4, 4), Integer(low=-9, high=9)))
FORCE = Space(("f",), (real(-1000, 1000),))
ROWS = np.array([[step, i] for i in range(-9, 10) for step in (-3, 0, 2)])
NANS = np.array(
    [0x7FF8000000000000, -0x8000000000000, 0x7FF8000000000001, -1, 0x7FFC000000000000], dtype=np.int64
).view(np.float64)


def same_as_alone(text: str) -> Program:
    """The program, after a check that a batch gives what single steps give, with the same lines and fuel."""
    program = check_program(text, STATE, FORCE)
    steps = program.act_rows(ROWS, np.tile(program.start_memory, (len(ROWS), 1)))
    for i, row in enumerate(ROWS.tolist()):
        alone = program.step(dict(STATE.decode(tuple(row))))
        assert (steps.lines[i], steps.fuel[i]) == (alone.trap.line if alone.trap else 0, alone.fuel), (text, row)
        if alone.trap is None:
            assert steps.actions[i].tolist() == list(FORCE.encode({"f": alone.action})), (text, row)
    return program


def code(program: Program) -> str:
    return compiled(program.tree, program.machine._cells).text


EXPRESSIONS = [
    "state.x",
    "-state.x",
    "abs(state.x)",
    "min(state.x, 1.0)",
    "max(1.0, state.x)",
    "state.x + state.y",
    "state.y - state.x",
    "state.x % 3.0",
    "3.0 // state.x",
    "atan2(state.x, state.y)",
    "atan2(state.y, -state.x)",
    "tanh(state.x)",
    "sin(state.x)",
    "exp(-abs(state.x))",
    "log(state.x)",
    "sqrt(state.x)",
    "floor(state.x)",
    "ceil(state.x)",
    "round(state.x)",
    "cos(state.x)",
    "1.0 if state.x < 0 else 2.0",
    "1.0 if -state.x == state.x else 2.0",
    "float(bool(state.x))",
    "state.x ** 3",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_program_cannot_tell_one_nan_from_another(expression: str) -> None:
    text = f"memory = remember(kept=[0.0, 0.0], last=0.0)\ndef act(state, memory):\n    memory.last = {expression}\n"
    program = check_program(text + "    memory.kept[1] = state.x - state.y\n    return memory.last\n")
    n = len(NANS)
    cells = {"x": NANS, "y": np.full(n, 1.5)}
    inputs = [*[cells[name] for name in program.observes], np.zeros((n, 2)), np.zeros(n)]
    answers = program.machine.run(inputs, n, FUEL)
    assert len(set(answers.lines.tolist())) == len(set(answers.fuel.tolist())) == 1
    for column in [*answers.results, *answers.memory]:
        assert (column[:1].view(np.int64) == column.view(np.int64).reshape(n, -1)[:, -column[:1].size :]).all()
        assert set(column[np.isnan(column)].view(np.int64).tolist()) <= {np.array(np.nan).view(np.int64).item()}


@pytest.mark.parametrize("start", [math.inf, -math.inf])
def test_a_nan_leaves_a_program_in_one_form(start: float) -> None:
    text = "memory = remember(a=0.0, b=0.0)\ndef act(state, memory):\n    memory.b = -(memory.a - memory.a)\n"
    text += "    memory.a = memory.a * 0.0\n    return 1.0 if memory.a == memory.b else 2.0\n"
    program = check_program(text)
    a, b = program.machine.run([np.full(20, start), np.zeros(20)], 20, FUEL).memory
    assert set(a.view(np.int64).tolist()) == set(b.view(np.int64).tolist()) == {np.array(np.nan).view(np.int64).item()}


LOOPS = [
    "c = [1.0, 2.0, 3.0]\n    s = 0.0\n    for i in range(-3, 3):\n        s += c[i]\n    return s",
    "c = [1.0, 2.0, 3.0]\n    s = 0.0\n    for i in range(-4, 3):\n        s += c[i]\n    return s",
    "c = [1.0, 2.0, 3.0]\n    s = 0.0\n    for i in range(2, 4):\n        s += c[i]\n    return s",
    "c = [1.0, 2.0]\n    for i in range(2):\n        i = state.i\n        c[i] = 1.0\n    return c[0]",
    "c = [1.0, 2.0]\n    for i in range(2):\n        for i in range(3):\n            c[i] = 2.0\n    return c[0]",
    "c = [0]\n    for i in range(2):\n        for i in range(3):\n            pass\n        c[i] = 2\n    return 1.0",
    "c = [1.0, 2.0]\n    i = 5\n    for i in range(state.i):\n        pass\n    return c[i]",
    "c = [1.0, 2.0]\n    s = 0.0\n    for i in range(state.i):\n        s += c[i]\n    return s",
    "c = [1.0, 2.0]\n    s = 0.0\n    for i in range(state.i, 2):\n        s += c[i]\n    return s",
    "c = [1.0, 2.0]\n    s = 0.0\n    for i in range(1, state.i, -1):\n        s += c[i]\n    return s",
    "c = [1.0, 2.0]\n    return c[state.i % 2] + c[-(state.i % 2)] + c[state.i % 2 - 2]",
    "c = [1.0, 2.0]\n    return c[state.i % 3]",
    "c = [1.0, 2.0]\n    return c[min(max(state.i, 0), 1)] + c[min(max(state.i, -2), 1)]",
    "c = [1.0, 2.0]\n    return c[0 if state.i > 3 else -2] + c[1 if state.i > 2 else 2]",
    "k = 0\n    for i in range(9223372036854775805, 9223372036854775807):\n        k = i + 1\n    return state.x",
    "k = 0\n    for i in range(9223372036854775805, 9223372036854775807):\n        k = i + 2\n    return state.x",
    "k = 0\n    for i in range(9223372036854775800, 9223372036854775807, 5):\n        k += 1\n    return k",
    "k = 0\n    for i in range(-9223372036854775800, -9223372036854775808, -7):\n        k += 1\n    return k",
    "k = 9223372036854775806 + state.i % 2\n    s = 1\n    for i in range(k - 1, k):\n        s = i\n    return s % 5",
    "s = 0.0\n    for i in range(3):\n        s += i * 4503599627370496\n    return 1.0 if s > 0 else 2.0",
    "s = 0.0\n    for i in range(4):\n        s += i * 4503599627370496\n    return 1.0 if s > 0 else 2.0",
    "k = 0\n    for i in range(-1, 2):\n        k = i * 9223372036854775807\n    return state.x",
    "k = 0\n    for i in range(-2, 2):\n        k = -(i * 4611686018427387904)\n    return state.x",
]


@pytest.mark.parametrize("body", LOOPS)
def test_what_is_not_checked_could_not_have_trapped(body: str) -> None:
    same_as_alone(f"def act(state):\n    {body}\n")


def test_a_counter_that_stays_inside_of_an_array_is_not_checked() -> None:
    body = "    s = 0.0\n    for i in range({0}):\n        s += c[i] * (i + 1)\n    return s\n"
    text = "c = param([1.0, 2.0, 3.0], low=0, high=9)\ndef act(state):\n" + body
    safe, unsafe = (code(same_as_alone(text.format(rounds))) for rounds in (3, 4))
    assert "i64.ge_u" not in safe
    assert "i64.ge_u" in unsafe


INTS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.integers(-20, 20), st.sampled_from([2**63 - 1, -(2**63), -(2**63) + 1])
)

ONE = Space(("i",), (Integer(low=-9, high=9),))


@pytest.mark.parametrize("divisor", [1, 2, 3, 7, 8, 10, 1024, 2**62, 2**63 - 1, -1, -8])
@given(values=st.lists(INTS, min_size=1, max_size=30))
@settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
def test_a_written_divisor_divides_as_in_cpython(divisor: int, values: list[int]) -> None:
    column = np.array(values, dtype=np.int64)
    for sign, expected in (("//", [v // divisor for v in values]), ("%", [v % divisor for v in values])):
        program = check_program(f"def act(state):\n    return state.i {sign} {divisor}\n", ONE)
        answers = program.machine.run([column], len(values), FUEL)
        inside_64 = [result < 2**63 for result in expected]
        assert (answers.lines == 0).tolist() == inside_64
        assert [v for v, fits in zip(answers.results[0].tolist(), inside_64, strict=True) if fits] == [
            v for v, fits in zip(expected, inside_64, strict=True) if fits
        ]


def ints(depth: int) -> st.SearchStrategy[str]:
    leaf = st.one_of(st.just("n"), st.integers(-9, 9).map(lambda v: f"({v})"), st.just("(4611686018427387904)"))
    if not depth:
        return leaf
    inner = ints(depth - 1)
    return st.one_of(
        leaf,
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from(["//", "%"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} > 0 else {t[2]})"),
        inner.map(lambda t: f"(-{t})"),
    )


@given(expression=ints(3), start=st.integers(-5, 5), stop=st.integers(-5, 5), step=st.sampled_from([1, 2, -1, -3]))
@settings(max_examples=300, suppress_health_check=list(HealthCheck), deadline=None)
def test_an_int_is_within_the_range_that_is_known_of_it(expression: str, start: int, stop: int, step: int) -> None:
    text = f"def act(state):\n    k = 0\n    for n in range({start}, {stop}, {step}):\n        k = {expression}\n"
    _, loop, _ = check_program(text + "    return k\n").tree.functions[-1].body
    assert isinstance(loop, For)
    [assign] = loop.body
    assert isinstance(assign, Assign)
    known = {loop.slot: loop_range(loop, {})}
    least, most = exact_range(assign.value, known)
    for n in range(start, stop, step):
        assert known[loop.slot][0] <= n <= known[loop.slot][1]
        value = answer(expression, n)
        assert value is None or least <= value <= most


def answer(expression: str, n: int) -> int | None:
    """The value in CPython; None when something overflows or divides by zero on the way."""
    try:
        return int(eval(expression, {"n": Checked(n)}))  # noqa: S307 - our own text
    except (ZeroDivisionError, OverflowError):
        return None


class Checked(int):
    """An int of 64 bits; it tells when it overflows."""

    def _with(self, other: Any, name: str) -> Checked:
        result = getattr(int, name)(self, other)
        if not -(2**63) <= result < 2**63:
            raise OverflowError
        return Checked(result)

    def __add__(self, other: Any) -> Checked:
        return self._with(other, "__add__")

    def __sub__(self, other: Any) -> Checked:
        return self._with(other, "__sub__")

    def __mul__(self, other: Any) -> Checked:
        return self._with(other, "__mul__")

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Any) -> Checked:
        return Checked(other) - self


def test_functions_that_are_called_and_functions_in_place_give_the_same_bits() -> None:
    names = ("sin", "cos", "exp", "log", "tanh")
    lines = [f"s = s * 0.5 + {name}(0.1 + abs(s))" for name in names]
    lines += [f"s = s * 0.5 + {names[i % 5]}(0.1 + abs({names[i % 2]}(s + {i}.0)))" for i in range(40)]
    lines += ["s = s + atan2(atan2(s, 0.5), sin(atan2(-1.0, s)))"] * 3
    text = "def act(state):\n    s = state.x\n" + "".join(f"    {line}\n" for line in lines) + "    return s\n"
    program = check_program(text)
    x = np.random.default_rng(9).normal(0, 3, 500)
    expected = {"s": x.copy()}
    pinned = {name: getattr(functions, name) for name in (*names, "atan2")}
    for line in lines:
        exec(line.replace("-1.0", "-1.0 + 0 * s"), {**pinned, "abs": np.abs}, expected)  # noqa: S102 - our own text
    answers = program.machine.run([x], 500, FUEL)
    assert not answers.lines.any()
    assert np.array_equal(answers.results[0].view(np.int64), expected["s"].view(np.int64))
    for name in names:
        assert f"(block ${name} " in code(program), name
        assert f"call ${name}\n" in code(program), name


def test_a_function_in_place_has_variables_of_its_own() -> None:
    outer = """(func $o (param $x i64) (result i64)
        (local.set $x (call $g (local.get $x) (call $g (i64.const 1) (i64.const 2)))) (local.get $x))"""
    inner = "(func $g (param $x i64) (param $y i64) (result i64) (local $z i64) (return (local.get $y)))"
    whole = with_inner(outer, {"g": inner})
    assert "call" not in whole
    assert whole.count("(local $g2 i64)") == 1
    assert "(local.set $g1) (local.set $g0) (local.set $g2 (i64.const 0))" in whole
    assert inside(inner).instructions.startswith("(local.set $g1)\n(local.set $g0)\n(block $g ")


def test_only_functions_that_call_no_other_are_put_in_place() -> None:
    assert {"sin", "cos", "exp", "log", "tanh", "atan2", "fmod"} <= leaves()
    assert not leaves() & {"remainder", "quotient"}
    assert all("(call $" not in texts()[name] for name in leaves())
