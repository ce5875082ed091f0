"""`demo`: the main job on a small bundled world, from recording to the check in reality."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from worldtwin.errors import InvalidValue
from worldtwin.exact import Key
from worldtwin.examples.batching import story as batching
from worldtwin.examples.cart_pole import story as cart_pole
from worldtwin.examples.lamp import story as lamp
from worldtwin.examples.maze import story as maze
from worldtwin.examples.stage import DemoResult, Stage
from worldtwin.world import hint

DEMOS: Final[Mapping[str, str]] = {
    "cart-pole": "a poor controller is watched for 3,000 steps, improved in the simulator only, then checked",
    "maze": "a robot wanders in a maze, in a process of its own; the shortest way out is found",
    "lamp": "a stateless world: a lamp's answers are learned, and it is set to a brightness that was never recorded",
    "batching": "a program of one's own writes to a real database; its batch sizes are learned and improved",
}

_STORIES: Final[Mapping[str, Callable[[Stage], Mapping[str, object]]]] = {
    "cart-pole": cart_pole.play,
    "maze": maze.play,
    "lamp": lamp.play,
    "batching": batching.play,
}


def demo(name: str, folder: str | Path | None = None, *, key: Key | int, echo: Callable[[str], object]) -> DemoResult:
    """Play the demo called `name` and write its report.html.

    Everything is kept in `folder`; without one, only the report is, in the current folder. Raises `InvalidValue` for an
    unknown name, and for a folder with traces: a demo records its own and never adds to others.
    """
    if name not in _STORIES:
        raise InvalidValue(f"there is no demo `{name}`{hint(name, DEMOS)}")
    if folder is not None:
        place = Path(folder).resolve()
        place.mkdir(parents=True, exist_ok=True)
        if found := sorted(place.glob("*.traces")):
            raise InvalidValue(f"{found[0]} is there already: give the demo an empty folder")
        return _play(name, Stage(place, place / "report.html", Key.of(key), echo))
    with tempfile.TemporaryDirectory(prefix="worldtwin-demo-") as place:
        return _play(name, Stage(Path(place), Path.cwd() / "report.html", Key.of(key), echo))


def world(name: str) -> Path:
    """The YAML of the bundled world called `name`. Raises `InvalidValue`."""
    if name not in _STORIES:
        raise InvalidValue(f"there is no bundled world `{name}`{hint(name, DEMOS)}")
    return Path(__file__).parent / name.replace("-", "_") / f"{name}.yaml"


def _play(name: str, stage: Stage) -> DemoResult:
    result = dict(_STORIES[name](stage))
    seconds = stage.total_seconds
    stage.tell("report", f"{stage.report} · {seconds:.0f} s in all")
    return DemoResult(
        name=name, result={**result, "report": str(stage.report), "seconds": round(seconds, 1)}, report=stage.report
    )
