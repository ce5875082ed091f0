"""The real robot: a program of its own that knows the walls, which the simulator must find out.

python -m worldtwin.examples.maze.robot --runs 40 --traces maze.traces     # wanders, watched
python -m worldtwin.examples.maze.robot --task best.wtt                    # drives by a task, prints the way as JSON
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import worldtwin as wt

Pose = tuple[int, int, int]
Decide = Callable[..., str]

HEADINGS = ("north", "east", "south", "west")
TURNS = {"ahead": 0, "right": 1, "back": 2, "left": 3}
MOVES = ((0, -1), (1, 0), (0, 1), (-1, 0))
BEGIN: Pose = (0, 0, 1)
EXIT = (7, 7)
PATIENCE = 400
BACK = 0.15
MAP = """
+--+--+--+--+--+--+--+--+
|  |           |        |
+  +  +--+--+  +--+--+  +
|  |           |        |
+  +--+  +  +--+  +--+  +
|  |              |     |
+  +  +--+--+--+--+  +--+
|  |           |  |  |  |
+  +  +  +--+  +  +  +  +
|           |  |  |     |
+--+  +--+--+  +  +  +  +
|           |  |        |
+  +--+  +  +  +  +  +  +
|        |     |  |     |
+--+  +--+  +  +  +--+--+
|              |        |
+--+--+--+--+--+--+--+--+
"""


def is_open(column: int, row: int, heading: int) -> bool:
    """Whether no wall is on that side of the cell."""
    lines = MAP.strip().split("\n")
    across, down = MOVES[heading]
    return lines[1 + 2 * row + down][1 + 3 * column + (2 if across > 0 else across)] == " "


def exits(pose: Pose) -> list[str]:
    """The open sides, as seen from the robot."""
    column, row, heading = pose
    return [turn for turn, quarter in TURNS.items() if is_open(column, row, (heading + quarter) % 4)]


def drive(pose: Pose, wheels: str) -> Pose:
    """Where the robot is after turning `wheels` and driving one cell. A robot that hits a wall is broken."""
    column, row, heading = pose
    if wheels not in exits(pose):
        raise RuntimeError(f"the robot hit a wall: {wheels} from {pose}")
    heading = (heading + TURNS[wheels]) % 4
    return column + MOVES[heading][0], row + MOVES[heading][1], heading


def run(decide: Decide) -> Iterator[Pose]:
    """The poses of one run from the beginning to the exit, or until patience ends."""
    pose = BEGIN
    yield pose
    for _ in range(PATIENCE):
        pose = drive(pose, decide(**seen(pose)))
        yield pose
        if pose[:2] == EXIT:
            return


def seen(pose: Pose) -> dict[str, Any]:
    """What the robot's program is told."""
    return {"column": pose[0], "row": pose[1], "heading": HEADINGS[pose[2]], "exits": exits(pose)}


def shortest() -> int:
    """The least number of steps from the beginning to the exit: what a map would tell."""
    away: dict[Pose, int] = {BEGIN: 0}
    queue = deque([BEGIN])
    while queue:
        pose = queue.popleft()
        if pose[:2] == EXIT:
            return away[pose]
        for wheels in exits(pose):
            further = drive(pose, wheels)
            if further not in away:
                away[further] = away[pose] + 1
                queue.append(further)
    raise RuntimeError("the maze has no way out")


def wander(runs: int, seed: int, traces: str) -> None:
    """Drive anywhere that is open, `runs` times, while Worldtwin watches the decisions."""
    chance = random.Random(seed)  # noqa: S311 - a robot that wanders keeps no secrets

    @wt.recorded(traces, state=["column", "row", "heading", "exits"], action="wheels")
    def decide(column: int, row: int, heading: str, exits: list[str]) -> str:  # noqa: ARG001 - it looks at the exits only
        onward = [way for way in exits if way != "back" or chance.random() < BACK]
        return chance.choice(onward or exits)

    for _ in range(runs):
        *_, last = run(decide)
        decide(**seen(last))
        decide.end()


def main() -> None:
    """Wander, or drive by a task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--traces", default="maze.traces", help="where the wandering is recorded")
    parser.add_argument("--task", help="a task to drive by")
    arguments = parser.parse_args()
    if not arguments.task:
        wander(arguments.runs, arguments.seed, arguments.traces)
        return
    task = wt.load_task(arguments.task)
    way = list(run(lambda **state: str(task.act(state)[0]["wheels"])))
    json.dump({"way": way, "steps": len(way) - 1, "out": way[-1][:2] == EXIT, "shortest": shortest()}, sys.stdout)


if __name__ == "__main__":
    main()
