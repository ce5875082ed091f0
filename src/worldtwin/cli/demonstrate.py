"""`demo`: the main job on real input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import worldtwin as wt
from worldtwin.cli.options import AsJson
from worldtwin.cli.output import emit, note


def demo(
    name: Annotated[str, typer.Argument(help="which one")] = "cart-pole",
    listed: Annotated[bool, typer.Option("--list", help="name the demos")] = False,
    folder: Annotated[Path | None, typer.Option(help="keep all files here (default: a temporary folder)")] = None,
    seed: Annotated[int, typer.Option("--key", help="the key of all chance")] = 1,
    as_json: AsJson = False,
) -> None:
    """Record, learn, improve in the simulator only, check in reality; write report.html.

    Examples: worldtwin demo · worldtwin demo --list · worldtwin demo maze --key 3
    """
    if listed:
        demos = wt.examples.DEMOS
        width = max(len(title) for title in demos)
        lines = [f"{title:<{width}}  {about}" for title, about in demos.items()]
        emit({"command": "demo", "demos": dict(demos)}, lines, as_json=as_json)
        return
    done = wt.examples.demo(name, folder, key=seed, echo=note if as_json else print)
    if as_json:
        emit({"command": "demo", "demo": name, **done.result}, [], as_json=True)
