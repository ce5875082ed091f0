"""Episodes that are recorded before a store has given them a number."""

from __future__ import annotations

from collections.abc import Callable, Iterable


class Episode:
    """One run; its number is known when the store is asked for one."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number: int | None = None


def number_episodes(episodes: Iterable[Episode], begin: Callable[[int], int]) -> None:
    """Give each that has no number one of those that `begin` reserves."""
    new = [episode for episode in dict.fromkeys(episodes) if episode.number is None]
    if new:
        for number, episode in enumerate(new, begin(len(new))):
            episode.number = number
