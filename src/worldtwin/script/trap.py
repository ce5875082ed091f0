"""What happens when a calculation has no answer: a trap, as a value and as an error."""

from __future__ import annotations

from msgspec import Struct

from worldtwin.errors import InvalidTask


class Trap(Struct, frozen=True):
    """Where a script stopped (the line, from 1) and why."""

    line: int
    reason: str

    def __str__(self) -> str:
        """`line 7: division by zero`."""
        return f"line {self.line}: {self.reason}"


class Trapped(InvalidTask):
    """A script that met a calculation without an answer; `trap` says where and why."""

    def __init__(self, line: int, reason: str) -> None:
        self.trap = Trap(line, reason)
        super().__init__(str(self.trap))
