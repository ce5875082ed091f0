"""A task as plain data: what is saved, sent and named by a digest. It may come from a stranger."""

from __future__ import annotations

from msgspec import Struct

from worldtwin.errors import InvalidTask
from worldtwin.script import Program, check_program
from worldtwin.tasks.programs.automaton import Automaton
from worldtwin.tasks.programs.network import Network
from worldtwin.tasks.programs.policy import TablePolicy
from worldtwin.world import Space


class Script(Struct, frozen=True, kw_only=True, tag="script"):
    """What identifies a program: its text, its function, and the values of its parameters."""

    source: str
    function: str
    first_line: int
    values: tuple[float, ...]


class Document(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, eq=False):
    """A task as plain data."""

    state: Space
    action: Space
    observes: tuple[str, ...]
    history: int
    possible: str
    program: Network | TablePolicy | Automaton | Script


def written(program: Network | TablePolicy | Automaton | Program) -> Network | TablePolicy | Automaton | Script:
    """A program as plain data."""
    if not isinstance(program, Program):
        return program
    return Script(
        source=program.source, function=program.function, first_line=program.first_line, values=program.values
    )


def program_in(document: Document) -> Network | TablePolicy | Automaton | Program:
    """The program of `document`, checked. Raises `InvalidScript`, `InvalidValue` or `InvalidTask`."""
    script = document.program
    if not isinstance(script, Script):
        return script
    checked = check_program(
        script.source, document.state, document.action, function=script.function, first_line=script.first_line
    ).with_parameters(script.values)
    if checked.observes != document.observes:
        raise InvalidTask("the fields that the script observes are not those that the task declares")
    return checked
