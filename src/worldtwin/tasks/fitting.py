"""Whether a program and a world go together; the first field that does not is named."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UnsetType

from worldtwin.errors import InvalidTask
from worldtwin.tasks.programs.automaton import Automaton
from worldtwin.tasks.programs.heads import Heads
from worldtwin.tasks.programs.inputs import AnyOf, Input, OneOf, Scaled, Turned, seen_columns
from worldtwin.tasks.programs.network import Network
from worldtwin.tasks.programs.policy import TablePolicy
from worldtwin.world import Angle, Category, Field, Image, Integer, Real, Set, Space, Spec, digest, hint


def require_seen(observes: Sequence[str], state: Space) -> None:
    """Refuse fields that the state does not have. Raises `InvalidTask`."""
    for name in observes:
        if name not in state.names:
            raise InvalidTask(f"the task observes `{name}`, which the state does not have{hint(name, state.names)}")


def require_same(kind: str, task: Space, world: Space) -> None:
    """Refuse a world whose fields are not the task's. Raises `InvalidTask` naming the first one that differs."""
    _require_same_sight(task, world)
    for name, field in zip(task.names, task.fields, strict=True):
        if name not in world.names:
            raise InvalidTask(f"the task's {kind} field `{name}` is not in this world{hint(name, world.names)}")
        if world.field(name) != field:
            raise InvalidTask(f"{kind} field `{name}` is {world.field(name)} in this world, {field} in the task")
    for name in world.names:
        if name not in task.names:
            raise InvalidTask(f"the {kind} field `{name}` of this world is not in the task")
    if task.names != world.names:
        raise InvalidTask(f"the {kind} fields are {', '.join(world.names)} here, {', '.join(task.names)} in the task")


def require_network(network: Network, world: Spec, observes: Sequence[str]) -> None:
    """Refuse a network that reads other columns, or gives other outputs, than the world has. Raises `InvalidTask`."""
    fields = {column.position: column.field for column in seen_columns(world, observes)}
    for each in network.inputs:
        field = fields.get(each.column)
        if field is None or not _reads(each, field):
            raise InvalidTask(f"an input of the network ({each}) does not fit column {each.column} ({field})")
    needed = Heads(world.action).size
    if network.outputs != needed:
        raise InvalidTask(f"the network gives {network.outputs} numbers, the action needs {needed}")


def require_table(table: TablePolicy | Automaton, world: Spec, observes: Sequence[str]) -> None:
    """Refuse rules that read other columns, or take other actions, than the world has. Raises `InvalidTask`."""
    if table.columns != tuple(column.position for column in seen_columns(world, observes)):
        raise InvalidTask(f"the table reads columns {list(table.columns)}, which are not those of the observed fields")
    low, high = world.action.low, world.action.high
    if table.actions.shape[1] != len(low) or not all(
        least <= value <= most for least, value, most in zip(low, table.otherwise, high, strict=True)
    ):
        raise InvalidTask(f"the table's action {list(table.otherwise)} is not possible in this world")
    if ((table.actions < low) | (table.actions > high)).any():
        raise InvalidTask("an action of the table is outside of its field's range")


def _require_same_sight(task: Space, world: Space) -> None:
    theirs = {image.name: image for image in world.pictures}
    for mine in task.pictures:
        other = theirs.get(mine.name, mine)
        if mine != other:
            raise InvalidTask(
                f"the task sees the image `{mine.name}` as {_codec(mine)}, this world as {_codec(other)}: components "
                "of one mean nothing to the other; make the task for `simulator.spec`, or fit with the task's codec"
            )


def _codec(image: Image) -> str:
    if isinstance(image.codec, UnsetType):
        return f"{image.size} with no codec yet"
    return f"{image.size} through codec {digest(image.codec)[:8]}"


def _reads(each: Input, field: Field) -> bool:
    match each, field:
        case (Scaled(), Real() | Integer()) | (Turned(), Angle()):
            return True
        case (OneOf(count=count), Category(values)) | (AnyOf(count=count), Set(values)):
            return count == len(values)
        case _:
            return False
