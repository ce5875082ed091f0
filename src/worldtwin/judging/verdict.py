"""The answers of cases: how many episodes passed, and where the first that did not began."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from worldtwin.world import Value


class Answer(Struct, frozen=True, kw_only=True):
    """What one case came to: `satisfied` of `episodes` episodes, `needed` of them to pass.

    `counterexample` is the start of the first episode that did not satisfy the check. In `unknown` episodes the
    simulator had no answer; in `trapped` ones the check could not be computed. Both count as not satisfied.
    """

    name: str
    kind: Literal["required", "goal"]
    satisfied: int
    episodes: int
    needed: int
    counterexample: Mapping[str, Value] | None = None
    unknown: int = 0
    trapped: int = 0

    @property
    def passed(self) -> bool:
        """Whether enough episodes satisfied the check."""
        return self.satisfied >= self.needed

    @property
    def text(self) -> str:
        """One line for people."""
        parts = [f"{'passed' if self.passed else 'failed'}  {self.name} ({self.kind}): {self._count}"]
        if self.unknown:
            parts.append(f"{self.unknown} left what the simulator knows")
        if self.trapped:
            parts.append(f"in {self.trapped} the check could not be computed")
        if not self.passed and self.counterexample is not None:
            parts.append(f"first failure from {_start(self.counterexample)}")
        return " · ".join(parts)

    @property
    def _count(self) -> str:
        wanted = "" if self.needed == self.episodes else f", {self.needed} needed"
        return f"{self.satisfied} of {self.episodes} episodes{wanted}"


class Verdict(Struct, frozen=True):
    """The answers to all cases, in the file's order."""

    answers: tuple[Answer, ...]

    @property
    def passed(self) -> bool:
        """Whether every required case passed."""
        return all(answer.passed for answer in self.answers if answer.kind == "required")

    @property
    def failures(self) -> tuple[Answer, ...]:
        """The required cases that failed."""
        return tuple(answer for answer in self.answers if answer.kind == "required" and not answer.passed)

    @property
    def text(self) -> str:
        """Some lines for people, a summary first."""
        if not self.answers:
            return "no cases"
        lines = [f"{_share(self.answers, 'required')}, {_share(self.answers, 'goal')}"]
        return "\n".join([*lines, *(f"  {answer.text}" for answer in self.answers)])


def _share(answers: tuple[Answer, ...], kind: Literal["required", "goal"]) -> str:
    """`3 of 4 required passed`."""
    asked = [answer for answer in answers if answer.kind == kind]
    name = "required cases passed" if kind == "required" else "goals reached"
    return f"{sum(answer.passed for answer in asked)} of {len(asked)} {name}"


def _start(start: Mapping[str, Value]) -> str:
    """`position=2, angle=0.1`."""
    return ", ".join(f"{name}={_short(value)}" for name, value in start.items())


def _short(value: Value) -> str:
    if isinstance(value, frozenset):
        return "{" + ", ".join(sorted(value)) + "}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
