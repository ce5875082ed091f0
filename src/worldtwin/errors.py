"""Every error that Worldtwin raises on purpose.

::

    WorldtwinError
    ├── InvalidSpec          the YAML or the spec: lists every problem it found
    ├── InvalidScript        a script: says line and column
    ├── InvalidFile          a simulator, task or case file that cannot be believed
    ├── InvalidTask          a task that does not fit this world
    ├── InvalidValue         a state, action or argument outside of what is possible
    ├── UnknownTransition    nothing that the simulator has answers here
    ├── TracesError          recorded data: empty, of another world, or not writable
    ├── InexactBackend       a backend that computes other bits than whole numbers do
    └── MissingExtra         an optional library that is not installed
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct


class WorldtwinError(Exception):
    """What was wrong, with the offending value and what to do, in one sentence."""


class Problem(Struct, frozen=True):
    """One mistake in a file: where it is and what to do about it."""

    path: str
    message: str
    line: int = 0
    file: str = ""

    def __str__(self) -> str:
        """`FILE:LINE: path: message`, as far as they are known."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, self.message) if part)


class InvalidSpec(WorldtwinError):
    """A spec, plan or case file with one or more mistakes, all of them in `problems`."""

    def __init__(self, problems: Iterable[Problem] | str) -> None:
        self.problems: tuple[Problem, ...] = (
            (Problem(path="", message=problems),) if isinstance(problems, str) else tuple(problems)
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


class InvalidScript(WorldtwinError):
    """A script that is outside of the subset; `line` and `column` count from 1."""

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        self.message, self.line, self.column = message, line, column
        super().__init__(f"line {line}, column {column}: {message}" if line > 1 else f"{message} (column {column})")


class InvalidFile(WorldtwinError):
    """A simulator, task or case file that is broken, hostile, or of another kind."""


class InvalidTask(WorldtwinError):
    """A task that does not fit the world it was given."""


class InvalidValue(WorldtwinError):
    """A state, an action or an argument outside of what is possible."""


class UnknownTransition(WorldtwinError):
    """No source of the simulator answers for this state and action."""


class TracesError(WorldtwinError):
    """Recorded data that is missing, of another world, or cannot be written."""


class InexactBackend(WorldtwinError):
    """A backend that computes other bits than whole numbers do, on this machine; NumPy's is exact."""


class MissingExtra(WorldtwinError):
    """An optional library that is not installed; the message names the command that installs it."""
