"""Randomness as a value: `Key`, and the words that a counter and a key give on every machine.

Threefry-2x32-20 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). There is no
generator state: the words of any step of any episode can be computed alone.
"""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidValue

STREAM_SUCCESSOR: Final = 0
STREAM_MEMBER: Final = 1
STREAM_START: Final = 2
STREAM_NOISE: Final = 1 << 24
"""The stream of a number's noise, or of a name's choice, is this and its column of [next fields | outputs]."""

_ROTATIONS: Final = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY: Final = 0x1BD11BDA
_WORD: Final = 0xFFFFFFFF

Words = NDArray[np.uint32]


def threefry(k0: Words, k1: Words, c0: Words, c1: Words) -> tuple[Words, Words]:
    """The two words of Threefry-2x32-20 for keys `(k0, k1)` and counters `(c0, c1)`; shapes broadcast, all uint32."""
    schedule = (k0, k1, k0 ^ k1 ^ np.uint32(_PARITY))
    with np.errstate(over="ignore"):
        x0, x1 = c0 + schedule[0], c1 + schedule[1]
        for block in range(5):
            for rotation in _ROTATIONS[block % 2]:
                x0 = x0 + x1
                x1 = ((x1 << np.uint32(rotation)) | (x1 >> np.uint32(32 - rotation))) ^ x0
            x0 = x0 + schedule[(block + 1) % 3]
            x1 = x1 + schedule[(block + 2) % 3] + np.uint32(block + 1)
    return x0, x1


def threefry_word(k0: int, k1: int, c0: int, c1: int) -> tuple[int, int]:
    """`threefry` of one counter in Python integers: the oracle of the arrays."""
    schedule = (k0, k1, k0 ^ k1 ^ _PARITY)
    x0, x1 = (c0 + k0) & _WORD, (c1 + k1) & _WORD
    for block in range(5):
        for rotation in _ROTATIONS[block % 2]:
            x0 = (x0 + x1) & _WORD
            x1 = (((x1 << rotation) | (x1 >> (32 - rotation))) & _WORD) ^ x0
        x0 = (x0 + schedule[(block + 1) % 3]) & _WORD
        x1 = (x1 + schedule[(block + 2) % 3] + block + 1) & _WORD
    return x0, x1


class Key(Struct, frozen=True):
    """The root of everything that happens by chance: two 32-bit words. The same key gives the same run everywhere."""

    high: int
    low: int

    def __post_init__(self) -> None:
        """Refuse what are no 32-bit words."""
        if not (0 <= self.high <= _WORD and 0 <= self.low <= _WORD):
            raise InvalidValue(f"key words {self.high} and {self.low} are not 32-bit words: use Key.of(number)")

    @staticmethod
    def of(seed: int | Key) -> Key:
        """The key of a number from 0 to 2^64 - 1; a key is itself. Raises `InvalidValue`."""
        if isinstance(seed, Key):
            return seed
        whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)  # pyright: ignore[reportUnnecessaryIsInstance] - not all callers have types
        if not whole or not 0 <= seed < 2**64:
            raise InvalidValue(f"key {seed!r} is not a whole number from 0 to 2^64 - 1")
        return Key(high=int(seed) >> 32, low=int(seed) & _WORD)

    def child(self, name: str, *indices: int) -> Key:
        """The key of the part of the work called `name` (and numbered `indices`); children never share their words."""
        words = b"".join(int(value).to_bytes(8, "little", signed=True) for value in indices)
        root = self.high.to_bytes(4, "big") + self.low.to_bytes(4, "big")
        label = name.encode()
        digest = hashlib.sha256(b"worldtwin/key/1" + root + len(label).to_bytes(4, "big") + label + words).digest()
        return Key(high=int.from_bytes(digest[:4], "big"), low=int.from_bytes(digest[4:8], "big"))

    def episodes(self, numbers: NDArray[np.int64]) -> Words:
        """The own keys of the episodes `numbers` (n,), as (n, 2) uint32."""
        low = (numbers & _WORD).astype(np.uint32)
        high = ((numbers >> 32) & _WORD).astype(np.uint32)
        first, second = threefry(
            np.uint32(self.high) + np.zeros_like(low), np.uint32(self.low) + np.zeros_like(low), low, high
        )
        return np.stack([first, second], axis=1)


def draw(keys: Words, step: int | NDArray[np.int64], stream: int) -> Words:
    """One uniform 32-bit word (n,) for each of the episode `keys` (n, 2) at `step`; one `stream` number per use."""
    counter = (np.asarray(step, dtype=np.int64) & _WORD).astype(np.uint32)
    steps = np.broadcast_to(counter, (len(keys),))
    return threefry(keys[:, 0], keys[:, 1], steps, np.full(len(keys), stream, dtype=np.uint32))[0]


def below(words: Words, bound: int | NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers in [0, bound) from uniform `words` (n,); `bound` < 2^31, the bias is below bound / 2^32."""
    return (words.astype(np.int64) * bound) >> 32
