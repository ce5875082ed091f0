"""Judging and improving in JAX: the same verdicts, decisions and digests as in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from worldtwin.accelerate import JaxBackend
from worldtwin.exact import Engines, Key
from worldtwin.improving import improve, search
from worldtwin.judging import Case, is_better, judge
from worldtwin.simulation import Flock, Play, Simulator, Walk
from worldtwin.tasks import Task
from worldtwin.world import digest

Worlds = dict[str, Simulator]

GAIN = """
gain = param(1.0, low=-9.0, high=9.0)


def act(state):
    return "right" if gain * state.a > state.x else "left"
"""
CASES = (
    Case(name="held", check="steps > 20", start={"a": 0.1, "v": 0, "w": 0}, episodes=20, horizon=40, needed=10),
    Case(name="pushed", check="final.x > 0", kind="goal", driver=("right", "right"), episodes=5),
)
MAKERS: dict[str, tuple[str, Callable[[Simulator], Task]]] = {
    "network": ("cart", lambda world: Task.network(world, hidden=(4,), key=1)),
    "script": ("cart", lambda world: Task.script(GAIN, world.spec)),
    "table": ("ring", lambda world: Task.table(world.spec)),
}


class Counted:
    """A backend that counts how many episodes it let walk."""

    def __init__(self, backend: JaxBackend) -> None:
        self._backend = backend
        self.rows = 0

    @property
    def engines(self) -> Engines:
        return self._backend.engines

    @property
    def together(self) -> int:
        return self._backend.together

    def walk(self, play: Play, flock: Flock, t: int, most: int) -> Walk:
        self.rows += len(flock.rows)
        return self._backend.walk(play, flock, t, most)


@pytest.fixture
def counted(backend: JaxBackend) -> Counted:
    return Counted(backend)


def test_the_verdict_is_the_same(worlds: Worlds, counted: Counted) -> None:
    task = Task.network(worlds["cart"], hidden=(4,), key=1)

    verdict = judge(task, worlds["cart"], CASES, key=2, backend=counted)

    assert digest(verdict) == digest(judge(task, worlds["cart"], CASES, key=2))
    assert counted.rows >= 25


@pytest.mark.parametrize("name", MAKERS)
def test_the_decision_is_the_same(name: str, worlds: Worlds, counted: Counted) -> None:
    world, make = MAKERS[name]
    simulator, task = worlds[world], make(worlds[world])
    other = task.with_rule({"cell": 3}, "left") if name == "table" else task.with_parameters(-task.parameters().values)

    decision = is_better(other, task, simulator, key=3, budget=30_000, backend=counted)

    assert decision == is_better(other, task, simulator, key=3, budget=30_000)
    assert counted.rows > decision.episodes


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_the_improved_task_is_the_same(name: str, worlds: Worlds, counted: Counted) -> None:
    world, make = MAKERS[name]
    simulator, task = worlds[world], make(worlds[world])
    cases = CASES if world == "cart" else ()

    found = search(task, simulator, cases=cases, evaluations=120, key=Key.of(4), backend=counted)
    plain = search(task, simulator, cases=cases, evaluations=120, key=Key.of(4))

    assert digest(found.task) == digest(plain.task)
    assert (found.decision, found.before, found.after) == (plain.decision, plain.before, plain.after)
    assert counted.rows > 0


def test_improve_takes_a_backend(worlds: Worlds, counted: Counted) -> None:
    task = Task.table(worlds["ring"].spec)

    better = improve(task, worlds["ring"], key=1, backend=counted)

    assert digest(better) == digest(improve(task, worlds["ring"], key=1))
    assert counted.rows > 0
