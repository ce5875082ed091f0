"""Programs in WebAssembly: the bits of pinned functions, where they trap, what they cost, what they cannot reach."""

from __future__ import annotations

import json
import math
import operator
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wasmtime
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worldtwin.errors import InvalidScript, InvalidTask
from worldtwin.exact import functions
from worldtwin.script import FUEL, Program, check_program
from worldtwin.script.compiling.module import compiled
from worldtwin.world import Integer, Space, real

STATE = Space(("x", "i"), (real(-4, 4), Integer(low=-9, high=9)))
FORCE = Space(("f",), (real(-100, 100),))
RANGES = {
    "sin": (-(2.0**20), 2.0**20),
    "cos": (-(2.0**20), 2.0**20),
    "exp": (-745.0, 709.0),
    "tanh": (-23.0, 23.0),
    "log": (0.0, 1e6),
}


def bare(body: str, *, head: str = "") -> Program:
    return check_program(f"{head}def act(state):\n    {body}\n")


def run(program: Program, *columns: np.ndarray, fuel: int = FUEL) -> tuple[np.ndarray, np.ndarray]:
    """The results and the trap lines of a program with one result."""
    answers = program.machine.run(list(columns), len(columns[0]), fuel)
    return answers.results[0], answers.lines


def same_bits(name: str, found: tuple[np.ndarray, np.ndarray], expected: np.ndarray) -> None:
    values, lines = found
    finite = np.isfinite(expected)
    assert np.array_equal(lines == 0, finite), name
    assert np.array_equal(values[finite].view(np.int64), expected[finite].view(np.int64)), name


def of_any_size(chance: np.random.Generator, number: int) -> np.ndarray:
    """Floats whose bits are drawn: every exponent, subnormal ones, infinities, NaNs."""
    return chance.integers(-(2**63), 2**63, number, dtype=np.int64).view(np.float64)


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in RANGES])
def test_a_pinned_function_has_the_bits_of_numpy_over_a_million_points(name: str) -> None:
    chance = np.random.default_rng(3)
    x = np.concatenate([chance.uniform(*RANGES[name], 900_000), of_any_size(chance, 100_000), [0.0, -0.0, 1.0, -1.0]])
    same_bits(name, run(bare(f"return {name}(state.x)"), x), getattr(functions, name)(x))


@pytest.mark.parametrize("name", RANGES)
def test_a_pinned_function_has_the_bits_of_numpy(name: str) -> None:
    chance = np.random.default_rng(4)
    x = np.concatenate([chance.uniform(*RANGES[name], 5_000), of_any_size(chance, 5_000), [0.0, -0.0, 0.5, -0.625]])
    same_bits(name, run(bare(f"return {name}(state.x)"), x), getattr(functions, name)(x))


@pytest.mark.slow
def test_the_angle_of_a_point_has_the_bits_of_numpy_over_a_million_points() -> None:
    chance = np.random.default_rng(5)
    corners = np.array([0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, 5e-324, 1e308])
    y = np.concatenate([chance.normal(0, 3, 800_000), of_any_size(chance, 200_000), np.repeat(corners, 8)])
    x = np.concatenate([chance.normal(0, 3, 800_000), of_any_size(chance, 200_000), np.tile(corners, 8)])
    with np.errstate(invalid="ignore"):
        expected = functions.atan2(y + 0.0, x + 0.0)
    same_bits("atan2", run(bare("return atan2(state.y, state.x)"), y, x), expected)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
def test_quotients_and_remainders_of_floats_are_those_of_cpython(seed: int) -> None:
    chance = np.random.default_rng(seed)
    near = chance.normal(0, 100, 300)
    x = np.concatenate([near, of_any_size(chance, 300), near * 1e300, np.zeros(2)])
    y = np.concatenate([chance.normal(0, 3, 300), of_any_size(chance, 300), near, np.full(2, -3.0)])
    for sign, function in (("//", operator.floordiv), ("%", operator.mod)):
        values, lines = run(bare(f"return state.x {sign} state.y"), x, y)
        assert not lines.any()
        expected = np.array([function(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)])
        assert np.array_equal(values, expected, equal_nan=True)
        known = ~np.isnan(expected)
        assert np.array_equal(np.signbit(values[known]), np.signbit(expected[known]))


INTS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-(2**32), 2**32),
    st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63), 2**31, -(2**31), 2**62]),
)


@given(st.lists(st.tuples(INTS, INTS), min_size=1, max_size=50))
@settings(max_examples=100, suppress_health_check=list(HealthCheck), deadline=None)
def test_ints_are_those_of_cpython_or_trap(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    for sign in ("+", "-", "*", "//", "%"):
        program = check_program(f"def act(state):\n    return state.a {sign} state.b\n", INT_STATE)
        values, lines = run(program, a, b)
        for i, pair in enumerate(pairs):
            expected = answer(sign, *pair)
            assert (lines[i] == 2) == (expected is None), (sign, pair)
            assert expected is None or values[i] == expected, (sign, pair)


INT_STATE = Space(("a", "b"), (Integer(low=-9, high=9), Integer(low=-9, high=9)))


def answer(sign: str, a: int, b: int) -> int | None:
    """The result in CPython, None where the language traps."""
    calculate = {"+": operator.add, "-": operator.sub, "*": operator.mul, "//": operator.floordiv, "%": operator.mod}
    if sign in {"//", "%"} and b == 0:
        return None
    result = calculate[sign](a, b)
    return result if -(2**63) <= result < 2**63 else None


TRAPS = {
    "k = 9223372036854775807\n    return float(k + state.i)": 3,
    "k = -9223372036854775808\n    return float(k - state.i)": 3,
    "k = 4611686018427387904\n    return float(k * (state.i + 1))": 3,
    "k = -9223372036854775807\n    return float(-(k - state.i))": 3,
    "return (1.0\n        / (state.i - 1))": 2,
    "k = 0\n    k = 1 // (state.i - 1)\n    return 0.0": 3,
    "k = 0\n    k = 1 % (state.i - 1)\n    return 0.0": 3,
    "x = state.x\n    return float(int(x * 1e300))": 3,
    "return float(9007199254740993 * state.i)": 2,
    "c = [1.0, 2.0]\n    return c[state.i + 1]": 3,
    "c = [1.0, 2.0]\n    c[-2 - state.i] = 1.0\n    return c[0]": 3,
    "return sqrt(-state.i)": 2,
    "return log(state.i - 1)": 2,
    "return exp(1000 * state.i)": 2,
    "return sin(2000000 * state.i)": 2,
    "while True:\n        pass": 2,
    "for i in range(2000000):\n        pass\n    return 1.0": 2,
}


@pytest.mark.parametrize("body", TRAPS)
def test_a_trap_names_its_line_and_is_the_one_of_a_single_step(body: str) -> None:
    program = check_program(f"def act(state):\n    {body}\n", STATE, FORCE)
    steps = program.act_rows(np.array([STATE.encode({"x": 1.5, "i": 1})]), np.zeros((1, 0)))
    alone = program.step({"x": 1.5, "i": 1})
    assert alone.trap is not None
    assert steps.lines.tolist() == [alone.trap.line] == [TRAPS[body]]
    assert steps.fuel.tolist() == [alone.fuel]


def test_a_trap_in_a_function_stops_those_that_called_it() -> None:
    text = "def g(n):\n    return 1 // n\ndef h(n):\n    return g(n) + 1\n"
    text += "def act(state):\n    return 1.0 * h(state.i)\n"
    rows = np.array([[0, 0], [0, 1]])
    steps = check_program(text, STATE, FORCE).act_rows(rows, np.zeros((2, 0)))
    assert steps.lines.tolist() == [2, 0]


def test_rows_do_not_see_what_other_rows_and_calls_left() -> None:
    text = "memory = remember(kept=[0, 0], n=0)\ndef act(state, memory):\n    c = [0] * 3\n    c[state.i] = 1\n"
    text += "    memory.kept[0] += c[0] + c[1] + c[2]\n    memory.n += 1\n    return 1.0 / state.i\n"
    program = check_program(text, STATE, FORCE)
    rows = np.array([[0, 1], [0, 0], [0, 2]])
    for _ in range(2):
        steps = program.act_rows(rows, np.zeros((3, 3)))
        assert steps.lines.tolist() == [0, 7, 0]
        assert steps.memory.tolist() == [[1, 0, 1], [0, 0, 0], [1, 0, 1]]


def test_more_rows_than_one_call_has_are_several_calls() -> None:
    program = check_program(
        "g = param([1, 2], low=0, high=9)\ndef act(state):\n    return 1.0 * g[0] + state.i\n", STATE, FORCE
    )
    rows = np.stack([np.zeros(10_000, dtype=np.int64), np.arange(10_000) % 9], axis=1)
    given = np.stack([np.arange(10_000) % 50, np.zeros(10_000)], axis=1)
    unit = FORCE.encode({"f": 1.0})[0]
    assert np.array_equal(program.act_rows(rows, np.zeros((10_000, 0))).actions[:, 0], (1 + rows[:, 1]) * unit)
    each = program.act_rows(rows, np.zeros((10_000, 0)), parameters=given)
    assert np.array_equal(each.actions[:, 0], (given[:, 0] + rows[:, 1]) * unit)
    assert len(program.act_rows(rows[:0], np.zeros((0, 0))).lines) == 0


def test_a_module_imports_nothing_and_cannot_grow() -> None:
    program = bare("c = [0.0] * 4096\n    c[0] = sin(state.x)\n    return c[0] % 0.3")
    text = compiled(program.tree, program.machine._cells)
    module = wasmtime.Module(wasmtime.Engine(), text.text)
    assert not module.imports
    assert [each.name for each in module.exports] == ["memory", "run"]
    assert "memory.grow" not in text.text
    memory = module.exports[0].type
    assert isinstance(memory, wasmtime.MemoryType)
    assert memory.limits.max == text.pages
    assert text.pages < 64


def test_a_program_with_too_large_arrays_is_refused() -> None:
    lines = "".join(f"    s = f([0.0] * 4096, {i})\n" for i in range(70))
    text = f"def f(a, b):\n    return a[0] + b\ndef act(state):\n    s = 0.0\n{lines}    return s\n"
    with pytest.raises(InvalidScript, match="more than 262,144 numbers"):
        check_program(text)


def test_the_machine_has_its_own_limit_of_instructions() -> None:
    program = bare("k = 0\n    while k < 100:\n        k += 1\n    return k")
    instance = program.machine._instance()
    instance._store.set_fuel(10)
    with pytest.raises(InvalidTask, match=r"stopped inside of the machine.*fuel"):
        instance._call(1, False, FUEL)


def test_the_same_parameters_run_in_the_same_machine() -> None:
    program = check_program("g = param(1.0, low=0, high=9)\ndef act(state):\n    return g\n", STATE, FORCE)
    other = program.with_parameters([2.0])
    assert other.machine is program.machine
    unit = FORCE.encode({"f": 1.0})[0]
    both = [each.act_rows(np.zeros((1, 2), np.int64), np.zeros((1, 0))).actions[0, 0] for each in (program, other)]
    assert both == [unit, 2 * unit]


@given(rounds=st.integers(1, 40), rows=st.integers(1, 64))
@settings(max_examples=20, deadline=None)
def test_the_fuel_of_a_step_is_at_most_its_cost(rounds: int, rows: int) -> None:
    text = f"def act(state):\n    s = 0.0\n    for i in range({rounds}):\n        if state.x > i:\n"
    program = check_program(text + "            s += i\n    return s\n", STATE, FORCE)
    states = np.random.default_rng(rows).integers(STATE.low, STATE.high + 1, (rows, 2))
    steps = program.act_rows(states, np.zeros((rows, 0)))
    assert program.cost is not None
    assert steps.fuel.max() <= program.cost


WITHOUT = """
import sys
import numpy as np
from worldtwin.errors import MissingExtra
from worldtwin.script import check_program
from worldtwin.world import Integer, Space
space = Space(("i",), (Integer(low=0, high=9),))
program = check_program("def act(state):\\n    return state.i\\n", space, space)
assert program.act({"i": 3})[0] == 3
assert "wasmtime" not in sys.modules
sys.modules["wasmtime"] = None
try:
    program.act_rows(np.zeros((20, 1), dtype=np.int64), np.zeros((20, 0)))
except MissingExtra as error:
    print(error)
"""


def test_without_wasmtime_one_step_works_and_a_batch_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "script tasks in batches need wasmtime: pip install wasmtime"


OTHER_VERSION = "36.0.0"
MEASURE = """
import json, sys
import numpy as np
import importlib.metadata
from worldtwin.script import FUEL, check_program
program = check_program(sys.argv[1])
x = np.random.default_rng(8).normal(0, 3, (2, 1000))
machine = program.machine
instance = machine._instance()
answers = instance.run(list(x), slice(0, 1000), FUEL)
used = 8192 * 1001 * (FUEL + 1) - instance._store.get_fuel()
bits = answers.results[0].view(np.int64)
found = [int(answers.fuel.sum()), int(answers.lines.sum()), used, int(np.bitwise_xor.reduce(bits))]
print(json.dumps([importlib.metadata.version("wasmtime"), found]))
"""
MEASURED = """
def act(state):
    s = 0.0
    for i in range(9):
        s = s + sin(state.x * i) % 0.3 - tanh(state.y) + exp(-abs(s)) * atan2(state.y, state.x) // 0.1
        if s > 3:
            s = log(s) / (floor(state.y) % 3)
    return s
"""


def measured(path: str) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, MEASURED],
        env={"PYTHONPATH": path, "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_fuel_and_bits_are_equal_over_two_versions_of_wasmtime(tmp_path: Path) -> None:
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not here: it installs the other version")
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--target", tmp_path, f"wasmtime=={OTHER_VERSION}"]
    if subprocess.run([*command, "--python", sys.executable], capture_output=True, check=False).returncode:
        pytest.skip(f"wasmtime {OTHER_VERSION} cannot be installed here")
    (own, first), (other, second) = measured(""), measured(str(tmp_path))
    assert other == OTHER_VERSION != own
    assert first == second
