"""The command line: parse, call one function, print."""

from worldtwin.cli.entry import main

__all__ = ["main"]
