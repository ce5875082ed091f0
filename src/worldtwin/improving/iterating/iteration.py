"""`iterate`: improve in the simulator, try in reality, record that, refit; until done or the steps are used up."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, final

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict, replace

from worldtwin.environments import Reality
from worldtwin.errors import InvalidTask, InvalidValue
from worldtwin.exact import Key
from worldtwin.improving.iterating.comparison import Comparison, Finding, compare, is_time_to_look
from worldtwin.improving.iterating.entering import (
    Entry,
    Proposal,
    entered,
    from_anew,
    is_changeable,
    is_planned,
    proposed_now,
    proposed_task,
    without_search,
)
from worldtwin.improving.iterating.outcome import Ending, Iteration, Round
from worldtwin.improving.iterating.telling import Teller
from worldtwin.improving.iterating.trying import Trials
from worldtwin.improving.iterating.watching import Watch
from worldtwin.improving.progress import Listener
from worldtwin.improving.search import require_aim
from worldtwin.judging import Case, Readiness, readiness
from worldtwin.judging.evidence import LAST_LOOK
from worldtwin.learning import fit
from worldtwin.simulation import Backend, Simulator
from worldtwin.tasks import Actor, LocalTask, Task
from worldtwin.traces import Run, Traces
from worldtwin.world import Spec

ROUNDS: Final = 3
ALARM: Final = 0.1
"""A simulated return above the real one by more than this share of the return range: the simulator was exploited."""

PATIENCE: Final = 2
"""After so many rounds in a row that brought nothing better in reality it is over."""


def iterate(  # noqa: PLR0913 - key, backend and run do not count
    task: Task | LocalTask,
    spec: Spec,
    *,
    reality: Reality,
    real_steps: int,
    key: Key | int,
    traces: Traces | None = None,
    cases: Sequence[Case] = (),
    propose: Sequence[Proposal] = (),
    rounds: int = ROUNDS,
    progress: Listener | None = None,
    backend: Backend | None = None,
    run: Run | None = None,
) -> Iteration:
    """The task that is best in `reality` after at most `rounds` rounds and `real_steps` real steps, never more.

    1. The task is watched as it is. Then a world whose fields are discrete is explored where it is least known; any
       other is watched with some actions drawn by chance. What `traces` hold already is used too.
    2. Each round learns from all that was recorded, also by others meanwhile, improves the best task so far, and tries
       that in reality. Tasks that somebody proposes (`propose`; files are read again each round) are tried beside it.
       With `latent: auto`, a table or an automaton is tried beside plans by the latest steps, for an episode each.
    3. A round that hardly gains from the best task searches from the given one too, until that helped once; one that
       finds nothing looks around some more. It ends when the simulator is `done`, after two rounds that brought nothing
       better, or when the steps for learning are used up. Is the simulator `done` then, there is one more search in it;
       what that found is tried before it is taken.
    4. The given task and the best one are compared in reality on fresh seeds, the same for both, until there is
       evidence, or no two whole episodes are left.

    Everything real is recorded in `traces` (or in the run's, or in a temporary folder). Once a simulator was learned,
    Ctrl-C ends it with what is best so far. `run` gets an event for each round and one for the outcome.
    """
    if real_steps < 1 or rounds < 1:
        raise InvalidValue(f"{rounds} rounds with {real_steps} real steps leave nothing to learn from: give at least 1")
    require_aim(spec, cases)
    proposed = [proposed_task(each, spec) for each in propose]
    if not proposed and not is_changeable(task):
        raise InvalidTask("the task has no parameters to change: use `param(...)` in its script, or propose others")
    tried, proposals = tuple(cases), tuple(propose)
    settings = _Settings(
        task=task, spec=spec, steps=real_steps, rounds=rounds, cases=tried, propose=proposals, backend=backend, run=run
    )
    with tempfile.TemporaryDirectory(prefix="worldtwin-") as folder:
        store = traces if traces is not None else run.traces if run is not None else _fresh(folder, spec)
        root = Key.of(key).child("after", len(store)) if len(store) else Key.of(key)
        trials = Trials(reality, spec, store, root)
        return _Loop(settings, trials, store, root, Teller(progress, rounds)).run()


def _fresh(folder: str, spec: Spec) -> Traces:
    return Traces(Path(folder) / "iterate.traces", spec)


class _Settings(Struct, frozen=True, kw_only=True, eq=False):
    """What is to be done."""

    task: Task | LocalTask
    spec: Spec
    steps: int
    rounds: int
    cases: tuple[Case, ...]
    propose: tuple[Proposal, ...]
    backend: Backend | None
    run: Run | None


@final
class _Loop:
    """The loop with reality. Mutable: it remembers the best task so far and its mean real return."""

    def __init__(self, settings: _Settings, trials: Trials, traces: Traces, key: Key, teller: Teller) -> None:
        self._settings, self._trials, self._traces, self._key, self._teller = settings, trials, traces, key, teller
        self._watch = Watch(settings.spec, traces)
        self._learning = max(1, round(self._watch.shares.learning * settings.steps))
        self._best: Task | LocalTask = settings.task
        self._given_real: float | None = None
        self._best_real: float | None = None
        self._anew = False
        self._before, self._after = list[float](), list[float]()
        self._rounds = list[Round]()

    def run(self) -> Iteration:
        """Record, then round after round, then compare."""
        simulator, stop = self._recorded(), Ending.INTERRUPTED
        with suppress(KeyboardInterrupt):
            while (entry := self._entry(simulator)) is not None:
                asked = readiness(simulator)
                self._try(entry, simulator)
                simulator = self._learned()
                now = readiness(simulator)
                if (ending := self._ending(asked, now)) is not None:
                    if now.ready and ending is not Ending.PLATEAU:
                        self._search_once_more(simulator)
                    self._compare()
                    stop = ending
                    break
        comparison = self._comparison(stop)
        self._report("iteration", {"stop": stop, "real_steps": self._trials.steps, **asdict(comparison)})
        return Iteration(
            task=self._settled(comparison),
            simulator=simulator,
            rounds=tuple(self._rounds),
            comparison=comparison,
            real_steps=self._trials.steps,
            stop=stop,
        )

    def _recorded(self) -> Simulator:
        """The first simulator: of what was recorded before, and of the given task as it is and with some chance."""
        settings, shares, known = self._settings, self._watch.shares, len(self._traces)
        self._best_real = self._given_real = _mean(
            self._live(settings.task, until=round(shares.as_it_is * settings.steps))
        )
        self._look_around(round(shares.first * settings.steps) - known)
        return self._learned()

    def _entry(self, simulator: Simulator) -> Entry | None:
        """What goes into reality in this round; None when the search was interrupted."""
        settings, number = self._settings, len(self._rounds)
        proposed = proposed_now(settings.propose, settings.spec)
        key, progress = self._key.child("search", number), self._teller.searching(min(number, settings.rounds - 1))
        rehearsed = simulator, settings.cases, settings.backend
        entry = entered(self._best, proposed, *rehearsed, key=key, progress=progress)
        if entry.stalled and not self._anew and self._best is not settings.task:
            entry = from_anew(settings.task, entry, *rehearsed, key=key.child("anew"), progress=progress)
        return None if entry.interrupted else replace(entry, refused=proposed.refused)

    def _search_once_more(self, simulator: Simulator) -> None:
        """Take what a search finds in the last `simulator`, which knows what the rounds recorded, if reality agrees.

        It must gain as much as makes returns differ, and is lived for a quarter of what is left for the comparison, at
        least one whole episode. Plans are left alone: where they are not as good as can be, something is hidden from
        them.
        """
        if is_planned(self._best) or not self._has_steps_for(1):
            return
        entry = self._entry(simulator)
        if entry is None:
            raise KeyboardInterrupt
        if not entry.found or entry.stalled:
            return
        returns, left = list[float](), self._settings.steps - self._trials.steps
        until = self._trials.steps + left // 4
        while self._has_steps_for(1) and (not returns or self._trials.steps < until):
            returns += self._episode(entry.task, most=self._settings.spec.horizon)
        real = _mean(returns)
        taken = real is not None and not self._is_alarming(entry.simulated, real)
        if taken:
            self._best, self._best_real = entry.task, real
        self._report("last search", {"simulated": entry.simulated, "real": real, "taken": taken})

    def _recalled(self, entry: Entry, simulator: Simulator) -> tuple[Entry, list[float]]:
        """What did best in one real episode: `entry`, or a plan by the latest steps; with its return.

        Only a table or an automaton is replaced by such a plan. The shorter the past, the less it tells apart: after
        the first that did worse no other is tried. Where one did well, an entry that nobody proposed is tried only when
        the simulator promises more of it.
        """
        plans = self._watch.recalled() if is_planned(self._settings.task) else []
        best, real = None, self._best_real
        for plan in plans:
            if real is not None and plan.promised <= real:
                continue
            returns = self._live(plan.task, until=self._trials.steps)
            if not returns or (real is not None and returns[0] < real):
                break
            best, real = plan.task, returns[0]
        if best is None or real is None:
            return entry, []
        if entry.found and (entry.proposed or entry.simulated > real):
            own = self._live(entry.task, until=self._trials.steps)
            if own and own[0] >= real:
                return entry, own
        key = self._key.child("recalled", len(self._rounds))
        told = without_search(best, "", simulator, key, self._settings.backend)
        return replace(told, found=True, refused=entry.refused), [real]

    def _try(self, entry: Entry, simulator: Simulator) -> None:
        """Try an entry in reality for its share of the steps; where it is nothing new, or was tried, look around."""
        settings, began = self._settings, self._trials.steps
        share = (self._learning - began) // (settings.rounds - len(self._rounds))
        first = entry
        entry, lived = self._recalled(first, simulator)
        again = entry is first and entry.found
        returns = self._live(entry.task, until=began + (share if again else 1), lived=lived, whole=entry.found)
        if not again:
            self._look_around(began + share)
        real = _mean(returns)
        ahead = entry.found and self._is_ahead(real)
        if ahead:
            self._best, self._best_real, self._anew = entry.task, real, self._anew or entry.anew
        one = Round(
            found=entry.found,
            simulated=entry.simulated,
            real=real,
            episodes=len(returns),
            real_steps=self._trials.steps - began,
            ahead=ahead,
            alarm=real is not None and self._is_alarming(entry.simulated, real),
            proposed=entry.proposed,
            refused=entry.refused,
        )
        self._rounds.append(one)
        self._report("round", {"round": len(self._rounds), "gap": one.gap, **asdict(one)})

    def _is_ahead(self, real: float | None) -> bool:
        """Whether a new task with this mean is the best so far: the simulator decides where reality does not."""
        if self._settings.spec.reward is None:
            return True
        if real is None or self._best_real is None:
            return self._best is self._settings.task
        return real >= self._best_real

    def _is_alarming(self, simulated: float, real: float) -> bool:
        """Whether a task lives from mistakes of the simulator."""
        low, high = self._settings.spec.returns
        return high > low and simulated - real > ALARM * (high - low)

    def _has_steps_for(self, episodes: int) -> bool:
        """Whether so many whole episodes can be lived, however long they are."""
        return self._trials.steps + episodes * self._settings.spec.horizon <= self._settings.steps

    def _ending(self, asked: Readiness, now: Readiness) -> Ending | None:
        """Why this was the last round, if it was; `asked` is how good its simulator was, `now` what was learned since.

        A better task may go where nothing was recorded, so a simulator is `done` when it still is after that was seen.
        A round counts as one that brought nothing better unless its simulator is known to be wrong or not good enough:
        then what was recorded in it can change that.
        """
        last, latest = self._rounds[-1], self._rounds[-PATIENCE:]
        if asked.ready and now.ready and not last.alarm:
            return Ending.DONE
        wanting = last.alarm or (not last.found and bool(asked.goals))
        if len(latest) == PATIENCE and not wanting and not any(one.ahead for one in latest):
            return Ending.PLATEAU
        if self._trials.steps >= self._learning:
            return Ending.STEPS
        return Ending.ROUNDS if len(self._rounds) >= self._settings.rounds else None

    def _compare(self) -> None:
        """Let the given and the best task live on the same fresh seeds, until reality says which is better."""
        settings = self._settings
        if self._best is settings.task or settings.spec.reward is None:
            return
        while self._has_steps_for(2) and len(self._before) < LAST_LOOK:
            before, after = self._trials.pair(settings.task, self._best)
            self._before.append(before)
            self._after.append(after)
            self._teller.living("comparing in reality", self._trials.steps / settings.steps, after)
            if is_time_to_look(len(self._before)) and self._compared().proven:
                return

    def _compared(self) -> Comparison:
        return compare(self._before, self._after, self._settings.spec)

    def _comparison(self, stop: Ending) -> Comparison:
        """What reality says in the end."""
        if self._after:
            return self._compared()
        finding, tried = Finding.CANNOT_TELL, [one for one in self._rounds if one.found]
        after = max((one.real for one in tried if one.real is not None), default=None)
        if stop is Ending.INTERRUPTED:
            reason = "interrupted before the given and the best task were compared"
        elif self._best is self._settings.task:
            finding = Finding.NOT_BETTER
            reason = "none that was tried did better" if tried else "the simulator knew nothing better"
        elif self._settings.spec.reward is None:
            reason = "the world pays nothing, and cases are judged in the simulator only"
        else:
            reason = f"not enough real steps for a pair of episodes of up to {self._settings.spec.horizon:,} steps"
        return Comparison(finding=finding, reason=reason, before=self._given_real, after=after)

    def _settled(self, comparison: Comparison) -> Task | LocalTask:
        """The best task, unless something speaks against it."""
        if comparison.finding is Finding.NOT_BETTER:
            return self._settings.task
        against = self._after and np.mean(self._after) < np.mean(self._before)
        return self._settings.task if against and comparison.finding is Finding.CANNOT_TELL else self._best

    def _learned(self) -> Simulator:
        """The simulator of everything that was recorded so far, by this loop and by anyone else."""
        return fit(self._settings.spec, self._traces, key=self._key.child("fit", len(self._rounds)))

    def _live(
        self, task: Task | LocalTask, *, until: int, lived: Sequence[float] = (), whole: bool = False
    ) -> list[float]:
        """The returns of whole real episodes, after those that it `lived`, until `until` steps were used in all.

        Where steps for learning are left, it is at least one. The last one is cut off where they end, and then has no
        return; but the first is not when a `whole` one is asked for, and steps for the comparison are left for that.
        """
        returns = list(lived)
        while self._trials.steps < self._learning and (self._trials.steps < until or not returns):
            uncut = whole and not returns and self._has_steps_for(1)
            returns += self._episode(task, most=self._settings.spec.horizon if uncut else None)
        return returns

    def _look_around(self, until: int) -> None:
        """Record what is lived to learn from it, until `until` steps were used in all or there is nothing to learn."""
        while self._trials.steps < min(until, self._learning):
            seen = self._watch.next(self._best)
            if seen is None:
                return
            self._episode(seen.actor, seen.noise)

    def _episode(self, actor: Actor, noise: float = 0.0, most: int | None = None) -> list[float]:
        """The return of a real episode of at most `most` steps; none when it was cut off there.

        Unless given, these are the steps left for learning.
        """
        paid = self._trials.episode(
            actor, most=self._learning - self._trials.steps if most is None else most, noise=noise
        )
        if paid is None:
            return []
        self._teller.living("living in reality", 0.0, paid)
        return [paid]

    def _report(self, name: str, fields: Mapping[str, object]) -> None:
        if self._settings.run is not None:
            self._settings.run.event(name, fields)


def _mean(returns: Sequence[float]) -> float | None:
    return float(np.mean(returns)) if returns else None
