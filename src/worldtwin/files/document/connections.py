"""What connects a world with others: needs, ports and clients, from their sections to the spec's values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from worldtwin.errors import InvalidValue
from worldtwin.files.document.sections import ClientsSection, CompatibleSection, OutletSection, PortsSection
from worldtwin.files.document.starts import physical
from worldtwin.files.reading.found import Found
from worldtwin.files.reading.quantity import seconds
from worldtwin.files.reading.versions import version_range
from worldtwin.world import Clients, Need, Port, Space, encode, hint


def needs_of(section: CompatibleSection) -> tuple[tuple[Need, ...], list[Found]]:
    """The other worlds that are needed, and what is wrong with the version ranges."""
    found: list[Found] = []
    for i, need in enumerate(section.needs):
        try:
            version_range(need.version)
        except InvalidValue as error:
            found.append(Found(("compatible", "needs", i, "version"), str(error)))
    return tuple(Need(name=need.name, version=need.version) for need in section.needs), found


def ports_of(section: PortsSection, spaces: Mapping[str, Space]) -> tuple[list[Port], list[Port], list[Found]]:
    """The inlets and outlets on known fields of `spaces` (action, output, state), and what is wrong with the others.

    Nothing is said about a space that is not there.
    """
    found: list[Found] = []
    given = {"in": [Port(name=name, kind="action", field=inlet.action) for name, inlet in section.inlets.items()]}
    given["out"] = [port for name, outlet in section.outlets.items() for port in _outlet(name, outlet, found)]
    known: dict[str, list[Port]] = {"in": [], "out": []}
    for side, ports in given.items():
        for port in ports:
            names = spaces[port.kind].names if port.kind in spaces else ()
            if port.field in names:
                known[side].append(port)
            elif port.kind in spaces:
                message = f"unknown {port.kind} field `{port.field}`{hint(port.field, names)}"
                found.append(Found(("ports", side, port.name, port.kind), message))
    return known["in"], known["out"], found


def clients_of(section: ClientsSection, action: Space, doubtful: Collection[str]) -> tuple[Clients, list[Found]]:
    """What a silent client does, and what is wrong with it; nothing is said about `doubtful` fields."""
    found: list[Found] = []
    idle: dict[str, int] = {}
    deadline: float | None = None
    for name, value in section.idle.items():
        if name in doubtful:
            continue
        if name not in action.names:
            found.append(Found(("clients", "idle", name), f"unknown action field{hint(name, action.names)}"))
            continue
        try:
            idle[name] = encode(action.field(name), physical(action.field(name), value))
        except InvalidValue as error:
            found.append(Found(("clients", "idle", name), str(error)))
    try:
        deadline = None if section.deadline is None else seconds(section.deadline)
    except InvalidValue as error:
        found.append(Found(("clients", "deadline"), str(error)))
    return Clients(idle=idle, deadline_seconds=deadline), found


def _outlet(name: str, outlet: OutletSection, found: list[Found]) -> Iterator[Port]:
    if (outlet.output is None) == (outlet.state is None):
        found.append(Found(("ports", "out", name), "name one field: `{output: NAME}` or `{state: NAME}`"))
    elif outlet.output is not None:
        yield Port(name=name, kind="output", field=outlet.output)
    elif outlet.state is not None:
        yield Port(name=name, kind="state", field=outlet.state)
