"""The application: its commands, in the order of a simulator's life."""

from __future__ import annotations

import typer

import worldtwin
from worldtwin.cli import better, data, define, demonstrate, simulate

app = typer.Typer(
    name="worldtwin",
    help=worldtwin.__doc__.splitlines()[0] if worldtwin.__doc__ else None,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

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
