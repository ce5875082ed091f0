"""The application: its commands, in the order of a simulator's life."""

from __future__ import annotations

import importlib.metadata
from typing import Annotated

import typer

import worldtwin
from worldtwin.cli import better, data, define, demonstrate, simulate
from worldtwin.cli.output import emit

app = typer.Typer(
    name="worldtwin",
    help=worldtwin.__doc__.splitlines()[0] if worldtwin.__doc__ else None,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def version(
    shown: Annotated[bool, typer.Option("--version", help="print the version", is_eager=True)] = False,
) -> None:
    """Watch a program run, build a twin of its world, rehearse there until the program is better, and prove it."""
    if shown:
        emit({}, [importlib.metadata.version("worldtwin")], as_json=False)
        raise typer.Exit


for command in (
    define.new,
    define.check,
    data.record,
    simulate.fit,
    simulate.session,
    simulate.run,
    better.improve,
    better.iterate,
    better.evaluate,
    better.judge,
    demonstrate.demo,
):
    app.command()(command)

app.add_typer(data.traces, name="traces")
