"""What there is to learn from: the usable rows of a store, or transitions at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from worldtwin.errors import TracesError
from worldtwin.simulation import MemoryReport
from worldtwin.traces import Traces
from worldtwin.world import Spec, Transitions

Sources: TypeAlias = Literal["auto", "recorded", "synthetic"]


class Record(Struct, frozen=True, kw_only=True, eq=False):
    """Usable `rows`, how many others were left out and why, and the version of the store they are from (or "").

    `memory` is what is known already about hidden states in them.
    """

    rows: Transitions
    excluded: Mapping[str, int]
    version: str
    memory: MemoryReport | None = None


def record_of(spec: Spec, traces: Traces | Transitions, sources: Sources) -> Record:
    """The record in `traces` that `sources` asks for. Raises `TracesError` when there is none, or of another world."""
    record = _read(spec, traces)
    rows = record.rows
    _require_fit(spec, rows)
    if sources != "auto":
        rows = rows.select(rows.synthetic == (sources == "synthetic"))
    if not len(rows):
        raise TracesError(_nothing(spec, record, sources))
    return Record(rows=rows, excluded=record.excluded, version=record.version)


def _read(spec: Spec, traces: Traces | Transitions) -> Record:
    if isinstance(traces, Transitions):
        return Record(rows=traces, excluded={}, version="")
    recorded = traces.transitions(spec)
    return Record(rows=recorded.transitions, excluded=recorded.excluded, version=recorded.version)


def _require_fit(spec: Spec, rows: Transitions) -> None:
    found = rows.states.shape[1], rows.actions.shape[1], rows.nexts.shape[1], rows.outputs.shape[1]
    wanted = len(spec.state), len(spec.action), len(spec.state), len(spec.outputs)
    if found != wanted:
        raise TracesError(
            f"the transitions are of another world than `{spec.name}`: they have {found} columns of states, actions, "
            f"next states and outputs instead of {wanted}"
        )


def _nothing(spec: Spec, record: Record, sources: Sources) -> str:
    kind = "" if sources == "auto" else f"{sources} "
    marked = ", ".join(f"{count} {reason}" for reason, count in record.excluded.items() if count)
    why = f": all rows are marked ({marked})" if marked and not len(record.rows) else ""
    return f"no {kind}transitions of `{spec.name}` to learn from{why}; record some runs or add synthetic data"
