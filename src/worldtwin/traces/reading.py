"""What some of a journal's batches hold: raw rows, or the transitions that they add."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa

from worldtwin.errors import TracesError
from worldtwin.traces.assembling import Assembled, Steps, assemble, steps_of
from worldtwin.traces.columns import decode_batch, written_in
from worldtwin.traces.journal import Batch, Journal
from worldtwin.world import Spec, Transitions

STRETCH: Final = 8192


def table_in(journal: Journal, batch: Batch) -> pa.Table:
    """The raw rows of `batch`, with their writer."""
    try:
        table, writer = decode_batch(batch.body)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise TracesError(
            f"{journal.path.name}: batch {batch.number} is corrupt: restore the file from a copy"
        ) from error
    return table.append_column("writer", pa.repeat(pa.scalar(writer), table.num_rows))


def assembled_between(journal: Journal, spec: Spec, first: int, upto: int) -> Assembled:
    """The transitions that the batches after number `first` up to number `upto` add.

    Law: what was there up to `first`, and this, is what is there up to `upto`. Holds one raw batch in memory at a time.
    """
    replaced = replaced_batches(journal, upto)
    if {number for number in replaced if number <= first} - replaced_batches(journal, first):
        raise TracesError(
            f"{journal.path.name}: synthetic data that were read before were replaced since: read from the start"
        )
    fresh = [
        steps_of(spec, table_in(journal, batch)) for batch in journal.read(first, upto) if batch.number not in replaced
    ]
    if not first or not fresh:
        return assemble(spec, fresh)
    older = _older(journal, spec, np.unique(np.concatenate([steps.episodes for steps in fresh])), first)
    return assemble(spec, [*older, *fresh]).beyond(assemble(spec, older))


def sampled_up_to(journal: Journal, spec: Spec, upto: int, most: int, chance: np.random.Generator) -> Transitions:
    """At most `most` rows' transitions of the first `upto` batches, or those of one stretch of them.

    Stretches of batches that follow each other, of about 8,000 rows, are drawn by `chance`, so that runs stay whole.
    """
    numbers = np.array([number for number, _ in journal.sizes(upto)], dtype=np.int64)
    before = np.cumsum([0, *(rows for _, rows in journal.sizes(upto))])
    stretch = before[:-1] // STRETCH
    kept, rows = list[int](), 0
    for which in chance.permutation(np.unique(stretch)).tolist():
        inside = np.flatnonzero(stretch == which)
        rows += int(before[inside[-1] + 1] - before[inside[0]])
        if kept and rows > most:
            break
        kept += numbers[inside].tolist()
    replaced = replaced_batches(journal, upto)
    found = [
        steps_of(spec, table_in(journal, batch))
        for number in sorted(set(kept) - replaced)
        for batch in journal.read(number - 1, number)
    ]
    return assemble(spec, found).transitions


def time_of(journal: Journal, episode: int, step: int) -> str:
    """When a row was written, "" when its batch does not say."""
    for batch in journal.touching(episode, episode, journal.tip()[0]):
        table = table_in(journal, batch)
        here = (table.column("episode").to_numpy() == episode) & (table.column("step").to_numpy() == step)
        if here.any():
            return written_in(batch.body)
    return ""


def first_after(journal: Journal, time: datetime) -> tuple[int, int]:
    """The first episode and step that come after all rows whose batches were written before `time`.

    Batches that do not say when count as older ones.
    """
    last = (-1, -1)
    for batch in journal.read(0, journal.tip()[0]):
        written = written_in(batch.body)
        if not written or datetime.fromisoformat(written) < time:
            table = table_in(journal, batch)
            episodes, steps = table.column("episode").to_numpy(), table.column("step").to_numpy()
            last = max(last, (int(episodes.max()), int(steps[episodes == episodes.max()].max())))
    return last[0], last[1] + 1


def replaced_batches(journal: Journal, upto: int) -> set[int]:
    """The batches of synthetic sources that later ones of a source with the same name, but other content, replace."""
    current: dict[str, tuple[str, list[int]]] = {}
    replaced: set[int] = set()
    for number, source in journal.sources():
        if number > upto:
            break
        name, _, content = source.rpartition(" ")
        last, numbers = current.get(name, (content, []))
        if last != content:
            replaced.update(numbers)
            numbers = []
        current[name] = (content, [*numbers, number])
    return replaced


def _older(journal: Journal, spec: Spec, episodes: np.ndarray, first: int) -> list[Steps]:
    found: list[Steps] = []
    replaced = replaced_batches(journal, first)
    for batch in journal.touching(int(episodes[0]), int(episodes[-1]), first):
        table = table_in(journal, batch)
        touched = table.filter(pa.array(np.isin(table.column("episode").to_numpy(), episodes)))
        if touched.num_rows and batch.number not in replaced:
            found.append(steps_of(spec, touched))
    return found
