"""The formulas of the pinned functions as WebAssembly: they are applied to symbols that write down what is done."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from worldtwin.exact import formulas


class Trace:
    """What has been done to symbols so far: one local variable and one instruction for each operation."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def let(self, operator: str, left: Symbol | float, right: Symbol | float) -> Symbol:
        """The symbol of a new variable: the result of an operation."""
        self.lines.append(f"(local.set $v{len(self.lines)} (f64.{operator} {text(left)} {text(right)}))")
        return Symbol(self, f"(local.get $v{len(self.lines) - 1})")


class Symbol:
    """A float that is not known yet."""

    def __init__(self, trace: Trace, text: str) -> None:
        self._trace, self.text = trace, text

    def __add__(self, other: Symbol | float) -> Symbol:
        return self._trace.let("add", self, other)

    def __radd__(self, other: float) -> Symbol:
        return self._trace.let("add", other, self)

    def __sub__(self, other: Symbol | float) -> Symbol:
        return self if _nothing(other) else self._trace.let("sub", self, other)

    def __rsub__(self, other: float) -> Symbol:
        return self._trace.let("sub", other, self)

    def __mul__(self, other: Symbol | float) -> Symbol:
        return self._trace.let("mul", self, other)

    def __rmul__(self, other: float) -> Symbol:
        return self._trace.let("mul", other, self)

    def __truediv__(self, other: Symbol | float) -> Symbol:
        return self._trace.let("div", self, other)

    def __rtruediv__(self, other: float) -> Symbol:
        return self._trace.let("div", other, self)


def _nothing(value: Symbol | float) -> bool:
    """Whether it is the zero that changes no float, not even -0.0, when it is subtracted."""
    return isinstance(value, float) and not value and math.copysign(1, value) > 0


def text(value: Symbol | float) -> str:
    """A symbol or a number as an instruction."""
    return value.text if isinstance(value, Symbol) else f"(f64.const {float(value).hex()})"


def traced(
    name: str, formula: Callable[..., Any], arguments: int, *, given: tuple[float, ...] = (), skip: int = 0
) -> str:
    """The WebAssembly function `name` that does what `formula` does when its last arguments are `given`.

    The first `skip` of its results are left out.
    """
    trace = Trace()
    answer = formula(*[Symbol(trace, f"(local.get $p{i})") for i in range(arguments)], *given)
    answers: list[Symbol] = [answer] if isinstance(answer, Symbol) else list(answer)[skip:]
    head = " ".join(f"(param $p{i} f64)" for i in range(arguments))
    variables = " ".join(f"(local $v{i} f64)" for i in range(len(trace.lines)))
    results = " ".join("f64" for _ in answers)
    values = "\n".join(map(text, answers))
    return "\n".join([f"(func ${name} {head} (result {results}) {variables}", *trace.lines, f"{values})"])


def formula_texts() -> dict[str, str]:
    """Every formula as a WebAssembly function, by name."""
    return {
        "reduced": traced("reduced", formulas.reduced, 2),
        "sin_near": traced("sin_near", formulas.sin_near, 2),
        "sin_small": traced("sin_small", formulas.sin_near, 1, given=(0.0,)),
        "cos_near": traced("cos_near", formulas.cos_near, 2),
        "cos_small": traced("cos_small", formulas.cos_near, 1, given=(0.0,)),
        "exp_parts": traced("exp_parts", formulas.exp_parts, 2, skip=1),
        "log_parts": traced("log_parts", formulas.log_parts, 2),
        "tanh_small": traced("tanh_small", formulas.tanh_small, 1),
        "tanh_large": traced("tanh_large", formulas.tanh_large, 3),
        "atan_near": traced("atan_near", formulas.atan_near, 5),
        "joined": traced("joined", formulas.joined, 4),
    }
