"""Tasks from wherever they are: a .wtt file, a script, one function of a Python file, or a function at hand."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from worldtwin.errors import InvalidFile, InvalidScript, InvalidTask
from worldtwin.files.reading.content import LARGEST_TEXT, read_bytes
from worldtwin.files.stored.envelope import LARGEST, is_sealed
from worldtwin.files.stored.store import load_stored_task
from worldtwin.script import Program, check_function_of, check_program
from worldtwin.tasks import Task
from worldtwin.world import Space, Spec

Function: TypeAlias = Callable[..., object]


def load_task(source: str | Path | Function, spec: Spec | None = None) -> Task:
    """The task in a .wtt file, a script `FILE.py`, one function `FILE.py:FUNCTION`, or a function; it fits `spec`.

    A file is read and never imported. Raises `InvalidFile`, `InvalidScript` with the line, or `InvalidTask`.
    """
    if callable(source):
        return Task.script(_program_of(source, spec), spec)
    path, function = _parted(source)
    raw = read_bytes(path, LARGEST)
    if not function and (is_sealed(raw) or path.suffix == ".wtt"):
        task = load_stored_task(path)
        if spec is not None:
            task.require_fit(spec)
        return task
    return Task.script(_program_in(path, _text(raw, path), function, spec), spec)


def load_program(source: str | Path) -> Program:
    """The script `FILE.py`, or one function `FILE.py:FUNCTION`, checked on its own: no world is needed.

    Raises `InvalidFile`, or `InvalidScript` with the line.
    """
    path, function = _parted(source)
    return _program_in(path, _text(read_bytes(path, LARGEST), path), function, None)


def _parted(source: str | Path) -> tuple[Path, str]:
    """The file and the function in `FILE:FUNCTION`; a file that is called so goes first."""
    head, colon, tail = str(source).rpartition(":")
    if colon and tail.isidentifier() and not Path(source).exists():
        return Path(head), tail
    return Path(source), ""


def _program_in(path: Path, text: str, function: str, spec: Spec | None) -> Program:
    try:
        if function:
            return check_function_of(text, function, *_spaces(spec))
        return check_program(text, *_spaces(spec))
    except InvalidScript as error:
        raise _placed(error, str(path)) from error


def _program_of(function: Function, spec: Spec | None) -> Program:
    original = inspect.unwrap(function)
    name = getattr(original, "__name__", "")
    if not name.isidentifier():
        raise InvalidTask(f"`{name or type(original).__name__}` has no text of its own: write it as `def NAME(...):`")
    try:
        lines, first = inspect.getsourcelines(original)
    except (OSError, TypeError) as error:
        raise InvalidTask(
            f"the text of `{name}` cannot be read: put it in a file, or use worldtwin.LocalTask"
        ) from error
    text = textwrap.dedent("".join(lines))
    try:
        return check_program(text, *_spaces(spec), function=name, first_line=first)
    except InvalidScript as error:
        raise _placed(error, inspect.getsourcefile(original) or name) from error


def _spaces(spec: Spec | None) -> tuple[Space, Space] | tuple[None, None]:
    return (None, None) if spec is None else (spec.state, spec.action)


def _text(raw: bytes, path: Path) -> str:
    try:
        if len(raw) <= LARGEST_TEXT:
            return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    raise InvalidFile(f"{path}: is neither a task of Worldtwin nor a script")


def _placed(error: InvalidScript, file: str) -> InvalidScript:
    """The error with the file in front of its line."""
    placed = InvalidScript(error.message, line=error.line, column=error.column)
    placed.args = (f"{file}:{error.line}: {error.message} (column {error.column})",)
    return placed
