"""What commands print: lines for people, one JSON object for machines, a progress bar on a terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

JSON_FORMAT = 1
PATIENCE_SECONDS = 1.0


def emit(result: Mapping[str, object], lines: Sequence[str], *, as_json: bool) -> None:
    """Print `lines`, or `result` as one JSON object with its format number."""
    if as_json:
        print(json.dumps({"worldtwin": JSON_FORMAT, **result}, allow_nan=False, default=_plain))
    else:
        print("\n".join(lines))


def note(message: str) -> None:
    """Print one line to stderr: what a person should know, but a pipe should not read."""
    print(message, file=sys.stderr)


def _plain(value: object) -> object:
    """What JSON has no word for: a set of names is a sorted list."""
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    raise TypeError(f"{type(value).__name__} is no plain value")


class Bar:
    """A progress bar that appears when work has taken over a second, on a terminal only."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress, self._title = progress, title
        self._task = progress.add_task(title, total=None, visible=False, text="")
        self._began = time.monotonic()

    def __call__(self, done: float, text: str = "") -> None:
        """Show that the share `done` in [0, 1] of the work is behind us."""
        visible = time.monotonic() - self._began > PATIENCE_SECONDS
        self._progress.update(self._task, completed=done, total=1.0, visible=visible, text=text)

    def rows(self, count: int) -> None:
        """Show, before any share is known, that `count` rows are behind us."""
        visible = time.monotonic() - self._began > PATIENCE_SECONDS
        self._progress.update(self._task, visible=visible, text=f"{count:,} rows")


@contextmanager
def progress_bar(title: str) -> Iterator[Bar]:
    """A `Bar` on stderr for the work inside of the `with`."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Bar(progress, title)


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage; never 0 % or 100 % unless it is exactly that."""
    text = f"{100 * share:.0f} %"
    if text == "100 %" and share < 1:
        return "99.9 %" if share < 0.9995 else ">99.9 %"
    return "<1 %" if text == "0 %" and share > 0 else text
