"""The text of a script: made safe to parse, and able to say where in it something is."""

from __future__ import annotations

import ast
import re
import unicodedata
from typing import Final

from msgspec import Struct

from worldtwin.errors import InvalidScript

LONGEST_EXPRESSION: Final = 16 * 1024
LONGEST_SCRIPT: Final = 64 * 1024
LONGEST_FILE: Final = 1024 * 1024
MOST_PARTS: Final = 4096
"""Numbers, names, operators and calls of an expression: each is computed for every row, in each step."""
DEEPEST: Final = 90
"""Levels of nesting in brackets and in the syntax tree: far from the depth at which any machine's stack ends."""

_SMALLER: Final = "split it into smaller steps"
_PIECES: Final = re.compile(
    r'"""(?:[^\\]|\\.)*?"""|\'\'\'(?:[^\\]|\\.)*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|#[^\n]*|[()\[\]{}]',
    re.DOTALL,
)
_SIGNS: Final = re.compile(r"(?:[-+~]\s*){50}|(?:\bnot\s+){50}")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_GLUED: Final = re.compile(r"(?<![\w.])[0-9][0-9a-fA-F_.xXoObB]*?(?:and|else|for|if|in|is|or|not)\b")


class Source(Struct, frozen=True):
    """A script's text; `first_line` is the line of its file on which it begins."""

    text: str
    first_line: int = 1
    opened: int = 0
    """How many brackets were put before the text for the parser: they do not count as columns."""

    def refusal(self, node: ast.AST, message: str) -> InvalidScript:
        """The error that points at `node`; columns count characters from 1."""
        line: int = getattr(node, "lineno", 1)
        offset: int = getattr(node, "col_offset", 0) - (self.opened if line == 1 else 0)
        lines = self.text.split("\n")
        before = lines[line - 1].encode()[: max(offset, 0)].decode(errors="ignore") if line <= len(lines) else ""
        return InvalidScript(message, line=line + self.first_line - 1, column=len(before) + 1)

    def refusal_at(self, position: int, message: str) -> InvalidScript:
        """The error that points at the character number `position`."""
        before = self.text[:position]
        column = position - before.rfind("\n")
        return InvalidScript(message, line=before.count("\n") + self.first_line, column=column)

    def line_of(self, node: ast.AST) -> int:
        """The line of the file on which `node` begins."""
        return getattr(node, "lineno", 1) + self.first_line - 1


def parse_expression(text: str) -> tuple[Source, ast.expr]:
    """A text that is one expression, on one line or several, and its syntax tree. Raises `InvalidScript`."""
    source = Source(text, opened=1)
    check_text(source)
    if not text.strip():
        raise InvalidScript("an expression is expected here")
    tree = _parsed(source, f"({text}\n)", "eval")
    if not isinstance(tree, ast.Expression):
        raise InvalidScript("an expression is expected here")
    _check_depth(source, tree)
    _check_parts(source, tree.body)
    return source, tree.body


def parse_program(source: Source) -> ast.Module:
    """The syntax tree of a script. Raises `InvalidScript`."""
    check_text(source)
    tree = _parsed(source, source.text, "exec")
    if not isinstance(tree, ast.Module):
        raise InvalidScript("a script is expected")
    _check_depth(source, tree)
    return tree


def parse_file(source: Source) -> ast.Module:
    """The syntax tree of a whole Python file, of which only a function will be read. Raises `InvalidScript`."""
    _check_shape(source, LONGEST_FILE)
    tree = _parsed(source, source.text, "exec")
    if not isinstance(tree, ast.Module):
        raise InvalidScript("a Python file is expected")
    return tree


def _parsed(source: Source, text: str, mode: str) -> ast.AST:
    try:
        return ast.parse(text, mode=mode)
    except SyntaxError as error:
        if source.opened and (error.lineno or 1) > source.text.count("\n") + 1:
            raise source.refusal_at(len(source.text.rstrip()), "something is missing at the end") from error
        line, column = error.lineno or 1, (error.offset or 1) - (source.opened if error.lineno == 1 else 0)
        message = _syntax_message(error)
        raise InvalidScript(message, line=line + source.first_line - 1, column=max(column, 1)) from error
    except (RecursionError, MemoryError) as error:
        raise InvalidScript(f"too deeply nested: {_SMALLER}") from error
    except ValueError as error:
        raise InvalidScript(f"cannot be read: {error}") from error


def _syntax_message(error: SyntaxError) -> str:
    if "too many nested" in error.msg or "too many levels" in error.msg:
        return f"too deeply nested: {_SMALLER}"
    if "integer string conversion" in error.msg:
        return "this number needs more than 64 bits"
    said = error.msg[:1].lower() + error.msg[1:]
    return f"this is not Python: {said}"


def check_text(source: Source) -> None:
    """Refuse a text that is too long, too deep, or not what it looks like. Raises `InvalidScript`.

    1. Its shape is harmless to the parser.
    2. No control characters but newlines, none that change the reading direction, none without width.
    3. Letters have their one normal form (NFC, and no letter that Python would read as another).
    4. No backslash, and no number that runs into a word: Python's reading of those depends on its version.
    """
    _check_shape(source, LONGEST_EXPRESSION if source.opened else LONGEST_SCRIPT)
    if not source.text.isascii():
        _check_letters(source)
    if control := _CONTROL.search(source.text):
        message = f"control character {_code(control.group())}: use spaces and newlines only"
        raise source.refusal_at(control.start(), message)
    if "\\" in source.text:
        raise source.refusal_at(
            source.text.index("\\"), "backslash: write long lines within brackets, and names as they are"
        )
    if glued := _GLUED.search(source.text):
        raise source.refusal_at(glued.start(), f"`{glued.group()}` runs a number into a word: put a space between them")


def _check_shape(source: Source, limit: int) -> None:
    if not 1 <= source.first_line <= LONGEST_FILE:
        raise InvalidScript(f"a script cannot begin on line {source.first_line} of its file")
    size = len(source.text.encode(errors="surrogatepass"))
    if size > limit:
        what = "an expression" if source.opened else "a script"
        raise InvalidScript(f"{size:,} bytes are too many for {what}: at most {limit:,}")
    if "\x00" in source.text:
        raise source.refusal_at(source.text.index("\x00"), "control character U+0000: use spaces and newlines only")
    _check_brackets(source)
    if signs := _SIGNS.search(source.text):
        raise source.refusal_at(signs.start(), "too many signs in a row")


def _check_brackets(source: Source) -> None:
    opened: list[re.Match[str]] = []
    for piece in _PIECES.finditer(source.text):
        bracket = piece.group()
        if bracket in "([{":
            opened.append(piece)
        elif bracket in ")]}" and not opened:
            raise source.refusal_at(piece.start(), f"this `{bracket}` closes nothing")
        elif bracket in ")]}":
            opened.pop()
        if len(opened) > DEEPEST:
            raise source.refusal_at(piece.start(), f"brackets nested more than {DEEPEST} deep: {_SMALLER}")
    if opened:
        raise source.refusal_at(opened[-1].start(), f"this `{opened[-1].group()}` is never closed")


def _check_letters(source: Source) -> None:
    for position, character in enumerate(source.text):
        if character.isascii():
            continue
        category = unicodedata.category(character)
        if category in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
            raise source.refusal_at(position, f"invisible character {_code(character)}: remove it")
        reads = unicodedata.normalize("NFKC", character)
        if reads != character and f"a{character}".isidentifier():
            raise source.refusal_at(
                position, f"`{character}` ({_code(character)}) would be read as `{reads}`: write that"
            )
    if not unicodedata.is_normalized("NFC", source.text):
        raise InvalidScript("letters are not in their normal form (Unicode NFC): normalise the text")


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"


def _check_depth(source: Source, tree: ast.AST) -> None:
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST + 1):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return
    raise source.refusal(level[0], f"nested more than {DEEPEST} deep: {_SMALLER}")


def _check_parts(source: Source, tree: ast.expr) -> None:
    parts = sum(isinstance(node, ast.expr) for node in ast.walk(tree))
    if parts > MOST_PARTS:
        raise source.refusal(tree, f"an expression of {parts:,} parts is too much for one step: at most {MOST_PARTS:,}")


def shown(name: str) -> str:
    """`name` as an error message shows it: in backquotes, and cut when it is long."""
    return f"`{name}`" if len(name) <= 60 else f"`{name[:60]}...`"
