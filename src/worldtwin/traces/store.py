"""`Traces`: the embedded store of what was recorded."""

from __future__ import annotations

import os
import uuid
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidValue
from worldtwin.traces.binding import Binding, sources
from worldtwin.traces.columns import Columns, also, encode_batch, join_tables, kind_of, table_of
from worldtwin.traces.completing import completed, marked
from worldtwin.traces.journal import GENESIS, Batch, Journal
from worldtwin.traces.lattice_rows import pictures_in
from worldtwin.traces.reading import assembled_between, first_after, sampled_up_to, table_in, time_of
from worldtwin.world import Spec, Transitions

SUFFIX: Final = ".traces"
SYNTHETIC: Final = "synthetic/"
"""How the name of a source begins whose rows were made up."""

MOST_ROWS: Final = 65_536
MOST_BYTES: Final = 1 << 26
"""Rows of one batch, and their bytes: what a reader holds in memory at a time."""


class Recorded(Struct, frozen=True, kw_only=True, eq=False):
    """What was recorded up to `version`: the transitions, and how many rows are none, by reason."""

    transitions: Transitions
    excluded: dict[str, int]
    version: str


class Pending(Protocol):
    """A recorder that still holds rows."""

    def flush(self) -> None:
        """Store them. Raises `TracesError`."""
        ...


class Traces:
    """The store at `path`, created when missing, of `spec`'s world when there is one. Many writers may share it.

    Rows are dated by `now` (default: the machine's clock). Raises `TracesError` when the file is no trace store, or
    holds data of another world.
    """

    def __init__(
        self, path: str | os.PathLike[str], spec: Spec | None = None, *, now: Callable[[], datetime] | None = None
    ) -> None:
        self._now = now or _utc
        self.path = store_path(path)
        self.spec: Spec | None = None
        self._journal = Journal(self.path)
        self._writer = uuid.uuid4().hex[:12]
        self._pending: weakref.WeakSet[Pending] = weakref.WeakSet()
        if spec is not None:
            self.bind(spec)

    def bind(self, spec: Spec) -> None:
        """Say that the data are of `spec`'s world. Raises `TracesError` when they are of another one."""
        self.flush()
        text = self._journal.fact("binding")
        merged = Binding.read(text).merged(spec, self._journal.columns(), self.path.name)
        if merged.written() != text:
            self._journal.note("binding", merged.written())
        self.spec = spec

    def begin(self, count: int = 1) -> int:
        """The number of a new episode (the first of `count`) that no other writer has."""
        return self._journal.begin(count)

    def append(self, columns: Columns, *, source: str = "") -> str:
        """Store rows; the version after them. They are durable when this returns.

        `columns` are raw ones (see `worldtwin.traces.columns`); rows without `episode` are one new episode, without
        `step` counted on from 0. `source` names the file or the rules (`synthetic/NAME DIGEST`) that rows are from: the
        same name with another digest replaces them.
        """
        return self.append_all([columns], source=source)

    def append_all(self, tables: Iterable[Columns], *, source: str = "") -> str:
        """Store all `tables` or none; the version after them."""
        return self._appended(tables, source)

    def append_once(self, tables: Iterable[Columns], *, source: str) -> str:
        """`append_all`, unless `source` is what its name said last, in this process or another; the version after it.

        Of `tables` one is in memory at a time, and of the others what will be written.
        """
        return self._appended(tables, source, unless_said=source)

    def _appended(self, tables: Iterable[Columns], source: str, *, unless_said: str = "") -> str:
        found, batches = dict[str, str](), list[Batch]()
        for columns in tables:
            table = completed(
                table_of(columns, self.path), self.begin, synthetic=source.startswith(SYNTHETIC), where=self.path.name
            )
            _widen(found, {field.name: kind_of(field.type) for field in table.schema if "." in field.name})
            most = max(1, min(MOST_ROWS, MOST_BYTES * table.num_rows // max(1, table.nbytes)))
            slices = [table.slice(at, most) for at in range(0, table.num_rows, most)]
            batches += [self._batch(marked(rows, self.spec), source) for rows in slices]
        known = self._journal.columns()
        kinds = dict(known)
        _widen(kinds, found)
        new = {name: kind for name, kind in kinds.items() if known.get(name) != kind}
        return self._journal.append(batches, new, unless_said=unless_said) if batches else self._journal.tip()[1]

    @property
    def version(self) -> str:
        """The hash that names all rows recorded so far."""
        self.flush()
        return self._journal.tip()[1]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that were recorded, in the order of their first appearance."""
        self.flush()
        return tuple(self._journal.columns())

    @property
    def sources(self) -> dict[str, str]:
        """The digest of the content that was last added from each source, by its name."""
        named = (source.rpartition(" ") for _, source in self._journal.sources())
        return {name: content for name, _, content in named}

    @property
    def measured_rows(self) -> int:
        """The number of rows that come from no synthetic source."""
        self.flush()
        return self._journal.rows(self._journal.tip()[0], besides=SYNTHETIC)

    def __len__(self) -> int:
        """The number of rows."""
        self.flush()
        return self._journal.rows(self._journal.tip()[0])

    def __bool__(self) -> bool:
        """A store is one even when it is empty."""
        return True

    def tables(self, since: str = GENESIS, version: str | None = None) -> Iterator[pa.Table]:
        """The raw rows after version `since` up to `version` (default: now), a batch at a time, each checked."""
        self.flush()
        upto = self._journal.tip()[0] if version is None else self._journal.number_of(version)
        for batch in self._journal.read(self._journal.number_of(since), upto):
            yield table_in(self._journal, batch)

    def pictures(self, name: str, spec: Spec | None = None) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint8]]]:
        """The recorded pictures of the image called `name` in `spec` (default: the store's), some at a time.

        Their episodes (n,) and bytes (n, values); those of another size are left out. Where the next step of a batch
        begins with what this one led to, that is one picture.
        """
        state = self._fitting(spec).state
        values = {image.name: image.values for image in state.pictures}[name]
        for table in self.tables():
            known = dict.fromkeys(table.column_names, "")
            for column in (each for part in ("state", "next") for each in sources(state, part, known)[name].columns):
                if kind_of(table.schema.field(column).type) == "picture":
                    sizes = pc.binary_length(table.column(column))  # pyright: ignore[reportAttributeAccessIssue] - made at run time
                    there = table.filter(pc.equal(sizes, values))  # pyright: ignore[reportAttributeAccessIssue]
                    episodes = there.column("episode").to_numpy()
                    for rows, pictures in pictures_in(there.column(column), values):
                        yield episodes[rows], pictures

    def rows(self, version: str | None = None) -> pa.Table:
        """All raw rows of `version` (default: now), as they were recorded, in the order of their arrival."""
        found = list(self.tables(version=version))
        return join_tables(found) if found else pa.table({"episode": pa.array([], pa.int64())})

    def transitions(self, spec: Spec | None = None, *, since: str = GENESIS, version: str | None = None) -> Recorded:
        """The transitions on the lattice of `spec` (default: the store's) that `version` has and `since` did not have.

        Rows with a missing, NaN or out-of-range reading stay in the store; here they are left out and counted.
        Raises `TracesError` when the data are of another world, `InvalidSpec` while an image of it has no codec.
        """
        spec = self._seeing(spec)
        tip = self.version if version is None else version
        first, upto = self._journal.number_of(since), self._journal.number_of(tip)
        assembled = assembled_between(self._journal, spec, first, upto)
        return Recorded(transitions=assembled.transitions, excluded=assembled.excluded(), version=tip)

    def sample(self, version: str, most: int, chance: np.random.Generator, spec: Spec | None = None) -> Transitions:
        """About `most` of the transitions of `version`, in stretches of thousands of rows that `chance` draws."""
        return sampled_up_to(self._journal, self._seeing(spec), self._journal.number_of(version), most, chance)

    def rows_of(self, version: str) -> int:
        """The number of rows that `version` has. Raises `TracesError` when this store never had it."""
        return self._journal.rows(self._journal.number_of(version))

    def last_episode(self, version: str) -> int:
        """The highest episode number in `version`, -1 for none."""
        return self._journal.last_episode(self._journal.number_of(version))

    def time_of(self, episode: int, step: int) -> str:
        """When a step was written, as `2026-05-01T14:03:07+00:00`; "" for rows of files, and of older versions."""
        self.flush()
        return time_of(self._journal, episode, step)

    def first_after(self, time: datetime) -> tuple[int, int]:
        """The first episode and step after all rows that were written before `time`; it reads the older rows."""
        self.flush()
        return first_after(self._journal, time if time.tzinfo else time.replace(tzinfo=UTC))

    def verify(self) -> None:
        """Read everything and recompute its version. Raises `TracesError` naming the first batch that was changed."""
        for _ in self.tables():
            pass

    def attach(self, pending: Pending) -> None:
        """Have `pending`, as long as it lives, store what it holds before anything is read from this object."""
        self._pending.add(pending)

    def flush(self) -> None:
        """Store what attached recorders still hold."""
        for pending in list(self._pending):
            pending.flush()

    def limit_bytes(self, most: int) -> None:
        """Let this object grow the file to at most `most` bytes; what is beyond is refused as on a full disk."""
        self._journal.limit_bytes(most)

    def close(self) -> None:
        """Store what is pending, and release the file."""
        self.flush()
        self._journal.close()

    def __enter__(self) -> Self:
        """The store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _fitting(self, spec: Spec | None) -> Spec:
        wanted = spec or self.spec
        if wanted is None:
            raise InvalidValue(
                f"{self.path.name} has no spec yet: give one, or draft one from it (`worldtwin new --from`)"
            )
        if wanted is not self.spec:
            self.flush()
            Binding.read(self._journal.fact("binding")).merged(wanted, self._journal.columns(), self.path.name)
        return wanted

    def _seeing(self, spec: Spec | None) -> Spec:
        fitting = self._fitting(spec)
        for image in fitting.state.pictures:
            _ = image.known
        return fitting

    def _batch(self, table: pa.Table, source: str) -> Batch:
        episodes = table.column("episode").to_numpy()
        return Batch(
            body=encode_batch(
                table,
                source or f"{os.getpid():x}-{self._writer}",
                "" if source else self._now().isoformat(timespec="seconds"),
            ),
            rows=table.num_rows,
            first_episode=int(np.min(episodes)),
            last_episode=int(np.max(episodes)),
            source=source,
        )


def _utc() -> datetime:
    return datetime.now(UTC)


def _widen(kinds: dict[str, str], found: Mapping[str, str]) -> None:
    """Add to the `kinds` of columns those that were `found`."""
    for name, others in found.items():
        for kind in others.split("+"):
            kinds[name] = also(kinds.get(name, ""), kind)


def store_path(path: str | os.PathLike[str]) -> Path:
    """`path`, when it is a name for a trace store. Raises `InvalidValue`."""
    found = Path(path)
    if found.suffix != SUFFIX:
        raise InvalidValue(f"{path}: a trace store's name ends in {SUFFIX}: try {found.with_suffix(SUFFIX).name}")
    return found
