"""Script tasks in WebAssembly: a row of a batch against one call in CPython, and what compiling 100 lines takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from timing import medians, seconds, table

from worldtwin.script import Program, check_program
from worldtwin.world import Integer, Space, real

ROWS = 4096
CALLS = 10
TARGET_RATIO = 0.1
TARGET_MS = 50
STATE = Space(("x", "v", "i"), (real(-2, 2), real(-1, 1), Integer(low=-9, high=9)))
FORCE = Space(("f",), (real(-100, 100),))

SHORT = """
gain = param([0.1, 0.5, 2.0, 0.7], low=-10, high=10)


def act(state):
    s = 0.0
    for i in range(4):
        s = s + (state.x * 0.25 - state.v * 0.5) * gain[i] * (i + 1)
    if s > 1.0:
        return 1.0
    if s < -1.0:
        return -1.0
    return s
"""
SWING = """
memory = remember(sum=0.0)


def act(state, memory):
    memory.sum = 0.9 * memory.sum + state.x
    angle = atan2(state.v, state.x)
    if state.i > 3:
        return tanh(memory.sum) + sin(angle)
    n = 0
    while n < 12 and abs(angle) < 3:
        angle = angle * 1.25 + 0.01
        n += 1
    return angle if n % 2 == 0 else -angle
"""


def long_text(lines: int = 100) -> str:
    """A program of that many lines, with branches, arrays and pinned functions."""
    head = ["gain = param([0.1, 0.5, 2.0, 0.7], low=-10, high=10)", "memory = remember(sum=0.0)", ""]
    body = ["def act(state, memory):", "    k = 0", "    s = state.x"]
    for i in range((lines - len(head) - len(body) - 1) // 4):
        body += [f"    if s > {i}.5 and k < 7:", f"        s = s * gain[k % 4] - state.v * {i}.25", "        k += 1"]
        body.append(f"    s = s + {('sin', 'tanh', 'abs')[i % 3]}(s) * 0.{i + 1}")
    return "\n".join([*head, *body, *["    memory.sum += s"] * (lines - len(head) - len(body) - 1), "    return s", ""])


def plain(text: str, program: Program) -> Callable[[Any, Any], object]:
    """The same text in CPython."""
    names: dict[str, Any] = {"param": lambda values, **_: values, "remember": lambda **_: None, **vars(math)}
    exec(text, names)  # noqa: S102 - our own text
    act = names["act"]
    return act if program.memory else lambda state, _: act(state)


def states() -> np.ndarray:
    """Rows all over the state space."""
    return np.random.default_rng(0).integers(STATE.low, STATE.high + 1, (ROWS, 3))


def compare(name: str, text: str) -> tuple[str, ...]:
    """Microseconds a row: in WebAssembly from lattice to lattice, the bare call in CPython, all of it in CPython."""
    program, rows = check_program(text, STATE, FORCE), states()
    memory = np.tile(program.start_memory, (ROWS, 1))
    seen = [SimpleNamespace(**dict(STATE.decode(tuple(row)))) for row in rows.tolist()]
    act, own = plain(text, program), SimpleNamespace(sum=0.0)
    lattice = [tuple(row) for row in rows.tolist()]

    def whole() -> None:
        for row in lattice:
            FORCE.encode({"f": act(SimpleNamespace(**dict(STATE.decode(row))), own)})

    times = medians(
        {
            "batch": lambda: [program.act_rows(rows, memory) for _ in range(CALLS)],
            "plain": lambda: [act(state, own) for _ in range(CALLS) for state in seen],
            "whole": whole,
        }
    )
    batch, bare, row = (1e6 * times[key] / ROWS for key in ("batch", "plain", "whole"))
    batch, bare = batch / CALLS, bare / CALLS
    return (name, f"{batch:.3f}", f"{bare:.3f}", f"{batch / bare:.3f}", f"{row:.2f}", f"{batch / row:.3f}")


def compile_ms(text: str) -> tuple[float, float]:
    """The milliseconds of checking `text` and running it for the first time, and of only checking it."""
    rows = states()[:1]

    def first() -> None:
        program = check_program(text, STATE, FORCE)
        program.act_rows(rows, np.tile(program.start_memory, (1, 1)))

    times = medians({"both": first, "check": lambda: check_program(text, STATE, FORCE)}, rounds=15)
    return 1e3 * times["both"], 1e3 * times["check"]


def main() -> None:
    """Print the figures."""
    cold = 1e3 * seconds(lambda: check_program(SHORT, STATE, FORCE).act_rows(states(), np.zeros((ROWS, 0))))
    rows = [("program", "wasm, us", "bare call, us", "ratio", "CPython, us", "ratio")]
    rows += [compare("12 lines", SHORT), compare("loop, angles", SWING), compare("100 lines", long_text())]
    table(f"a row in a batch of {ROWS:,} / a call in CPython (target: at most {TARGET_RATIO})", rows)
    both, check = compile_ms(long_text())
    figures = [("", "ms"), ("check, compile, run once", f"{both:.1f}"), ("check alone", f"{check:.1f}")]
    figures.append(("the very first program, with importing wasmtime", f"{cold:.1f}"))
    table(f"a task of 100 lines (target: at most {TARGET_MS})", figures)


if __name__ == "__main__":
    main()
