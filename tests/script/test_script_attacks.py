"""Hostile programs in batches: each is refused or trapped by name, in bounded time and memory, or does no harm."""

# ruff: noqa: E501 - programs on one line are easier to compare

from __future__ import annotations

import resource
import time

import numpy as np
import pytest

from worldtwin.errors import InvalidScript
from worldtwin.script import Program, check_program
from worldtwin.world import Integer, Space, real

STATE = Space(("x", "i"), (real(-4, 4), Integer(low=-9, high=9)))
FORCE = Space(("f",), (real(-100, 100),))
ROWS = np.array([[0, 0], [2**19, 1], [-(2**19), -9]])
SECONDS = 6
MEGABYTES = 600


def statements(line: str, number: int) -> str:
    """A function of as many times the same line (@ is its number), after an int, a float and an array."""
    head = "    k = state.i\n    s = state.x\n    c = [0.0] * 64\n"
    lines = "".join(f"    {line.replace('@', str(i))}\n" for i in range(number))
    return f"def act(state):\n{head}{lines}    return s\n"


def nested(depth: int) -> str:
    loops = "".join("    " * (i + 1) + f"for i{i} in range(99999):\n" for i in range(depth))
    return f"def act(state):\n    k = 0\n{loops}{'    ' * (depth + 1)}k = k + 1\n    return 1.0\n"


REFUSED = {
    "20,000 locals": statements("a@ = k", 4500),
    "20,000 terms": f"def act(state):\n    return {'+'.join(['state.x'] * 7000)}\n",
    "a long text": statements("k = k + 1", 9000),
    "an index that is written out": "def act(state):\n    c = [0.0, 1.0]\n    return c[5000000]\n",
    "an index from the left": "def act(state):\n    c = [0.0, 1.0]\n    return c[-5000000]\n",
    "an array of arrays": "def act(state):\n    c = [[0.0], [1.0]]\n    return c[0][0]\n",
    "an array for the neighbours": "def act(state):\n    c = [0.0]\n    d = c\n    return d[0]\n",
    "an array that is returned": "def f():\n    return [0.0]\ndef act(state):\n    c = f()\n    return c[0]\n",
    "a long array": "def act(state):\n    c = [0.0] * 99999999\n    return c[0]\n",
    "an array as long as it likes": "def act(state):\n    c = [0.0] * state.i\n    return c[0]\n",
    "gigabytes of arrays": "def f(a):\n    return a[0]\n" + statements("s = f([0.0] * 4096)", 1500),
    "recursion over two": "def f(x):\n    return g(x)\ndef g(x):\n    return f(x)\ndef act(state):\n    return f(1.0)\n",
    "recursion of act": "def act(state):\n    return act(state)\n",
    "a deep chain of functions": "def f0(x):\n    return x\n"
    + "".join(f"def f{i}(x):\n    return f{i - 1}(x) + 1\n" for i in range(1, 300))
    + "def act(state):\n    return f299(state.x)\n",
    "parameters are written": "g = param([1.0, 2.0])\ndef act(state):\n    g[0] = 5.0\n    return g[0]\n",
    "parameters are written by a helper": "g = param([1.0, 2.0])\ndef f(a):\n    a[0] = 5.0\n    return 1.0\n"
    "def act(state):\n    return f(g)\n",
    "the state is written": "def act(state):\n    state.x = 1.0\n    return 1.0\n",
    "a new field of the memory": "memory = remember(a=1.0)\ndef act(state, memory):\n    memory.b = 1.0\n    return 1.0\n",
    "a large power": "def act(state):\n    return state.x ** 100000\n",
    "a float for a range": "def act(state):\n    for i in range(1e300):\n        pass\n    return 1.0\n",
    "a step of zero": "def act(state):\n    for i in range(0, 9, 0):\n        pass\n    return 1.0\n",
    "WebAssembly in a name": 'def act(state):\n    return "(import \\"env\\" \\"exit\\")"\n',
    "text that turns around": "def act(state):\n    return 1.0 # \u202e\n",
    "a name for the host": "def act(state):\n    return run(state.x)\n",
    "a library function": "def act(state):\n    return ldexp(state.x, 5)\n",
}
TRAPPED = {
    "a loop in a loop": nested(15),
    "an endless remainder": "def act(state):\n    s = 0.0\n    while True:\n        s = 1e308 % 5e-324\n    return s\n",
    "endless sines": "def act(state):\n    s = 0.5\n    while True:\n        s = sin(tanh(exp(sin(s))))\n    return s\n",
    "an endless count": "def act(state):\n    for i in range(-9223372036854775807, 9223372036854775807):\n        pass\n"
    "    return 1.0\n",
    "endless arrays": "def act(state):\n    while True:\n        c = [0.0] * 4096\n    return 1.0\n",
    "an index far outside": "def act(state):\n    c = [0.0] * 8\n    return c[(state.i + 10) * 4611686018427387 % 99999 + 9]\n",
    "a write far outside": "def act(state):\n    c = [0.0] * 8\n    c[9223372036854775807 - abs(state.i)] = 1.0\n"
    "    return 1.0\n",
    "an index that wraps to 32 bits": "def act(state):\n    c = [0.0] * 8\n    return c[4294967296 + abs(state.i)]\n",
    "an index from below that wraps": "def act(state):\n    c = [0.0] * 8\n    return c[-9223372036854775807 - 1 + abs(state.i)]\n",
    "the memory's end through a helper": "memory = remember(a=[0.0, 0.0])\ndef f(a, i):\n    a[i] = 1.0\n    return a[i]\n"
    "def act(state, memory):\n    return f(memory.a, 2 + abs(state.i))\n",
    "a wrapped product": "def act(state):\n    return float(3037000500 * (3037000500 + abs(state.i)))\n",
    "the least int over -1": "def act(state):\n    k = -9223372036854775807 - 1\n    return float(k // (abs(state.i) * 0 - 1))\n",
    "no number as an int": "def act(state):\n    s = 1e308 * (10.0 + state.x)\n    return float(int(s - s))\n",
    "an endless search": f"def act(state):\n    k = 0\n    while True:\n        if state.i in ({', '.join(map(str, range(20, 9000)))}):\n            k = 1\n"
    "    return 1.0\n",
    "a great angle": "def act(state):\n    return sin(1e300 + state.x)\n",
}
HARMLESS = {
    "sums to the limit of the text": statements("k = k + 0", 3500),
    "elements to the limit of the text": statements("c[k] = c[k] + c[0]", 2500).replace("state.i", "abs(state.i)"),
    "sines to the limit of the text": statements("s = sin(sin(sin(s)))", 2300),
    "many choices": statements("k = " + "k if k < 1 else " * 60 + "k", 60),
    "wide tests": statements("if " + " or ".join(["k < 1"] * 200) + ": k = 1", 30),
}


def attacked(source: str) -> tuple[Program | None, np.ndarray]:
    """The program and the lines it trapped in; the time and the memory that this took are bounded."""
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    program, lines = None, np.ones(1, dtype=np.int64)
    try:
        program = check_program(source, STATE, FORCE)
    except InvalidScript:
        pass
    else:
        memory = np.tile(program.start_memory, (len(ROWS), 1))
        lines = program.act_rows(ROWS, memory).lines
    assert time.process_time() - began < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MEGABYTES
    return program, lines


@pytest.mark.parametrize("name", REFUSED)
def test_an_attack_is_refused_when_it_is_checked(name: str) -> None:
    program, _ = attacked(REFUSED[name])
    assert program is None


@pytest.mark.parametrize("name", TRAPPED)
def test_an_attack_is_trapped_in_every_row_on_its_line(name: str) -> None:
    program, lines = attacked(TRAPPED[name])
    assert program is not None
    assert lines.all()
    alone = program.step({"x": 0.0, "i": 0}).trap
    assert alone is not None
    assert lines[0] == alone.line


@pytest.mark.slow
@pytest.mark.parametrize("name", HARMLESS)
def test_a_program_as_large_as_can_be_is_compiled_in_bounded_time(name: str) -> None:
    program, lines = attacked(HARMLESS[name])
    assert program is not None
    assert not lines.any()
