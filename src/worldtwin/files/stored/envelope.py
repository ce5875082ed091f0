"""What is around a value in a file: `[worldtwin/KIND, format, body, digest]` in canonical CBOR.

The digest is the last 32 bytes: SHA-256 over all bytes before it. A file says what it is by its first bytes, so that
one of a later format is refused by name, and one that was cut short or changed before anything in it is read.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final, Literal, TypeAlias

import cbor2

from worldtwin.errors import InvalidFile

FORMAT: Final = 1
LARGEST: Final = 1 << 30

Kind: TypeAlias = Literal["simulator", "task"]
KINDS: Final[tuple[Kind, ...]] = ("simulator", "task")

_DIGEST_BYTES: Final = 32
_DIGEST_HEAD: Final = b"\x58\x20"
_HEAD: Final = re.compile(rb"\x84(?:[\x60-\x77]|\x78.)worldtwin/([a-z]{1,12})([\x00-\x17]|\x18.|\x19..)", re.DOTALL)
_LENGTH_BYTES: Final = {0x58: 1, 0x59: 2, 0x5A: 4, 0x5B: 8}


def sealed(kind: Kind, body: bytes) -> bytes:
    """The bytes of a file that holds `body`."""
    front = cbor2.dumps([f"worldtwin/{kind}", FORMAT, body, bytes(_DIGEST_BYTES)], canonical=True)[:-_DIGEST_BYTES]
    return front + hashlib.sha256(front).digest()


def is_sealed(raw: bytes) -> bool:
    """Whether bytes claim to be a file of ours, of any kind and format."""
    return _HEAD.match(raw) is not None


def unsealed(raw: bytes) -> tuple[Kind, bytes]:
    """The kind and the body of a file. Raises `InvalidFile`.

    1. It says that it is a file of ours.
    2. It is of a kind and a format that this version knows.
    3. Its bytes are those that were written.
    4. The body fills it.
    """
    head = _HEAD.match(raw)
    if head is None:  # 1
        raise InvalidFile("is empty" if not raw else "is no simulator and no task of Worldtwin")
    name, number = head.group(1).decode("ascii"), cbor2.loads(head.group(2))
    kind: Kind | None = next((known for known in KINDS if known == name), None)
    if kind is None:  # 2
        raise InvalidFile(f"is a `{name}`, which this version of Worldtwin does not know")
    if number != FORMAT:
        raise InvalidFile(f"is a {kind} of format {number}, this version of Worldtwin reads format {FORMAT}")
    if hashlib.sha256(memoryview(raw)[:-_DIGEST_BYTES]).digest() != raw[-_DIGEST_BYTES:]:  # 3
        raise InvalidFile("is damaged: its bytes are not those that were written (cut short or changed): get it again")
    return kind, _body(raw, head.end())


def _body(raw: bytes, start: int) -> bytes:
    first = raw[start] if start < len(raw) else 0
    size = _LENGTH_BYTES.get(first, 0)
    begin, end = start + 1 + size, len(raw) - _DIGEST_BYTES - len(_DIGEST_HEAD)
    length = int.from_bytes(raw[start + 1 : begin], "big") if size else first - 0x40
    if not (0x40 <= first <= 0x57 or size) or end - begin != length or raw[end : end + 2] != _DIGEST_HEAD:  # 4
        raise InvalidFile("is damaged: its parts do not add up")
    return raw[begin:end]
