"""`Stage`: what a demo is given, and what it gives back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import final

from msgspec import Struct

from worldtwin.errors import InvalidTask
from worldtwin.exact import Key
from worldtwin.tasks import LocalTask, Task


class DemoResult(Struct, frozen=True, kw_only=True):
    """What a demo came to: plain figures by name, and where the report is."""

    name: str
    result: Mapping[str, object]
    report: Path


def publishable(task: Task | LocalTask) -> Task:
    """`task`, when it can be saved. Raises `InvalidTask` for one that stays on this machine."""
    if isinstance(task, LocalTask):
        raise InvalidTask("a demo saves its task: it cannot be a local one")
    return task


@final
class Stage:
    """A folder to work in, a place for the report, a key, and someone to tell. Mutable: it measures the time."""

    def __init__(self, folder: Path, report: Path, key: Key, echo: Callable[[str], object]) -> None:
        self.folder, self.report, self.key, self._echo = folder, report, key, echo
        self.seconds: dict[str, float] = {}
        self._began = self._last = time.perf_counter()

    def tell(self, step: str, words: str) -> None:
        """Say what a `step` came to, and count the time since the last one towards it."""
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._last
        taken, self._last = now - self._last, now
        head, *rest = words.split("\n")
        self._echo(f"{step:<9} {head}" + (f"  ({taken:.1f} s)" if taken >= 0.05 else ""))
        for line in rest:
            self._echo(f"{'':<9} {line}")

    @property
    def total_seconds(self) -> float:
        """How long it has taken so far."""
        return time.perf_counter() - self._began
