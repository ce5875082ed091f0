"""`Run`: the folder of one command's run, which a viewer reads: what it was, what was recorded, what happened."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

import msgspec
import numpy as np
from msgspec import Struct

from worldtwin.errors import TracesError
from worldtwin.simulation import Episodes
from worldtwin.traces.store import Traces
from worldtwin.world import Point, Spec, digest, physical_column

FORMAT: Final = 1

Kind = Literal["real", "simulated", "improvement", "chain"]


class About(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `run.json` says: the format, the kind of run, and the digests of what it ran on, empty for none."""

    format: int = FORMAT
    kind: Kind = "real"
    spec: str = ""
    simulator: str = ""


class Run:
    """The folder at `path`, created when missing, else continued: `run.json`, `run.traces` and `events.jsonl`.

    Raises `TracesError` when the folder holds a run of another kind, spec or simulator.
    """

    def __init__(
        self, path: str | os.PathLike[str], spec: Spec | None = None, *, kind: Kind = "real", simulator: str = ""
    ) -> None:
        self.path = Path(path)
        self.spec = spec
        self.about = About(kind=kind, spec=digest(spec) if spec else "", simulator=simulator)
        self._lock = threading.Lock()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._claim()
            self._events = (self.path / "events.jsonl").open("ab", buffering=0)
        except OSError as error:
            raise TracesError(f"{path}: the run cannot be written: {error.strerror or error}") from error
        self._traces: Traces | None = None

    @property
    def traces(self) -> Traces:
        """The run's own trace store."""
        if self._traces is None:
            self._traces = Traces(self.path / "run.traces", self.spec)
        return self._traces

    def event(self, name: str, fields: Mapping[str, object]) -> None:
        """Add one line to the events: what happened, and its numbers. One write, so that lines never mix."""
        line = msgspec.json.encode({"event": name, **fields}, enc_hook=_plain) + b"\n"
        try:
            with self._lock:
                self._write(line)
        except OSError as error:
            raise TracesError(f"{self.path}: the event cannot be written: {error.strerror or error}") from error

    def _write(self, line: bytes) -> None:
        """Write the whole line or nothing: of a disk that fills up, the operating system takes a part first."""
        before = os.fstat(self._events.fileno()).st_size
        if (self._events.write(line) or 0) < len(line):
            self._events.truncate(before)
            raise OSError(errno.ENOSPC, "the disk is full")

    def write(self, episodes: Episodes) -> None:
        """Keep the steps of `episodes` in the run's trace store, marked as synthetic, and a line about each episode."""
        spec = episodes.spec
        parts = {
            "state": (spec.state, episodes.states),
            "action": (spec.action, episodes.actions),
            "next": (spec.state, episodes.nexts),
            "outputs": (spec.outputs, episodes.outputs),
        }
        first = self.traces.begin(len(episodes))
        columns: dict[str, Any] = {"episode": episodes.episode + first, "step": episodes.step}
        for part, (space, rows) in parts.items():
            for i, (name, field) in enumerate(zip(space.names, space.fields, strict=True)):
                columns[f"{part}.{name}"] = physical_column(field, rows[:, i])
        self.traces.append({**columns, "synthetic": np.ones(len(episodes.step), dtype=np.bool_)})
        facts = zip(episodes.returns.tolist(), episodes.steps.tolist(), episodes.ended.tolist(), strict=True)
        for number, (earned, steps, ended) in enumerate(facts, first):
            self.event("episode", {"episode": number, "return": earned, "steps": steps, "ended": ended})

    def close(self) -> None:
        """Make the events durable and release the files."""
        if not self._events.closed:
            os.fsync(self._events.fileno())
            self._events.close()
        if self._traces is not None:
            self._traces.close()

    def __enter__(self) -> Self:
        """The run itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def _claim(self) -> None:
        known = self.path / "run.json"
        if not known.exists():
            _write_at_once(known, msgspec.json.format(msgspec.json.encode(self.about), indent=2) + b"\n")
            return
        about = about_run(self.path)
        if about != self.about:
            raise TracesError(
                f"{self.path} holds another run ({about.kind}, spec {about.spec[:12] or 'none'}): use a new folder"
            )


def about_run(path: str | os.PathLike[str]) -> About:
    """What the run at `path` says about itself. Raises `TracesError` when there is none."""
    known = Path(path) / "run.json"
    try:
        about = msgspec.json.decode(known.read_bytes(), type=About)
    except (OSError, msgspec.DecodeError) as error:
        raise TracesError(f"{known} cannot be read: {error}: use a folder that a run was written to") from error
    if about.format != FORMAT:
        raise TracesError(f"{known} has format {about.format}, this version reads format {FORMAT}")
    return about


def events_of(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The events of the run at `path`, in order; one that was cut off while it was written is not there."""
    try:
        body = (Path(path) / "events.jsonl").read_bytes()
        return [msgspec.json.decode(line) for line in body[: body.rfind(b"\n") + 1].splitlines()]
    except (OSError, msgspec.DecodeError) as error:
        raise TracesError(f"{path}: the events cannot be read: {error}") from error


def _write_at_once(path: Path, body: bytes) -> None:
    fresh = path.with_name(f".{path.name}-{os.getpid()}")
    with fresh.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Point):
        return dict(value)
    return str(value)
