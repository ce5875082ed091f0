"""The heads of CBOR items, looked at before anything is built from them.

A decoder believes what a file says about lengths, depths and repeated values; here they are only counted.
"""

from __future__ import annotations

from typing import Final

from worldtwin.errors import InvalidFile

MAX_DEPTH: Final = 24
MAX_ITEMS: Final = 1 << 18

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _LIST, _MAP = range(6)
_SIMPLE: Final = frozenset({0xF4, 0xF5, 0xF6})
"""False, true and null."""
_BREAK: Final = 0xFF


def require_plain(body: bytes) -> None:
    """Refuse bytes that are not one item of maps, lists, texts, bytes and whole numbers. Raises `InvalidFile`.

    At most 24 deep and 2^18 items, all lengths within the bytes, no tags, no floats.
    """
    position, items = 0, 1
    waiting = [1]
    while waiting:
        if not waiting[-1]:
            waiting.pop()
            continue
        waiting[-1] -= 1
        kind, number, position = _head(body, position)
        if kind in {_BYTES, _TEXT}:
            position += number
        elif kind in {_LIST, _MAP}:
            waiting.append(number * (2 if kind == _MAP else 1))
            _require(waiting[-1] <= len(body), "holds lengths that go beyond its end")
            items += waiting[-1]
            _require(items <= MAX_ITEMS, f"holds over {MAX_ITEMS:,} items")
            _require(len(waiting) <= MAX_DEPTH, f"holds over {MAX_DEPTH} levels")
        _require(position <= len(body), "holds lengths that go beyond its end")
    _require(position == len(body), "goes on after its end")


def _require(condition: bool, message: str) -> None:  # noqa: FBT001 - what is required
    if not condition:
        raise InvalidFile(message)


def _head(body: bytes, position: int) -> tuple[int, int, int]:
    """The kind of the item at `position`, its number or length, and where its content begins."""
    first = body[position] if position < len(body) else _BREAK
    if first in _SIMPLE:
        return _UNSIGNED, 0, position + 1
    kind, short = first >> 5, first & 31
    if kind > _MAP or short > 27:
        raise InvalidFile("holds something that is not plain data, or ends too soon")
    end = position + 1 + (1 << (short - 24) if short >= 24 else 0)
    return kind, int.from_bytes(body[position + 1 : end], "big") if short >= 24 else short, end
