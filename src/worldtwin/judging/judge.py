"""Putting cases to a task: `judge`, and `ask_each` for one case and many candidates at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.errors import InvalidSpec, InvalidValue, Problem
from worldtwin.exact import Key, Words
from worldtwin.judging.case import Case, Move
from worldtwin.judging.start import case_starts
from worldtwin.judging.verdict import Answer, Verdict
from worldtwin.script import predicate
from worldtwin.simulation import Backend, Candidates, Outcomes, Simulator, outcomes
from worldtwin.tasks import Actor
from worldtwin.world import Lattice, Spec

Mask = NDArray[np.bool_]


class Asked(Struct, frozen=True, kw_only=True, eq=False):
    """What the episodes of a case came to, for each candidate: masks (candidates, episodes).

    `starts` (episodes, width) are the same for all candidates.
    """

    starts: Lattice
    satisfied: Mask
    unknown: Mask
    trapped: Mask


def judge(
    task: Actor, simulator: Simulator, cases: Sequence[Case], *, key: Key | int, backend: Backend | None = None
) -> Verdict:
    """The verdict on `task`: every case in `simulator`, on the episodes that `key` draws. Raises `InvalidSpec`.

    It is the same on every backend.
    """
    root = Key.of(key)
    asked = ((case, ask(case, task, simulator, key=root, backend=backend)) for case in cases)
    return Verdict(tuple(_answer(case, found, simulator.spec) for case, found in asked))


def ask(case: Case, actor: Actor, simulator: Simulator, *, key: Key, backend: Backend | None = None) -> Asked:
    """The episodes of `case`, one candidate: `actor`, or the case's own list of actions."""
    keys, starts = _episodes(case, simulator, key)
    driver = actor if case.driver == "task" else Listed(_moves(case, simulator.spec))
    horizon = _horizon(case, simulator.spec)
    runs = outcomes(driver, simulator, starts=starts, keys=keys, horizon=horizon, backend=backend)
    return _asked(case, simulator.spec, starts, runs)


def ask_each(
    case: Case,
    population: Candidates,
    simulator: Simulator,
    *,
    candidates: int,
    key: Key,
    backend: Backend | None = None,
) -> Asked:
    """The episodes of `case`, lived through by each of the `candidates` of `population`: they drive in any case."""
    keys, starts = _episodes(case, simulator, key)
    runs = outcomes(
        population,
        simulator,
        starts=np.tile(starts, (candidates, 1)),
        keys=np.tile(keys, (candidates, 1)),
        horizon=_horizon(case, simulator.spec),
        candidate=np.repeat(np.arange(candidates), case.episodes),
        backend=backend,
    )
    return _asked(case, simulator.spec, starts, runs)


def _episodes(case: Case, simulator: Simulator, key: Key) -> tuple[Words, Lattice]:
    """The own keys (episodes, 2) of the case's episodes, and where they begin (episodes, width)."""
    keys = key.child("case").child(case.name).episodes(np.arange(case.episodes))
    return keys, case_starts(case, simulator, keys)


def _asked(case: Case, spec: Spec, starts: Lattice, runs: Outcomes) -> Asked:
    """What the runs of one or more candidates came to."""
    holds, trapped = _check(case, spec, runs)
    shape = (-1, case.episodes)
    satisfied = (holds & ~trapped & ~runs.unknown).reshape(shape)
    return Asked(
        starts=starts, satisfied=satisfied, unknown=runs.unknown.reshape(shape), trapped=trapped.reshape(shape)
    )


@final
class Listed:
    """An actor that takes listed `actions` (k, a) one after the other, whatever it sees; the last one repeats."""

    memory_width = 1

    def __init__(self, actions: Lattice) -> None:
        self._actions = actions

    def start_memory(self, n: int) -> NDArray[np.float64]:
        """The number of actions taken so far (n, 1): none."""
        return np.zeros((n, 1))

    def act_rows(
        self, states: Lattice, memory: NDArray[np.float64], possible: Mask | None
    ) -> tuple[Lattice, NDArray[np.float64]]:
        """The next action of the list for each row, and one more taken."""
        del states, possible
        step = np.minimum(memory[:, 0].astype(np.int64), len(self._actions) - 1)
        return self._actions[step], memory + 1.0


def _moves(case: Case, spec: Spec) -> Lattice:
    """The actions (k, a) of a listed driver."""
    return np.array([_move(case, spec, at, move) for at, move in enumerate(case.driver)], dtype=np.int64)


def _move(case: Case, spec: Spec, at: int, move: Move) -> tuple[int, ...]:
    try:
        return spec.action.encode(move)
    except InvalidValue as error:
        raise InvalidSpec([Problem(f"cases.{case.name}.driver[{at}]", str(error))]) from error


def _horizon(case: Case, spec: Spec) -> int:
    """How many steps an episode of the case may take."""
    if case.horizon is not None:
        return case.horizon
    return spec.horizon if case.driver == "task" else len(case.driver)


def _check(case: Case, spec: Spec, runs: Outcomes) -> tuple[Mask, Mask]:
    """For each run whether the check holds, and whether it could not be computed."""
    expression = predicate(spec, case.check)
    columns = {
        "": {"ret": runs.returns, "steps": runs.steps, "fuel": runs.fuel},
        "final": spec.state.columns(runs.final),
        "low": spec.state.columns(runs.low),
        "high": spec.state.columns(runs.high),
    }
    values, trapped = expression.evaluate(columns, len(runs.returns))
    return values.astype(np.bool_), trapped


def _answer(case: Case, asked: Asked, spec: Spec) -> Answer:
    """The answer of the one candidate that was asked."""
    satisfied = asked.satisfied[0]
    failed = np.flatnonzero(~satisfied)
    first = asked.starts[failed[0], : len(spec.state)] if len(failed) else None
    return Answer(
        name=case.name,
        kind=case.kind,
        satisfied=int(satisfied.sum()),
        episodes=case.episodes,
        needed=case.passing,
        counterexample=None if first is None else dict(spec.state.decode(tuple(int(value) for value in first))),
        unknown=int(asked.unknown[0].sum()),
        trapped=int(asked.trapped[0].sum()),
    )
