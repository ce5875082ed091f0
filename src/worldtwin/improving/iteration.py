"""`iterate`: improve in the simulator, try in reality, record that, refit; until done or the steps are used up."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from worldtwin.environments import Reality, evaluate
from worldtwin.errors import InvalidValue
from worldtwin.exact import Key
from worldtwin.improving.climb import Stop
from worldtwin.improving.progress import Listener, Progress
from worldtwin.improving.search import Improvement, search
from worldtwin.judging import Case, readiness
from worldtwin.learning import fit
from worldtwin.simulation import Simulator
from worldtwin.tasks import LocalTask, Task
from worldtwin.traces import Traces
from worldtwin.world import Spec, shown

ROUNDS: Final = 3
NOISE: Final = 0.3
"""The share of actions drawn by chance while the first transitions are recorded."""

AS_IT_IS: Final = 0.1
"""The share of the real steps that shows how good the given task is."""

FIRST: Final = 0.5
"""The share of the real steps that is recorded before anything is learned."""

WORTH: Final = 0.01
"""By which share of the return range a real mean must be higher to be called better: a few episodes show no less."""

ALARM: Final = 0.1
"""A simulated return above the real one by more than this share of the return range: the simulator was exploited."""


class Round(Struct, frozen=True, kw_only=True):
    """One round: mean returns of its task in the simulator and in reality, and whether the search had found it.

    `found` is False when the simulator knew nothing better than the task of the round before; `alarm` is True when the
    simulator promised far more than reality gave.
    """

    found: bool
    simulated: float
    real: float
    real_steps: int
    alarm: bool = False

    @property
    def gap(self) -> float:
        """How much the simulator promised beyond what reality gave."""
        return self.simulated - self.real


class Iteration(Struct, frozen=True, kw_only=True, eq=False):
    """What came of it: `task` is the best one *in reality*, which may be the one it began with.

    `before` and `after` are mean real returns of the given task and of `task`; `real_steps` were used in all.
    """

    task: Task | LocalTask
    simulator: Simulator
    rounds: tuple[Round, ...]
    before: float
    after: float
    real_steps: int
    better: bool

    @property
    def text(self) -> str:
        """Some lines for people, the outcome last."""
        lines = [
            f"round {number}: simulated {shown(one.simulated)}, real {shown(one.real)} ({one.real_steps:,} real steps)"
            + (" · the simulator promised too much: what was recorded now corrects it" if one.alarm else "")
            for number, one in enumerate(self.rounds, start=1)
        ]
        word = "better in reality" if self.better else "not better in reality, so the given task stays"
        return "\n".join(
            [*lines, f"{word}: {shown(self.before)} → {shown(self.after)} with {self.real_steps:,} real steps"]
        )


def iterate(
    task: Task | LocalTask,
    spec: Spec,
    *,
    reality: Reality,
    real_steps: int,
    key: Key | int,
    traces: Traces | None = None,
    cases: Sequence[Case] = (),
    rounds: int = ROUNDS,
    progress: Listener | None = None,
) -> Iteration:
    """The task that is best in `reality` after at most `rounds` rounds and about `real_steps` real steps.

    1. The task is watched as it is, then with some actions drawn by chance.
    2. Each round learns from all that was recorded, improves the best task so far, and tries that in reality.
    3. A round that finds nothing watches more of what happens by chance, or is the last when the simulator is done.

    Every watching and every try takes at least one episode, and its last one may run over. Everything real is recorded
    in `traces`, or in a temporary folder when none is given. Once a simulator was learned, Ctrl-C ends it with what is
    best so far.
    """
    if real_steps < 1 or rounds < 1:
        raise InvalidValue(f"{rounds} rounds with {real_steps} real steps leave nothing to learn from: give at least 1")
    if traces is not None:
        return _Loop(spec, reality, traces, Key.of(key), progress).run(task, cases, real_steps, rounds)
    with tempfile.TemporaryDirectory(prefix="worldtwin-") as folder:
        store = Traces(Path(folder) / "iterate.traces", spec)
        return _Loop(spec, reality, store, Key.of(key), progress).run(task, cases, real_steps, rounds)


@final
class _Loop:
    """The loop with reality. Mutable: it counts the episodes and the steps that it used."""

    def __init__(self, spec: Spec, reality: Reality, traces: Traces, key: Key, progress: Listener | None) -> None:
        self._spec, self._reality, self._traces, self._key, self._progress = spec, reality, traces, key, progress
        self._episodes = self._steps = 0
        self._width = spec.returns[1] - spec.returns[0]
        self._began = time.monotonic()

    def run(self, task: Task | LocalTask, cases: Sequence[Case], real_steps: int, rounds: int) -> Iteration:
        """Record, then round after round."""
        before = self._live(task, until=round(AS_IT_IS * real_steps))
        self._live(task, until=round(FIRST * real_steps), noise=NOISE)
        best, best_real, simulator = task, before, self._learned(0)
        done: list[Round] = []
        with suppress(KeyboardInterrupt):
            for number in range(rounds):
                key = self._key.child("search", number)
                found = search(best, simulator, cases=cases, key=key, progress=self._told(number, rounds))
                if found.stop == Stop.INTERRUPTED:
                    break
                done.append(self._tried(found, share=(real_steps - self._steps) // (rounds - number)))
                if done[-1].found and done[-1].real > best_real + WORTH * self._width:
                    best, best_real = found.task, done[-1].real
                simulator = self._learned(number + 1)
                if self._steps >= real_steps or (not done[-1].found and readiness(simulator).ready):
                    break
        return Iteration(
            task=best,
            simulator=simulator,
            rounds=tuple(done),
            before=before,
            after=best_real,
            real_steps=self._steps,
            better=best is not task,
        )

    def _tried(self, found: Improvement, *, share: int) -> Round:
        """What an improvement comes to in reality in about `share` steps; where it is none, most go to chance."""
        began, better = self._steps, found.decision.better
        real = self._live(found.task, until=began + (share if better else 1))
        if not better and self._steps < began + share:
            self._live(found.task, until=began + share, noise=NOISE)
        alarm = found.after - real > ALARM * self._width
        return Round(found=better, simulated=found.after, real=real, real_steps=self._steps - began, alarm=alarm)

    def _learned(self, number: int) -> Simulator:
        """The simulator of everything that was recorded so far."""
        return fit(self._spec, self._traces, key=self._key.child("fit", number))

    def _live(self, task: Task | LocalTask, *, until: int, noise: float = 0.0) -> float:
        """The mean return of at least one real episode, and of more until `until` steps were used in all."""
        returns: list[float] = []
        while not returns or self._steps < until:
            lived = evaluate(
                task,
                self._reality,
                episodes=1,
                key=self._key.child("real", self._episodes),
                spec=self._spec,
                traces=self._traces,
                noise=noise,
            )
            returns.append(float(lived.returns[0]))
            self._steps += int(lived.steps[0])
            self._episodes += 1
        return float(np.mean(returns))

    def _told(self, number: int, rounds: int) -> Callable[[Progress], None] | None:
        """A listener to the search of one round that tells how far all rounds are."""
        listener = self._progress
        if listener is None:
            return None

        def tell(now: Progress) -> None:
            fraction = (number + now.fraction) / rounds
            phase = f"round {number + 1} of {rounds}"
            listener(replace(now, phase=phase, fraction=fraction, seconds=time.monotonic() - self._began))

        return tell
