"""Which task goes into reality next: what the search finds, or what somebody proposes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from worldtwin.errors import WorldtwinError
from worldtwin.exact import Key
from worldtwin.files import load_task
from worldtwin.improving.climb import Stop
from worldtwin.improving.progress import Listener
from worldtwin.improving.search import compared, search
from worldtwin.judging import MARGIN, Case, Decision, is_better
from worldtwin.simulation import Backend, Simulator, rollout
from worldtwin.tasks import Automaton, LocalTask, TablePolicy, Task
from worldtwin.world import Spec

REHEARSED: Final = 64
"""From how many fresh starts the return in the simulator is measured where no comparison did it."""

NEARER: Final = 0.3
"""The share of the usual spread with which a search from anew looks around.

MountainCarContinuous, one first network: 94.7 in reality without such a search, 98.8 with it.
"""

Proposal: TypeAlias = Task | LocalTask | str | Path
"""A task to try, or the file that it is in."""


class Proposed(Struct, frozen=True, kw_only=True, eq=False):
    """The `tasks` that were proposed, by name, and those that were `refused`, with the reason."""

    tasks: dict[str, Task | LocalTask]
    refused: tuple[str, ...] = ()


class Entry(Struct, frozen=True, kw_only=True, eq=False):
    """The task that goes into reality: `found` says whether it is another one than before.

    `proposed` is its name when it, or what the search began with, was proposed; `refused` says what was wrong with
    other proposals. `simulated` is its mean return. `stalled`: a search gained next to nothing, or none could begin.
    `anew`: the search began with the given task.
    """

    task: Task | LocalTask
    found: bool
    simulated: float
    proposed: str = ""
    refused: tuple[str, ...] = ()
    stalled: bool = False
    anew: bool = False
    interrupted: bool = False


def proposed_now(proposals: Sequence[Proposal], spec: Spec) -> Proposed:
    """The proposals as they are at this moment: files are read again; one that cannot be used is refused by name."""
    tasks, refused = dict[str, Task | LocalTask](), list[str]()
    for number, proposal in enumerate(proposals, start=1):
        name = f"proposal {number}" if isinstance(proposal, Task | LocalTask) else str(proposal)
        try:
            tasks[name] = proposed_task(proposal, spec)
        except WorldtwinError as error:
            refused.append(str(error))
    return Proposed(tasks=tasks, refused=tuple(refused))


def proposed_task(proposal: Proposal, spec: Spec) -> Task | LocalTask:
    """One proposal as it is at this moment. Raises what `load_task` raises, and `InvalidTask` when it does not fit."""
    task = proposal if isinstance(proposal, Task | LocalTask) else load_task(proposal, spec)
    task.require_fit(spec)
    return task


def is_changeable(task: Task | LocalTask) -> bool:
    """Whether a search can change anything in `task`."""
    if isinstance(task, Task) and isinstance(task.program, TablePolicy):
        return True
    parameters = task.parameters()
    return bool((parameters.high > parameters.low).any())


def is_planned(task: Task | LocalTask) -> bool:
    """Whether a plan may take the place of `task`: it is a table or an automaton, without a form of its own to keep."""
    return isinstance(task, Task) and isinstance(task.program, TablePolicy | Automaton)


def entered(
    best: Task | LocalTask,
    proposed: Proposed,
    simulator: Simulator,
    cases: Sequence[Case],
    backend: Backend | None,
    *,
    key: Key,
    progress: Listener | None,
) -> Entry:
    """The best in `simulator` of the task so far, the proposals, and what a search from the better of these finds.

    From a proposal that has nothing to change no search can begin: then it begins with the task so far.
    """
    first, name = best, ""
    for number, (each, task) in enumerate(proposed.tasks.items()):
        if is_better(task, first, simulator, cases, key=key.child("proposed", number), backend=backend).better:
            first, name = task, each
    start = first if is_changeable(first) else best
    if not is_changeable(start):
        return without_search(first, name, simulator, key, backend)
    found = search(start, simulator, cases=cases, key=key, progress=progress, backend=backend)
    if found.stop == Stop.INTERRUPTED:
        return Entry(task=first, found=bool(name), simulated=found.after, proposed=name, interrupted=True)
    if start is not first:
        ahead = compared(found.task, first, simulator, cases, key=key.child("search or proposal"), backend=backend)
        if not ahead.better:
            return without_search(first, name, simulator, key, backend)
        name = ""
    return Entry(
        task=found.task,
        found=bool(name) or found.decision.better,
        simulated=found.after,
        proposed=name,
        stalled=not name and _is_stalled(found.decision, simulator.spec),
    )


def _is_stalled(decision: Decision, spec: Spec) -> bool:
    """Whether a search gained less than what makes returns differ."""
    low, high = spec.returns
    little = decision.by == "return" and not decision.exact and decision.mean_difference <= MARGIN * (high - low)
    return little or not decision.better


def from_anew(
    given: Task | LocalTask,
    entry: Entry,
    simulator: Simulator,
    cases: Sequence[Case],
    backend: Backend | None,
    *,
    key: Key,
    progress: Listener | None,
) -> Entry:
    """What another search from the `given` task finds, where it is better than the `entry` that hardly improved.

    A climb may end on a hill from which all is downhill; another one, nearer to what was given, ends elsewhere. A plan
    is the same each time.
    """
    if is_planned(given) or not is_changeable(given):
        return entry
    found = search(given, simulator, cases=cases, key=key, progress=progress, step_size=NEARER, backend=backend)
    if found.stop == Stop.INTERRUPTED:
        return replace(entry, interrupted=True)
    if not found.decision.better:
        return entry
    ahead = compared(found.task, entry.task, simulator, cases, key=key.child("ahead"), backend=backend)
    if not ahead.better:
        return entry
    stalled = _is_stalled(ahead, simulator.spec)
    return Entry(task=found.task, found=True, simulated=found.after, stalled=stalled, anew=True)


def without_search(task: Task | LocalTask, name: str, simulator: Simulator, key: Key, backend: Backend | None) -> Entry:
    """A task as it was given or proposed."""
    lived = rollout(task, simulator, episodes=REHEARSED, key=key.child("simulated"), backend=backend)
    simulated = float(np.clip(lived.returns, *simulator.spec.returns).mean())
    return Entry(task=task, found=bool(name), simulated=simulated, proposed=name, stalled=not name)
