"""A rival's side of a contest in learning: it answers each question, a line of JSON, with a line of JSON."""

from __future__ import annotations

import contextlib
import json
import platform
import sys
from collections.abc import Callable
from importlib.metadata import version

from turns import say

Json = dict[str, object]


def answer_all(answer: Callable[[Json], Json], *, threads: int, packages: tuple[str, ...]) -> None:
    """Say what there is; then answer every line of the standard input. What libraries print is no answer."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    say({"variants": [], "threads": threads, "versions": versions})
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            answered = answer(json.loads(line))
        say(answered)
