"""What people are told about the memory of a world."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from worldtwin.learning.memory.aliasing import Alias, Aliasing, aliasing
from worldtwin.learning.memory.course import Course
from worldtwin.learning.memory.explaining import explained
from worldtwin.learning.memory.stateless import looks_stateless
from worldtwin.learning.wording import in_words, values_in
from worldtwin.simulation import MemoryReport
from worldtwin.world import Field, Spec, Transitions, decode, is_discrete

MOST_ROWS: Final = 1_000_000
MOST_ADVISED: Final = 50_000
"""How many rows a machine is learned from that nobody has asked for."""


def memory_report(spec: Spec, rows: Transitions, aside: NDArray[np.bool_]) -> MemoryReport:
    """Whether the fields of `spec` say all that `rows` depend on, or more; `aside` (n,) marks rows kept for judging.

    Looks at the first million measured rows. A world with real numbers is not tested here but by its predictability.
    """
    number = [name for name, field in _inputs(spec) if not is_discrete(field)]
    if number:
        return MemoryReport(text=f"not tested for hidden state: `{number[0]}` has no equal values to compare")
    measured = np.flatnonzero(~rows.synthetic | rows.synthetic.all())[:MOST_ROWS]
    course = Course.of(spec, rows.select(measured))
    if spec.stateless:
        return MemoryReport(text="not tested for hidden state: the world is stateless")
    if spec.hidden:
        return MemoryReport(text="not tested for hidden state: the world has hidden states")
    found = aliasing(course, beyond=spec.history)
    stateless = not found.rejected and looks_stateless(course, aside[measured])
    if not found.rejected:
        text = _STATELESS if stateless else "no past step still matters"
        return MemoryReport(tested=found.tested, stateless=stateless, text=text)
    return _told(spec, rows.select(measured), found)


_STATELESS: Final = "the action alone seems to decide what follows: `stateless: true` would learn it from fewer rows"


def _told(spec: Spec, rows: Transitions, found: Aliasing) -> MemoryReport:
    first = found.clearest[0]
    name, _ = _inputs(spec)[first.column]
    row = values_in(spec.state, rows.states[first.row]) + values_in(spec.action, rows.actions[first.row])
    older = "one step" if first.lag == 1 else f"{first.lag} steps"
    return MemoryReport(
        tested=found.tested,
        rejected=found.rejected,
        bits=first.bits,
        rows=first.count,
        field=name,
        lag=first.lag,
        text=(
            f"{spec.name} is not predictable from these fields alone: after ({', '.join(row)}) the `{name}` {older} "
            f"before still matters (e-value 2^{first.bits:.0f}, {first.count:,} rows)"
        ),
        example=_example(spec, rows, first),
        advice=_advice(spec, rows, found),
    )


def _advice(spec: Spec, rows: Transitions, found: Aliasing) -> str:
    """What to do: to accept hidden states, where a machine that has some predicts better."""
    otherwise = f"add `history: {found.lag}`, or a sensor that tells such rows apart"
    if spec.latent == "auto":
        return f"latent: auto found no hidden states that predict better: record more, {otherwise}"
    machine = None if spec.history else explained(spec, rows, most=MOST_ADVISED)
    if machine is None or not machine.better:
        more = len(rows) > MOST_ADVISED and not spec.history
        return f"{otherwise}; or try `latent: auto`, which looks at all rows" if more else otherwise
    states = len(machine.learned.machine)
    explains = f"a machine of {states:,} states that explains it ({machine.losses})"
    return f"latent: auto found {explains}; add `latent: auto` to accept"


def _example(spec: Spec, rows: Transitions, alias: Alias) -> str:
    """`({e, n}) follows in 51 of 51 rows where it was s, in 0 of 48 where it was w`."""
    _, field = _inputs(spec)[alias.column]
    result = values_in(spec.state, rows.nexts[alias.result])
    if len(spec.outputs):
        result += values_in(spec.outputs, rows.outputs[alias.result])
    one, other = (
        f"in {times:,} of {seen:,} rows where it was {in_words(decode(field, value))}"
        for times, seen, value in zip(alias.followed, alias.seen, alias.values, strict=True)
    )
    return f"({', '.join(result)}) follows {one}, {other.replace(' rows', '')}"


def _inputs(spec: Spec) -> list[tuple[str, Field]]:
    """The state and action fields by name."""
    both = (spec.state, spec.action)
    return [pair for space in both for pair in zip(space.names, space.fields, strict=True)]
