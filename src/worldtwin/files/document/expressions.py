"""The scripts of a world: rewards, endings and predicates, checked where they stand in the YAML."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from worldtwin.errors import InvalidScript
from worldtwin.files.reading.found import Found, Steps
from worldtwin.files.reading.tree import Tree

T = TypeVar("T")


def script_mistakes(tree: Tree, steps: Steps, check: Callable[[], object]) -> list[Found]:
    """What `check` finds wrong with the script at `steps`, on its line and with its column."""
    try:
        check()
    except InvalidScript as error:
        below = tree.first_line_below(steps) + error.line - 1
        return [Found(steps, f"{error.message} (column {error.column})", lines_below=below)]
    return []


def mentions(source: str, words: frozenset[str]) -> bool:
    """Whether `source` has one of `words` in it as a name."""
    return not words.isdisjoint(re.findall(r"\w+", source))
