"""`main`: run a command, and turn every error into one line and an exit code.

0 done · 1 the answer is no · 2 misuse · 3 the outside world failed
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from worldtwin.cli.application import app
from worldtwin.errors import InvalidSpec, MissingExtra, TracesError, WorldtwinError

OUTSIDE = (OSError, TracesError, MissingExtra)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line `arguments` (default: the process's own) and exit with its code."""
    logging.basicConfig(level=logging.WARNING, format="worldtwin: %(message)s", stream=sys.stderr)
    sys.exit(_code(list(arguments) if arguments is not None else sys.argv[1:]))


def _code(arguments: list[str]) -> int:
    try:
        return int(app(arguments or ["--help"], standalone_mode=False) or 0)
    except typer.Exit as ended:
        return ended.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _say("stopped", 130)
    except TyperException as error:
        return _say(error.format_message().rstrip("."), 2)
    except InvalidSpec as error:
        return _problems(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OUTSIDE as error:
        return _say(_reason(error), 3)
    except WorldtwinError as error:
        return _say(str(error), 2)


def _problems(error: InvalidSpec) -> int:
    for problem in error.problems:
        print(problem, file=sys.stderr)
    if len(error.problems) > 1:
        print(f"{len(error.problems)} problems", file=sys.stderr)
    return 2


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}" if error.filename else error.strerror.lower()
    return str(error)


def _say(message: str, code: int) -> int:
    print(f"worldtwin: {message}", file=sys.stderr)
    return code
