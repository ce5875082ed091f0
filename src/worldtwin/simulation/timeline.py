"""What a session remembers: where it began, what was done, and snapshots to go back to quickly."""

from __future__ import annotations

from typing import Final, TypeAlias, final

Row: TypeAlias = tuple[int, ...]

SNAPSHOT_EVERY: Final = 64


@final
class Timeline:
    """The `episode`'s start, its actions in order, and a state row every 64 steps. Mutable."""

    def __init__(self, episode: int, start: Row) -> None:
        self.episode = episode
        self.start = start
        self.moves: list[Row] = []
        self._snapshots: list[Row] = [start]

    def take(self, time: int, move: Row, row: Row) -> None:
        """Note that `move` at `time` led to the state `row`; what came after `time` before is forgotten."""
        if time < len(self.moves):
            del self.moves[time:]
            del self._snapshots[time // SNAPSHOT_EVERY + 1 :]
        self.moves.append(move)
        if (time + 1) % SNAPSHOT_EVERY == 0:
            self._snapshots.append(row)

    def nearest(self, time: int) -> tuple[int, Row]:
        """The last snapshot at or before `time`: when it was, and the state row."""
        number = min(time // SNAPSHOT_EVERY, len(self._snapshots) - 1)
        return number * SNAPSHOT_EVERY, self._snapshots[number]

    def until(self, time: int) -> Timeline:
        """A copy of what happened up to `time`."""
        copy = Timeline(self.episode, self.start)
        copy.moves = self.moves[:time]
        copy._snapshots = self._snapshots[: time // SNAPSHOT_EVERY + 1]
        return copy
