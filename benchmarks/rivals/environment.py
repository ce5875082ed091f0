"""Rivals in environments of their own, `.rivals/NAME`: made once; then a process there is timed in turn with us."""

from __future__ import annotations

import contextlib
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeVar

import msgspec
from msgspec import Struct

HERE = Path(__file__).resolve().parent
ENVIRONMENTS = HERE.parents[1] / ".rivals"
TORCH = HERE / "torch.txt"
ON_TORCH = ("mbrl_rollouts", "torch_rollouts")

Answer = TypeVar("Answer")


class NotMeasured(Exception):
    """A rival cannot be installed or run here; the message says why."""


class TooSlow(NotMeasured):
    """A rival was stopped at its time limit."""


class Greeting(Struct, frozen=True):
    """What a rival says first: the variants that it can run, and with what."""

    variants: list[str]
    threads: int
    versions: dict[str, str]


class Figures(Struct, frozen=True):
    """What a rival says of one repeat."""

    name: str
    rows: int
    steps: int
    seconds_per_step: float
    rows_per_second: float
    versions: dict[str, str]


class Rival:
    """A running rival. Mutable: its process answers one line after the other."""

    def __init__(self, name: str, process: subprocess.Popen[str], complaints: Path) -> None:
        self._name, self._process, self._complaints = name, process, complaints
        self._asks, self._answers = _pipes(process)
        self.greeting = msgspec.json.decode(self._answer(), type=Greeting)

    def run(self, variant: str) -> Figures:
        """The figures of one repeat of `variant`. Raises `NotMeasured`."""
        self._say(variant)
        return msgspec.json.decode(self._answer(), type=Figures)

    def ask(self, question: object, kind: type[Answer], *, limit_s: float) -> Answer:
        """The answer to `question`. Raises `NotMeasured`; `TooSlow` after `limit_s` seconds, which end the process."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(limit_s, stop)
        timer.start()
        try:
            self._say(msgspec.json.encode(question).decode())
            return msgspec.json.decode(self._answer(), type=kind)
        except NotMeasured as stopped:
            if late.is_set():
                raise TooSlow(f"more than {limit_s:g} s") from stopped
            raise
        finally:
            timer.cancel()

    def _say(self, line: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # then there is no answer either
            self._asks.write(f"{line}\n")
            self._asks.flush()

    def _answer(self) -> str:
        line = self._answers.readline()
        if not line:
            raise NotMeasured(f"{self._name} stopped: {_reason(self._complaints.read_text())}")
        return line


@contextlib.contextmanager
def rival(name: str, *, environment: str | None = None) -> Iterator[Rival]:
    """The script `name`.py of this folder, running in its own `environment` until the end. Raises `NotMeasured`."""
    python = interpreter(environment or name)
    complaints = ENVIRONMENTS / f"{name}.log"
    with (
        complaints.open("w") as log,
        subprocess.Popen(
            [python, HERE / f"{name}.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            yield Rival(name, process, complaints)
        finally:
            process.kill()


def interpreter(name: str) -> Path:
    """The Python of the environment with `name`.txt installed; made first if they are not. Raises `NotMeasured`."""
    folder, files = ENVIRONMENTS / name, (*([TORCH] if name in ON_TORCH else []), HERE / f"{name}.txt")
    python, stamp = folder / "bin" / "python", folder / "requirements"
    wanted = "\n".join((platform.python_version(), *(file.read_text() for file in files)))
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"installing {name} in {folder}: once", file=sys.stderr)
    _do(f"cannot make {folder}", sys.executable, "-m", "venv", "--clear", folder)
    for file in files:
        _do(f"cannot install {file.name}", python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", file)
    stamp.write_text(wanted)
    return python


def _do(failure: str, *command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotMeasured(f"{failure}: {_reason(done.stderr or done.stdout)}")


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _reason(text: str) -> str:
    """The line of `text` that says what went wrong: pip's last error, else the last line."""
    lines = [line.strip() for line in reversed(text.splitlines()) if line.strip()] or ["it said nothing"]
    return next((line for line in lines if line.startswith("ERROR: ")), lines[0])
