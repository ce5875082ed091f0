"""Single values as YAML that any reader takes for what they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final

from worldtwin.files.reading.scalar import plain_scalar

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./*-]*")
_OTHERS: Final = frozenset({"yes", "no", "on", "off", "y", "n"})
"""Words that older readers take for true and false."""


def scalar(text: str) -> str:
    """`text`, in quotes where it could be taken for something else."""
    if _PLAIN.fullmatch(text) and isinstance(plain_scalar(text), str) and text.lower() not in _OTHERS:
        return text
    return "".join(_escaped(character) for character in json.dumps(text, ensure_ascii=False))


def number(value: float) -> str:
    """The shortest text that is read as `value`."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def sequence(items: Iterable[str]) -> str:
    """Items that are YAML already, in one line."""
    return f"[{', '.join(items)}]"


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"
