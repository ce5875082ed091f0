"""`save` and `load`: simulators, tasks and specs as files that are known by their content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from worldtwin.errors import InvalidFile, InvalidTask, InvalidValue, WorldtwinError
from worldtwin.files.document.document import Document
from worldtwin.files.reading.content import read_bytes
from worldtwin.files.stored.atomic import write_whole
from worldtwin.files.stored.envelope import LARGEST, Kind, sealed, unsealed
from worldtwin.files.stored.scanning import require_plain
from worldtwin.files.writing.document_text import document_text
from worldtwin.script import ends, reward
from worldtwin.simulation import Simulator
from worldtwin.tasks import LocalTask, Task, decode_task, encode_task
from worldtwin.world import Spec, canonical, decode_canonical, typed

T = TypeVar("T")


def save(value: object, path: str | Path) -> None:
    """Write a simulator, a task, or the YAML of a spec or document to `path`: the whole file, or nothing.

    Raises `TracesError` when the disk does not take it, `InvalidTask` for a task that lives on this machine only.
    """
    write_whole(_content(value), Path(path))


def load(path: str | Path) -> Simulator | Task:
    """The simulator or the task in the file at `path`. Raises `InvalidFile` unless all of it can be believed."""
    kind, body = _opened(Path(path))
    return _simulator(body, path) if kind == "simulator" else _task(body, path)


def load_simulator(path: str | Path) -> Simulator:
    """The simulator in the file at `path`. Raises `InvalidFile` unless all of it can be believed."""
    kind, body = _opened(Path(path))
    _require_kind(kind, "simulator", path)
    return _simulator(body, path)


def load_stored_task(path: str | Path) -> Task:
    """The task in the .wtt file at `path`. Raises `InvalidFile` unless all of it can be believed."""
    kind, body = _opened(Path(path))
    _require_kind(kind, "task", path)
    return _task(body, path)


def simulator_bytes(simulator: Simulator) -> bytes:
    """The bytes of a simulator's file."""
    return sealed("simulator", canonical(simulator))


def task_bytes(task: Task) -> bytes:
    """The bytes of a task's file."""
    return sealed("task", encode_task(task))


def _content(value: object) -> bytes:
    match value:
        case Simulator():
            return simulator_bytes(value)
        case Task():
            return task_bytes(value)
        case Spec():
            return document_text(value).encode()
        case Document():
            return document_text(value.spec, value.plan).encode()
        case LocalTask():
            raise InvalidTask("a LocalTask lives on this machine only: write it as a script")
        case _:
            raise InvalidValue(f"a {type(value).__name__} cannot be saved: only simulators, tasks, specs and documents")


def _opened(path: Path) -> tuple[Kind, bytes]:
    raw = read_bytes(path, LARGEST)
    return _believed(path, lambda: unsealed(raw))


def _simulator(body: bytes, path: str | Path) -> Simulator:
    return _believed(path, lambda: _checked_simulator(body))


def _checked_simulator(body: bytes) -> Simulator:
    require_plain(body)
    simulator = typed(decode_canonical(body), Simulator)
    reward(simulator.spec)
    ends(simulator.spec)
    return simulator


def _task(body: bytes, path: str | Path) -> Task:
    def checked() -> Task:
        require_plain(body)
        return decode_task(body)

    return _believed(path, checked)


def _believed(path: str | Path, make: Callable[[], T]) -> T:
    """What `make` makes; whatever it refuses is the fault of the file at `path`."""
    try:
        return make()
    except WorldtwinError as error:
        raise InvalidFile(f"{path}: {' '.join(str(error).split())}") from error


def _require_kind(kind: Kind, expected: Kind, path: str | Path) -> None:
    if kind != expected:
        raise InvalidFile(f"{path}: is a {kind}, a {expected} is expected")
