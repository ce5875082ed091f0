"""A world whose fields leave out what matters is refused; one that is complete is not, and noise is called noise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from how_many import keys
from msgspec.structs import replace

from worldtwin.judging import readiness
from worldtwin.learning import fit
from worldtwin.simulation import MemoryReport, Simulator
from worldtwin.world import Done, HorizonError, Space, Spec, Transitions, encode_column, real

KEYS = keys(3, 20)
Collect = Callable[[int, int], tuple[Spec, Transitions]]
Rule = Callable[[np.ndarray, float, float, np.random.Generator], np.ndarray]


def memory_of(simulator: Simulator) -> MemoryReport:
    assert simulator.report is not None
    assert isinstance(simulator.report.memory, MemoryReport)
    return simulator.report.memory


def without(spec: Spec, rows: Transitions, *hidden: str) -> tuple[Spec, Transitions]:
    """The same record without some fields of the state."""
    kept = [position for position, name in enumerate(spec.state.names) if name not in hidden]
    names = tuple(spec.state.names[position] for position in kept)
    fields = tuple(spec.state.fields[position] for position in kept)
    return replace(spec, state=Space(names, fields)), replace(
        rows, states=rows.states[:, kept], nexts=rows.nexts[:, kept]
    )


def lived(rule: Rule, count: int, seed: int) -> tuple[Spec, Transitions]:
    """Episodes of 100 steps in a world of two numbers, pushed by a held action; `rule` knows the push before, too."""
    chance = np.random.default_rng(seed)
    rows = []
    for episode in range(count // 100):
        state, push, before = chance.normal(size=2) / 2, 0.0, 0.0
        for step in range(100):
            push = chance.uniform(-1, 1) if step == 0 or chance.random() < 0.1 else push
            after = np.clip(rule(state, push, before, chance), -49, 49)
            rows.append((*state, push, *after, episode, step))
            state, before = after, push
    table = np.array(rows)
    field = real(-50, 50)
    lattice = np.stack([encode_column(field, table[:, column])[0] for column in (0, 1, 3, 4)], axis=1)
    spec = Spec(name="lab", state=Space(("x", "v"), (field, field)), action=Space(("push",), (real(-1, 1),)))
    return spec, Transitions(
        states=lattice[:, :2],
        actions=encode_column(real(-1, 1), table[:, 2])[0][:, None],
        nexts=lattice[:, 2:],
        outputs=np.zeros((len(table), 0), dtype=np.int64),
        episodes=table[:, 5].astype(np.int64),
        steps=table[:, 6].astype(np.int64),
        synthetic=np.zeros(len(table), dtype=np.bool_),
    )


def noise(state: np.ndarray, push: float, _: float, chance: np.random.Generator) -> np.ndarray:
    return np.array([0.9, 0.5]) * state + 0.1 * push + np.array([0.3, 1.0]) * chance.normal(size=2)


def wander(state: np.ndarray, push: float, _: float, chance: np.random.Generator) -> np.ndarray:
    return state + np.array([0.3, 0.05]) * chance.normal(size=2) + 0.01 * push


def uneven(state: np.ndarray, push: float, _: float, chance: np.random.Generator) -> np.ndarray:
    """Leaps either way, further when `v` is large; `v` has wild days."""
    leap = (1 + abs(state[1])) * (0.5 if chance.random() < 0.5 else -0.5)
    return np.array([0.8 * state[0] + leap, 0.9 * state[1] + 0.2 * push + 0.1 * chance.standard_t(3)])


def winding(state: np.ndarray, push: float, _: float, __: np.random.Generator) -> np.ndarray:
    """Determined by its fields, in bends that no cubic follows and that last for many steps."""
    return np.array([state[0] + 0.02 * state[1], 0.99 * state[1] + 0.1 * np.sin(8 * state[0]) + 0.01 * push])


def late(state: np.ndarray, push: float, before: float, _: np.random.Generator) -> np.ndarray:
    """A push shows one step later."""
    return np.array([0.9 * state[0] + 0.5 * before, 0.9 * state[1] + 0.1 * push])


@pytest.mark.slow
@pytest.mark.parametrize("key", KEYS)
def test_a_cart_pole_without_its_velocities_is_refused(cart_pole: Collect, key: int) -> None:
    spec, rows = cart_pole(3000, key)

    blind, whole = fit(*without(spec, rows, "velocity", "spin"), key=key), fit(spec, rows, key=key)

    said = memory_of(blind)
    assert (said.rejected, said.lag, said.noisy) == (2, 1, ())
    assert said.field in {"position", "angle"}
    assert said.text.startswith("cart-pole is not predictable from these fields alone: what `")
    assert said.advice.startswith("add `history: 1`")
    assert (memory_of(whole).rejected, memory_of(whole).noisy) == (0, ())


@pytest.mark.slow
@pytest.mark.parametrize("key", KEYS)
def test_a_pendulum_without_its_spin_is_refused(pendulum: Collect, key: int) -> None:
    spec, rows = pendulum(2000, key)

    blind, whole = fit(*without(spec, rows, "spin"), key=key), fit(spec, rows, key=key)

    assert memory_of(blind).rejected == 1
    assert (memory_of(whole).rejected, memory_of(whole).noisy) == (0, ())


@pytest.mark.slow
@pytest.mark.parametrize("key", keys(1, 3))
def test_the_history_that_is_advised_is_enough(cart_pole: Collect, key: int) -> None:
    spec, rows = without(*cart_pole(3000, key), "velocity", "spin")

    assert memory_of(fit(replace(spec, history=1), rows, key=key)).rejected == 0


@pytest.mark.parametrize("rule", [noise, wander, uneven])
def test_noise_is_called_noise_and_nothing_else(rule: Rule) -> None:
    found = [memory_of(fit(*lived(rule, 2000, key), key=key)) for key in KEYS]

    assert [one.rejected for one in found] == [0] * len(KEYS)
    assert [one.noisy for one in found] == [("x", "v")] * len(KEYS)
    assert all(one.text.startswith("noisy: off by so much of the usual change is `x` ") for one in found)


def test_bends_that_a_polynomial_misses_are_no_secret() -> None:
    found = [memory_of(fit(*lived(winding, 2000, key), key=key)) for key in KEYS]

    assert [one.rejected for one in found] == [0] * len(KEYS)


def test_an_action_that_works_late_is_found() -> None:
    found = memory_of(fit(*lived(late, 2000, 1), key=1))

    assert (found.rejected, found.field, found.lag) == (1, "push", 1)
    assert found.bits > 10
    assert found.example.startswith("off, in shares of the usual change, without the step before: x ")


def test_errors_that_are_small_are_not_looked_into() -> None:
    spec, rows = lived(lambda state, push, *_: 0.9 * state + 0.1 * push, 500, 1)

    assert memory_of(fit(spec, rows, key=1)).text == "the fields tell what comes next: no past step was needed"


def test_too_few_rows_say_nothing() -> None:
    spec, rows = lived(noise, 100, 1)
    rows = rows.select(np.arange(60))

    assert "too few" in memory_of(fit(spec, rows, key=1)).text


def test_a_refused_world_is_never_ready() -> None:
    spec, rows = lived(late, 2000, 1)
    easy = replace(spec, done=Done(known=None, horizon_error=HorizonError(steps=5, below=100.0)))

    refused, complete = readiness(fit(easy, rows, key=1)), readiness(fit(replace(easy, history=1), rows, key=1))

    assert all(goal.met for goal in refused.goals)
    assert not refused.ready
    assert refused.text.startswith("ready: no   lab is not predictable from these fields alone: what `x` does next")
    assert complete.ready
    assert not complete.refused
