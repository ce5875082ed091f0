"""Checks of what is claimed, one line each; shared by the acceptance scripts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

Check = tuple[str, Callable[[], str]]
"""What is claimed, and how it is shown: with a word on what was seen; an `AssertionError` when it does not hold."""


def accept(checks: Callable[[Path], list[Check]]) -> int:
    """Run all `checks` in a temporary folder, print a line for each and how many failed; the exit code."""
    with tempfile.TemporaryDirectory(prefix="worldtwin-accept-") as name:
        failures = sum(not _passed(title, check) for title, check in checks(Path(name)))
    print(f"{failures} of the checks failed" if failures else "all checks passed")
    return int(failures > 0)


def _passed(title: str, check: Callable[[], str]) -> bool:
    try:
        print(f"ok      {title}: {check()}", flush=True)
    except AssertionError as error:
        print(f"FAILED  {title}: {error}", flush=True)
        return False
    return True
