"""The uniform words of one episode, one at a time."""

from __future__ import annotations

from typing import Final, final

import numpy as np

from worldtwin.exact import Words, draw

_BLOCK: Final = 64


@final
class EpisodeWords:
    """The uniform words of one episode with the own `keys` (1, 2): any step, computed 64 steps at a time. Mutable."""

    def __init__(self, keys: Words) -> None:
        self._keys = np.repeat(keys, _BLOCK, axis=0)
        self._blocks: dict[int, tuple[int, list[int]]] = {}

    def at(self, step: int, stream: int) -> int:
        """The word of `step` and `stream`."""
        number, words = self._blocks.get(stream, (-1, []))
        if number != step // _BLOCK:
            number = step // _BLOCK
            steps = np.arange(number * _BLOCK, (number + 1) * _BLOCK)
            words = draw(self._keys, steps, stream).tolist()
            self._blocks[stream] = (number, words)
        return words[step % _BLOCK]
