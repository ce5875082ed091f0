"""A maze whose cells look alike: only the open sides are shown, so that where one is must be remembered."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, final

import gymnasium
import numpy as np
from gymnasium import spaces
from measured_rows import episodes_of
from msgspec import structs

from worldtwin.world import Category, Integer, Set, Space, Spec, Start, Transitions

SIDES = ("n", "e", "s", "w")
PAID = -60.0


@final
class Maze:
    """`side` x `side` cells, numbered by rows; one way between any two cells, and some more."""

    def __init__(self, side: int, seed: int) -> None:
        self.side, self.moves = side, (-side, 1, side, -1)
        chance = np.random.default_rng(seed)
        self.ways: list[set[int]] = [set() for _ in range(side * side)]
        seen, stack = {0}, [0]
        while stack:
            cell = stack[-1]
            fresh = [way for way in range(4) if self._inside(cell, way) and cell + self.moves[way] not in seen]
            if not fresh:
                stack.pop()
                continue
            self._open(cell, int(chance.choice(fresh)))
            stack.append(next(cell + self.moves[w] for w in self.ways[cell] if cell + self.moves[w] not in seen))
            seen.add(stack[-1])
        for cell in range(side * side):
            for way in (1, 2):
                if self._inside(cell, way) and chance.random() < 0.15:
                    self._open(cell, way)

    @property
    def goal(self) -> int:
        """The last cell."""
        return self.side * self.side - 1

    def _inside(self, cell: int, way: int) -> bool:
        row, column = divmod(cell, self.side)
        return (row > 0, column < self.side - 1, row < self.side - 1, column > 0)[way]

    def _open(self, cell: int, way: int) -> None:
        self.ways[cell].add(way)
        self.ways[cell + self.moves[way]].add((way + 2) % 4)

    def look(self, cell: int) -> int:
        """The open sides of a cell, as bits."""
        return sum(1 << way for way in self.ways[cell])

    def away(self) -> list[int]:
        """How many steps each cell is away from the goal."""
        found, queue = {self.goal: 0}, deque([self.goal])
        while queue:
            cell = queue.popleft()
            for way in self.ways[cell]:
                if cell + self.moves[way] not in found:
                    found[cell + self.moves[way]] = found[cell] + 1
                    queue.append(cell + self.moves[way])
        return [found[cell] for cell in range(self.side * self.side)]

    def spec(self, start: Mapping[str, Start] | None = None) -> Spec:
        """The world as it is declared: each step costs 1 until the goal is reached."""
        return Spec(
            name="maze",
            state=Space(("exits",), (Set(SIDES),)),
            action=Space(("move",), (Category(SIDES),)),
            outputs=Space(("there",), (Integer(low=0, high=1),)),
            possible="exits",
            reward="outputs.there - 1",
            returns=(PAID, 0.0),
            ends="outputs.there > 0",
            horizon=60,
            start=start,
            latent="auto",
        )

    def wandered(self, count: int, seed: int, *, length: int | None = None) -> tuple[Transitions, np.ndarray]:
        """A random walk of `count` steps, which begins anew in cell 0 every `length`; and the cells (count, 2)."""
        chance, cell = np.random.default_rng(seed), 0
        length = length or count
        path, moves = np.empty((count, 2), dtype=np.int64), np.empty(count, dtype=np.int64)
        for t, share in enumerate(chance.random(count).tolist()):
            cell = 0 if t % length == 0 else cell
            ways = sorted(self.ways[cell])
            moves[t] = way = ways[int(share * len(ways))]
            path[t] = cell, cell + self.moves[way]
            cell += self.moves[way]
        looks = np.array([self.look(cell) for cell in range(self.side * self.side)])
        rows = episodes_of(
            looks[path[:, :1]],
            moves[:, None],
            looks[path[:, 1:]],
            (path[:, 1:] == self.goal).astype(np.int64),
            length=length,
        )
        return rows, path


@final
class MazeEnv(gymnasium.Env[Any, Any]):
    """The maze itself, for whoever wants to try a task in it. Mutable."""

    def __init__(self, maze: Maze, *, anywhere: bool = False) -> None:
        self.maze, self.anywhere, self.cell = maze, anywhere, 0
        self.observation_space = spaces.MultiBinary(4)
        self.action_space = spaces.Discrete(4)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.cell = int(self.np_random.integers(self.maze.goal)) if self.anywhere else 0
        return self._shown(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.cell += self.maze.moves[int(action)]
        there = self.cell == self.maze.goal
        return self._shown(), float(there) - 1.0, there, False, {"there": int(there)}

    def _shown(self) -> Any:
        return np.array([way in self.maze.ways[self.cell] for way in range(4)], dtype=np.int8)


def without_goal(spec: Spec) -> Spec:
    """The same world without anything to reach or to pay."""
    return structs.replace(spec, reward=None, returns=(0.0, 0.0), ends="False")
