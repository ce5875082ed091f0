"""YAML as plain values, each with the line it came from.

The tree is built from events with a stack of our own, so that a hostile file is refused while it is read: too deep, too
many values, an alias.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

from worldtwin.errors import InvalidSpec, Problem
from worldtwin.files.reading.events import Begin, End, Event, Opening, Repeat, Unparsable, Word, events
from worldtwin.files.reading.found import Found, Steps, as_mapping, dotted, shown
from worldtwin.files.reading.scalar import Scalar, plain_scalar

MAX_DEPTH: Final = 16
MAX_VALUES: Final = 50_000
MAX_FOUND: Final = 100
LONGEST: Final = 400
MAX_WHOLE: Final = 2**63

Data: TypeAlias = dict[str, Any] | list[Any]
"""Mappings by text, lists, and scalars: what a YAML file says."""


class Tree(Struct, frozen=True, kw_only=True):
    """The values of a file, the line of each, which texts begin below their key, and what was wrong on the way."""

    file: str
    data: Data
    lines: dict[Steps, int]
    blocks: frozenset[Steps] = frozenset()
    found: tuple[Found, ...] = ()

    def line(self, steps: Steps) -> int:
        """The line of the value that `steps` lead to, or of the nearest one around it."""
        while steps and steps not in self.lines:
            steps = steps[:-1]
        return self.lines.get(steps, 1)

    def first_line_below(self, steps: Steps) -> int:
        """How far below its key a text begins: 1 when it is a block after `|`."""
        return 1 if steps in self.blocks else 0

    def problem(self, found: Found) -> Problem:
        """The problem that says where in the file `found` is."""
        message = found.message if len(found.message) <= LONGEST else found.message[: LONGEST - 3] + "..."
        line = self.line(found.steps) + found.lines_below
        return Problem(path=dotted(self._titled(found.steps)), message=message, line=line, file=self.file)

    def refusal(self, found: Sequence[Found]) -> InvalidSpec:
        """The error that lists everything found, in the order of the lines."""
        problems = dict.fromkeys(self.problem(each) for each in found)
        return InvalidSpec(sorted(problems, key=lambda problem: problem.line)[:MAX_FOUND])

    def _titled(self, steps: Steps) -> Steps:
        """`steps` with the name of the item of a list instead of its number."""
        if not (isinstance(self.data, list) and steps and isinstance(steps[0], int) and steps[0] < len(self.data)):
            return steps
        item: object = self.data[steps[0]]
        name = as_mapping(item).get("name")
        return (shown(name), *steps[1:]) if isinstance(name, str) and name else steps


def read_tree(text: str, file: str) -> Tree:
    """The values in the one YAML document `text`. Raises `InvalidSpec` where there is none to speak of."""
    builder = _Builder(file)
    try:
        for event in events(text):
            builder.take(event)
    except Unparsable as error:
        raise builder.stopped(error.message, error.line) from error
    return builder.tree()


class _Level(Struct):
    """A mapping or a list that is still open."""

    values: Data
    steps: Steps
    key: str | None = None


class _Builder:
    """The values so far; each event adds to them."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._root: list[Any] = []
        self._open: list[_Level] = [_Level(self._root, ())]
        self._lines: dict[Steps, int] = {}
        self._blocks: set[Steps] = set()
        self._found: list[Found] = []
        self._count = 0

    def take(self, event: Event) -> None:
        """Add what one event says. Raises `InvalidSpec` where nothing more can be read."""
        match event:
            case End():
                self._open.pop()
            case Opening():
                self._opening(event)
            case Begin() | Word() | Repeat():
                self._node(event)

    def stopped(self, message: str, line: int) -> InvalidSpec:
        """The error for a file that cannot be read further than `line`."""
        so_far = Tree(file=self._file, data=[], lines=self._lines)
        before = [so_far.problem(found) for found in self._found[: MAX_FOUND - 1]]
        return InvalidSpec([*before, Problem(path="", message=message, line=line, file=self._file)])

    def tree(self) -> Tree:
        """The values of the whole file. Raises `InvalidSpec` when it holds none, or only one."""
        data: object = self._root[0] if self._root else None
        if data is None:
            raise InvalidSpec([Problem(path="", message="the file is empty", file=self._file)])
        if not isinstance(data, dict | list):
            raise self.stopped(f"`{shown(data)}` is one value: a file of `key: value` lines is expected", 1)
        return Tree(
            file=self._file,
            data=self._root[0],
            lines=self._lines,
            blocks=frozenset(self._blocks),
            found=tuple(self._found),
        )

    def _opening(self, event: Opening) -> None:
        if self._root:
            raise self.stopped("a second document begins here: one file holds one", event.line)
        if event.directives:
            raise self.stopped("YAML directives are not read, except `%YAML 1.2`", event.line)

    def _node(self, event: Begin | Word | Repeat) -> None:
        self._count += 1
        if self._count > MAX_VALUES:
            raise self.stopped(f"more than {MAX_VALUES:,} values", event.line)
        level = self._open[-1]
        if isinstance(level.values, dict) and level.key is None:
            level.key = self._key(event, level)
            return
        value = _value(event)
        steps = self._place(level, value, event.line)
        self._mark(event, steps)
        self._measure(value, steps)
        if isinstance(value, dict | list):
            if len(self._open) > MAX_DEPTH:
                raise self.stopped(f"nested deeper than {MAX_DEPTH}", event.line)
            self._open.append(_Level(value, steps))

    def _key(self, event: Begin | Word | Repeat, level: _Level) -> str:
        if not isinstance(event, Word):
            raise self.stopped("a key must be a word: put what holds `[`, `{` or `*` in quotes", event.line)
        steps = (*level.steps, event.text)
        first = self._lines.setdefault(steps, event.line)
        if event.text in level.values:
            message = f"appears twice in this place: first on line {first}"
            self._found.append(Found(steps, message, lines_below=event.line - first))
        self._mark(event, steps)
        return event.text

    def _place(self, level: _Level, value: Data | Scalar, line: int) -> Steps:
        if isinstance(level.values, list):
            steps = (*level.steps, len(level.values)) if level.values is not self._root else ()
            self._lines.setdefault(steps, line)
            level.values.append(value)
            return steps
        key, level.key = level.key or "", None
        level.values.setdefault(key, value)
        return (*level.steps, key)

    def _mark(self, event: Begin | Word | Repeat, steps: Steps) -> None:
        """Note what is refused about a node whatever its value is."""
        if isinstance(event, Repeat):
            self._found.append(Found(steps, f"`*{shown(event.name)}` repeats another value: write it out"))
            return
        if event.anchor:
            self._found.append(Found(steps, f"`&{shown(event.anchor)}` marks a value to repeat it: write values out"))
        if event.tag:
            self._found.append(Found(steps, f"`{shown(event.tag)}`: YAML tags are not read: leave it out"))
        if isinstance(event, Word) and event.block:
            self._blocks.add(steps)

    def _measure(self, value: Data | Scalar, steps: Steps) -> None:
        if isinstance(value, float) and not math.isfinite(value):
            self._found.append(Found(steps, f"{value} is not a finite number"))
        elif isinstance(value, int) and abs(value) >= MAX_WHOLE:
            self._found.append(Found(steps, "the number is too large: its size must be below 2^63"))


def _value(event: Begin | Word | Repeat) -> Data | Scalar:
    match event:
        case Begin(mapping=mapping):
            return {} if mapping else []
        case Word(text=text, plain=plain):
            return plain_scalar(text) if plain else text
        case Repeat():
            return None
