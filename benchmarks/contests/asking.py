"""Rivals that are asked many questions: each is started when first asked, and again after it was stopped."""

from __future__ import annotations

import contextlib
from typing import TypeVar

from rivals.environment import NotMeasured, Rival, TooSlow, rival

Answer = TypeVar("Answer")


class Asked:
    """A rival by name. Mutable: its process is replaced after it took too long; `stack` ends the last one."""

    def __init__(self, name: str, stack: contextlib.ExitStack, *, environment: str | None = None) -> None:
        self._name, self._environment, self._stack = name, environment, stack
        self._running: Rival | None = None
        self._missing: NotMeasured | None = None

    def ask(self, question: object, kind: type[Answer], *, limit_s: float) -> Answer:
        """The answer to `question`. Raises `NotMeasured`, at once when the rival could not be started before."""
        if self._missing is not None:
            raise self._missing
        try:
            if self._running is None:
                self._running = self._started()
            return self._running.ask(question, kind, limit_s=limit_s)
        except TooSlow:
            self._running = None
            raise
        except NotMeasured as missing:
            self._missing = missing
            raise

    def _started(self) -> Rival:
        started = self._stack.enter_context(rival(self._name, environment=self._environment))
        versions = ", ".join(f"{package} {version}" for package, version in started.greeting.versions.items())
        print(f"{self._name}: {versions}")
        return started
