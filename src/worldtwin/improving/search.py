"""`search` and `improve`: a better task from rehearsals inside the simulator."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from worldtwin.errors import InvalidTask, InvalidValue
from worldtwin.exact import Key
from worldtwin.improving.climb import Limits, Stop, climb
from worldtwin.improving.planning import plan
from worldtwin.improving.progress import Listener
from worldtwin.improving.rehearsal import Rehearsals
from worldtwin.improving.starts import Begin, fresh_starts
from worldtwin.judging import Case, Decision, Pairing, is_better, readiness
from worldtwin.simulation import Backend, Simulator
from worldtwin.tasks import Automaton, LocalTask, TablePolicy, Task
from worldtwin.world import Spec, shown

_LOG: Final = logging.getLogger(__name__)

FINAL_STARTS: Final = 64
"""From how many fresh starts the last choice is made."""

FINE: Final = 0.001
"""A share of the return range that counts as a gain while searching: many small ones make one that all must see."""
SURE_BITS: Final = 10
"""The evidence that it takes: an error in a thousand costs a search little."""


class Improvement(Struct, frozen=True, kw_only=True, eq=False):
    """What a search came to: the better task, or the one it began with when `decision` says that nothing was better.

    `before` and `after` are mean returns in the simulator, `sources` the shares of the transitions that the candidates
    were rehearsed on, `stop` says why it ended. `warning` says why the simulator should not be believed, if so.
    """

    task: Task | LocalTask
    before: float
    after: float
    sources: Mapping[str, float]
    evaluations: int
    generations: int
    stop: str
    decision: Decision
    warning: str = ""

    @property
    def text(self) -> str:
        """Some lines for people."""
        mix = ", ".join(f"{100 * share:.0f} % {name}" for name, share in self.sources.items() if share >= 0.005)
        rounds = f"{self.generations} generation" + ("" if self.generations == 1 else "s")
        tried = f"{self.evaluations:,} candidates in {rounds}: {self.stop}"
        lines = [f"in the simulator {shown(self.before)} → {shown(self.after)}" + (f" · {mix}" if mix else ""), tried]
        if self.warning:
            lines.append(f"do not believe it: {self.warning}")
        return "\n".join([*lines, self.decision.text])


def improve(
    task: Task | LocalTask,
    simulator: Simulator,
    *,
    cases: Sequence[Case] = (),
    evaluations: int | None = None,
    seconds: float | None = None,
    key: Key | int,
    progress: Listener | None = None,
    backend: Backend | None = None,
) -> Task | LocalTask:
    """A task that is better in `simulator` by the spec's objective, or `task` itself when none was found.

    Returns that differ by a thousandth of their range count; `is_better` asks for a hundredth unless told otherwise.
    `evaluations` is how many candidates to try (none given: until a plateau), but one generation always is: up to 38;
    `seconds` only caps that. It is the same task on every `backend`. The log warns of a simulator whose fields leave
    out what matters.
    """
    found = search(
        task,
        simulator,
        cases=cases,
        evaluations=evaluations,
        seconds=seconds,
        key=key,
        progress=progress,
        backend=backend,
    )
    if found.warning:
        _LOG.warning("do not believe what was improved: %s", found.warning)
    return found.task


def search(  # noqa: PLR0913 - key, backend and clock do not count
    task: Task | LocalTask,
    simulator: Simulator,
    *,
    cases: Sequence[Case] = (),
    evaluations: int | None = None,
    seconds: float | None = None,
    key: Key | int,
    progress: Listener | None = None,
    begin: Begin = Begin.ANYWHERE,
    step_size: float = 1.0,
    backend: Backend | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Improvement:
    """`improve` with its figures. Ctrl-C keeps the best so far. Raises `InvalidTask` when there is nothing to gain by.

    A table task or an automaton is planned, the parameters of any other climb; they begin with `step_size` times the
    usual spread. Everything but `seconds` is a function of the arguments.
    """
    _require_possible(evaluations, seconds, step_size)
    root = Key.of(key)
    rehearsals = Rehearsals(
        task=task,
        simulator=simulator,
        cases=tuple(case for case in cases if case.driver == "task"),
        begin=begin,
        backend=backend,
    )
    require_aim(simulator.spec, cases)
    if isinstance(task, Task) and isinstance(task.program, TablePolicy | Automaton):
        found = _Found(task=plan(simulator), sources={}, evaluations=1, generations=1, stop=Stop.PLANNED)
    else:
        limits = Limits(evaluations=evaluations, seconds=seconds, clock=clock)
        found = _climbed(rehearsals, limits, key=root.child("climb"), progress=progress, step_size=step_size)
    decision = compared(found.task, task, simulator, cases, key=root.child("judge"), backend=backend)
    before, after = _means(Pairing(found.task, task, simulator, backend), decision, key=root.child("means"))
    return Improvement(
        task=found.task if decision.better else task,
        before=before,
        after=after if decision.better else before,
        sources=found.sources,
        evaluations=found.evaluations,
        generations=found.generations,
        stop=str(found.stop),
        decision=decision,
        warning=readiness(simulator).refused,
    )


def _require_possible(evaluations: int | None, seconds: float | None, step_size: float) -> None:
    """Refuse a search that could try nothing. Raises `InvalidValue`."""
    if evaluations is not None and evaluations < 1:
        raise InvalidValue(f"{evaluations} evaluations try nothing: give at least 1")
    if seconds is not None and not seconds > 0:
        raise InvalidValue(f"{seconds:g} seconds leave no time: give more than 0, or none to search to a plateau")
    if not 0 < step_size < math.inf:
        raise InvalidValue(f"a step size of {step_size:g} of the usual one leads nowhere: give a number above 0")


def require_aim(spec: Spec, cases: Sequence[Case]) -> None:
    """Refuse a world where nothing says what is better. Raises `InvalidTask`."""
    if spec.reward is None and not any(case.driver == "task" for case in cases):
        raise InvalidTask(
            f"{spec.name} has no reward and no case that the task drives, so nothing says what is better: "
            "add `reward:` to its YAML, or a case"
        )


def compared(
    candidate: Task | LocalTask,
    incumbent: Task | LocalTask,
    simulator: Simulator,
    cases: Sequence[Case],
    *,
    key: Key,
    backend: Backend | None,
) -> Decision:
    """Whether `candidate` is better than `incumbent` as `is_better` says; and where that is open, by a little.

    A thousandth of the return range and ten bits are enough then, at the cost of another such comparison; but not where
    cases count after the return, which are worth up to a hundredth of it.
    """
    decision = is_better(candidate, incumbent, simulator, cases, key=key, backend=backend)
    spec = simulator.spec
    low, high = spec.returns
    after = spec.objective[spec.objective.index("return") :] if "return" in spec.objective else ()
    if decision.by or (cases and "cases" in after) or decision.mean_difference <= FINE * (high - low):
        return decision
    finer = is_better(candidate, incumbent, simulator, cases, key=key, margin=FINE, bits=SURE_BITS, backend=backend)
    return finer if finer.better else decision


def _means(pairing: Pairing, decision: Decision, *, key: Key) -> tuple[float, float]:
    """The mean returns before and after; where something else decided, those of fresh episodes."""
    spec = pairing.simulator.spec
    if decision.episodes or spec.reward is None:
        return decision.before, decision.after
    pair = pairing.episodes(0, FINAL_STARTS, key=key)
    return float(pair.before.mean()) * spec.reward_unit, float(pair.after.mean()) * spec.reward_unit


class _Found(Struct, frozen=True, kw_only=True, eq=False):
    """The candidate that is put to the judge."""

    task: Task | LocalTask
    sources: Mapping[str, float]
    evaluations: int
    generations: int
    stop: Stop


def _climbed(
    rehearsals: Rehearsals, limits: Limits, *, key: Key, progress: Listener | None, step_size: float
) -> _Found:
    """The best of a climb's finalists and the task itself on fresh starts; the earlier one where they are equal."""
    task = rehearsals.task
    start = task.parameters()
    if not (start.high > start.low).any():
        raise InvalidTask("the task has no parameters to change: use `param(...)` in its script")
    end = climb(rehearsals, limits=limits, key=key, progress=progress, step_size=step_size)
    finalists = np.vstack([end.finalists, start.values])
    fresh = fresh_starts(rehearsals.simulator, FINAL_STARTS, key=key.child("final"))
    found = rehearsals.of(finalists, fresh, key=key.child("final"))
    at = int(np.argmax(found.scores))
    total = max(1, sum(end.sources.values()))
    return _Found(
        task=task if at == len(finalists) - 1 else task.with_parameters(finalists[at]),
        sources={name: count / total for name, count in end.sources.items()},
        evaluations=end.evaluations + len(finalists),
        generations=end.generations,
        stop=end.stop,
    )
