"""What the columns of a file are called in a store, and what kind of values they hold.

A name is a raw column (`state.angle`, `next.angle`, `episode`) or a plain one: a field of the spec, or, without one, a
guess: `action...` is the action; `reward`, `terminated`, `done` are outputs; what is left is the state. `time` and
`timestamp`, where they are no fields, say when a row was: they are not stored, but where it goes back an episode ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa

from worldtwin.errors import TracesError
from worldtwin.recording.tables.limits import LONGEST_TEXT, MOST_COLUMNS
from worldtwin.traces import PARTS, sources
from worldtwin.world import Angle, Category, Set, Space, Spec, hint

ENDINGS: Final = ("terminated", "truncated", "done")
OUTPUTS: Final = frozenset({*ENDINGS, "reward", "cost"})
TIME: Final = "time"
"""The column that says when a row was. No store has it."""

_NUMBERS: Final = frozenset({"episode", "step"})
_ALSO: Final = frozenset({"synthetic", "marked"})
_TIMES: Final = ("time", "timestamp")


class Naming:
    """The raw columns in the file called `file`, as `spec` says, or, without one, as their names make one guess."""

    def __init__(self, file: str, spec: Spec | None, parts: Mapping[str, str] | None = None) -> None:
        self._file, self._spec, self._parts = file, spec, parts or {}
        self._raw: dict[str, str] = {}

    def kinds(self, places: Mapping[str, str]) -> dict[str, pa.DataType | None]:
        """The type that each column must have; None where nothing says so. `places` says where each name was found.

        Raises `TracesError` for a name that is none, for two names of one column, and for too many of them.
        """
        for name, place in places.items():
            if name not in self._raw:
                self._add(name, place)
        return {name: _kind(self._raw[name], self._spec) for name in places}

    def renamed(self, table: pa.Table) -> pa.Table:
        """`table` with its raw columns; the names of a set apart, dates as texts."""
        columns = {self._raw[name]: table.column(name) for name in table.column_names}
        return pa.table({raw: self._values(raw, column) for raw, column in columns.items()})

    def require(self) -> None:
        """Raise `TracesError` when the columns so far do not make a state and an action."""
        found = set(self._raw.values())
        for name in self._parts:
            if name not in self._raw:
                raise TracesError(f"{self._file}: no column is called `{name}`{hint(name, self._raw)}")
        for part in ("state", "action"):
            if not any(raw.startswith(f"{part}.") for raw in found):
                example = _example(part, list(self._raw), drafting=self._spec is None)
                raise TracesError(f"{self._file}: no column is the {part}: {example}")
        if self._spec is not None:
            for part, space in (("state", self._spec.state), ("action", self._spec.action)):
                bound = sources(space, part, dict.fromkeys(found, ""))
                missing = [name for name, source in bound.items() if not source.columns]
                if missing:
                    raise TracesError(f"{self._file}: no column for {part}.{missing[0]}: every field needs one")

    def _add(self, name: str, place: str) -> None:
        if len(self._raw) >= MOST_COLUMNS:
            raise TracesError(f"{self._file}: more than {MOST_COLUMNS:,} columns: leave out those that no field needs")
        if len(name) > LONGEST_TEXT:
            raise TracesError(f"{place}: the name `{name[:40]}...` is too long: shorten it")
        raw = self._named(name, place)
        same = [other for other, taken in self._raw.items() if taken == raw]
        if same:
            raise TracesError(f"{place}: `{name}` and `{same[0]}` are both {raw}: leave one of them out")
        self._raw[name] = raw

    def _named(self, name: str, place: str) -> str:
        part, dot, field = name.partition(".")
        if name in _NUMBERS | _ALSO or (dot and part in PARTS and field):
            return name
        clean = _identifier(name)
        if self._spec is None:
            part = self._parts.get(name, "")
            return TIME if name in _TIMES and not part else f"{part or _guessed_part(name)}.{clean}"
        owner = _owner(name, self._spec)
        if owner is not None:
            return f"{owner}.{name}"
        if _owner(clean, self._spec) is not None:
            return f"{_owner(clean, self._spec)}.{clean}"
        if name in _TIMES:
            return TIME
        if name in (*ENDINGS, "reward"):
            return f"outputs.{name}"
        known = (*self._spec.state.names, *self._spec.action.names, *self._spec.outputs.names, *_NUMBERS)
        raise TracesError(f"{place}: unknown field `{name}`{hint(name, known)}")

    def _values(self, raw: str, column: Any) -> Any:  # noqa: ANN401 - pyarrow's columns have no types
        if raw == TIME:
            return column
        if _kind(raw, self._spec) == pa.list_(pa.string()):
            return _split(column)
        return column.cast(pa.string()) if pa.types.is_temporal(column.type) else column


def _split(column: Any) -> Any:  # noqa: ANN401 - pyarrow's columns have no types
    """Lists of names, of texts in which `|` separates them. A missing set is the empty one."""
    if pa.types.is_list(column.type):
        return pa.array([names or [] for names in column.to_pylist()], pa.list_(pa.string()))
    names = [[name for name in re.split(r"[|;\s]+", text or "") if name] for text in column.to_pylist()]
    return pa.array(names, pa.list_(pa.string()))


def _guessed_part(name: str) -> str:
    if re.match(r"action(?![a-z])", name, re.IGNORECASE):
        return "action"
    return "outputs" if name.lower() in OUTPUTS else "state"


def _identifier(name: str) -> str:
    clean = re.sub(r"\W", "_", name).strip("_") or "column"
    return f"n{clean}" if clean[0].isdigit() else clean


def _owner(name: str, spec: Spec) -> str | None:
    spaces = {"state": spec.state, "action": spec.action, "outputs": spec.outputs}
    for part, space in spaces.items():
        if name in space.names:
            return part
    angles = [field for field, kind in zip(spec.state.names, spec.state.fields, strict=True) if isinstance(kind, Angle)]
    return "state" if any(angle in name or name in angle for angle in angles) else None


def _kind(raw: str, spec: Spec | None) -> pa.DataType | None:
    """The type that a column must have, where the spec or its name says so."""
    if raw in _NUMBERS:
        return pa.int64()
    if raw == "synthetic":
        return pa.bool_()
    part, _, name = raw.partition(".")
    space = _space(part, spec)
    if space is None or name not in space.names:
        return pa.string() if raw == "marked" else None
    match space.field(name):
        case Category():
            return pa.string()
        case Set():
            return pa.list_(pa.string())
        case _:
            return pa.float64()


def _space(part: str, spec: Spec | None) -> Space | None:
    return None if spec is None else {"action": spec.action, "outputs": spec.outputs}.get(part, spec.state)


def _example(part: str, names: list[str], *, drafting: bool) -> str:
    others = [name for name in names if name not in _NUMBERS | OUTPUTS and name not in _TIMES]
    if not others:
        return f"call one `{part}.NAME`"
    called = f"call one `{part}.NAME` (such as `{part}.{others[-1]}` instead of `{others[-1]}`)"
    return (
        f"draft it with `worldtwin new --from FILE --action {others[-1]}`, or {called}"
        if drafting and part == "action"
        else called
    )
