"""The events of a YAML 1.2 text, as `ruamel.yaml` parses it, in types of our own; and its complaints in our words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from msgspec import Struct
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)


class Begin(Struct, frozen=True, kw_only=True):
    """A mapping, or else a list, begins."""

    line: int
    mapping: bool
    anchor: str = ""
    tag: str = ""


class End(Struct, frozen=True):
    """The innermost mapping or list ends."""


class Word(Struct, frozen=True, kw_only=True):
    """A key or a value: `plain` without quotes, `block` after `|`."""

    line: int
    text: str
    plain: bool = False
    block: bool = False
    anchor: str = ""
    tag: str = ""


class Repeat(Struct, frozen=True, kw_only=True):
    """An alias: `*name`."""

    line: int
    name: str


class Opening(Struct, frozen=True, kw_only=True):
    """A document begins, with or without directives other than `%YAML 1.2`."""

    line: int
    directives: bool


Event: TypeAlias = Begin | End | Word | Repeat | Opening


class Unparsable(Exception):
    """A text that is no YAML from `line` on, and why; it never leaves this package."""

    def __init__(self, message: str, line: int) -> None:
        self.message, self.line = message, line
        super().__init__(message, line)


_CONTROL: Final = "a control character: remove it"
_PLAINER: Final = {
    "mapping values are not allowed here": "a `: ` inside of a value: put the value in quotes",
    "could not find expected ':'": "a key without `: `",
    "cannot start any token": "this character cannot begin a value: put the value in quotes",
    "found unexpected end of stream": "a quote is opened and never closed",
    "did not find expected key": "this line does not line up with the ones above it",
    "expected <block end>": "this line does not line up with the ones above it",
    "expected ',' or": "a bracket is opened and never closed, or a comma is missing",
    "found unknown escape": "an unknown escape after a backslash: use single quotes",
    "special characters are not allowed": _CONTROL,
}


def events(text: str) -> Iterator[Event]:
    """The events of `text`, as they are parsed. Raises `Unparsable`."""
    parser: Any = YAML(typ="safe", pure=True)
    try:
        for each in parser.parse(text):
            ours = _event(each, each)
            if ours is not None:
                yield ours
    except MarkedYAMLError as error:
        message, line = _said(error, text)
        raise Unparsable(message, line) from error
    except (YAMLError, ValueError, IndexError) as error:
        raise Unparsable(f"cannot be read: {_CONTROL}", _line_of_control(text)) from error


def _event(each: object, raw: Any) -> Event | None:  # noqa: ANN401 - ruamel's events have no static types
    if isinstance(each, CollectionEndEvent):
        return End()
    line = int(raw.start_mark.line) + 1
    if isinstance(each, AliasEvent):
        return Repeat(line=line, name=str(raw.anchor))
    if isinstance(each, DocumentStartEvent):
        return Opening(line=line, directives=raw.version not in {None, (1, 2)} or bool(raw.tags))
    if not isinstance(each, MappingStartEvent | SequenceStartEvent | ScalarEvent):
        return None
    anchor, tag = str(raw.anchor or ""), str(raw.tag or "")
    if isinstance(each, ScalarEvent):
        plain = raw.style is None and bool(raw.implicit[0])
        return Word(line=line, text=str(raw.value), plain=plain, block=raw.style == "|", anchor=anchor, tag=tag)
    return Begin(line=line, mapping=isinstance(each, MappingStartEvent), anchor=anchor, tag=tag)


def _said(raw: Any, text: str) -> tuple[str, int]:  # noqa: ANN401 - ruamel's errors have no static types
    """What is wrong, and on which line."""
    mark = raw.problem_mark or raw.context_mark
    number = 0 if mark is None else int(mark.line)
    lines = text.splitlines()
    if number < len(lines) and "\t" in lines[number][: len(lines[number]) - len(lines[number].lstrip())]:
        return "a tab: YAML lines are indented with spaces", number + 1
    said = f"{raw.problem or ''} {raw.context or ''}"
    plainer = next((plain for theirs, plain in _PLAINER.items() if theirs in said), "from here on this is not YAML")
    return f"cannot be read: {plainer}", number + 1


def _line_of_control(text: str) -> int:
    for number, line in enumerate(text.split("\n"), start=1):
        if any(not (character.isprintable() or character in "\t\r") for character in line):
            return number
    return 1
