"""The law of backends: JAX gives the bits of NumPy, whatever the world, the task and the batch."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from aliased_maze import Maze
from drawn_functions import TRUCK, ensemble, forest, truck
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec import structs
from numpy.typing import NDArray

from worldtwin.accelerate import JaxBackend
from worldtwin.accelerate.engines import JaxEngines
from worldtwin.errors import InvalidTask
from worldtwin.exact import Key, NumpyEngines
from worldtwin.exact.network import INPUT_LIMIT
from worldtwin.improving import improve
from worldtwin.learning import fit
from worldtwin.simulation import Outcomes, Play, Simulator, outcomes, rollout
from worldtwin.tasks import LocalTask, Network, Task, stack

Worlds = dict[str, Simulator]
Lattice = NDArray[np.int64]
Numbers = NDArray[np.float64]
Mask = NDArray[np.bool_]

SCRIPT = """
memory = remember(sum=0.0)


def act(state, memory):
    memory.sum = memory.sum + state.w
    return "right" if state.a + memory.sum > 0.0 else "left"
"""


PEDAL = """
def act(state):
    return 0.5 if state.speed < 0.0 else -0.25
"""
GAIN = """
gain = param(1.0, low=-9.0, high=9.0)


def act(state):
    return "right" if gain * state.a > state.x else "left"
"""


def table_task(simulator: Simulator) -> Task:
    """A table with a rule for some of the states where episodes begin."""
    states = simulator.start_states(Key.of(5), 40)
    low, high = simulator.spec.action.low, simulator.spec.action.high
    actions = np.random.default_rng(2).integers(low, high + 1, (40, len(low)))
    return Task.table(simulator.spec, states, actions)


def same(task: Task, simulator: Simulator, backend: JaxBackend, *, episodes: int = 70, key: int = 3) -> bool:
    numpy = rollout(task, simulator, episodes=episodes, key=key)
    return numpy.digest == rollout(task, simulator, episodes=episodes, key=key, backend=backend).digest


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ring", "cart", "geared", "rooms", "gearbox", "truck"])
def test_networks_and_tables_live_the_same_episodes(worlds: Worlds, backend: JaxBackend, name: str) -> None:
    simulator = worlds[name]

    assert same(Task.network(simulator.spec, hidden=(8,), key=1), simulator, backend)
    assert same(Task.network(simulator.spec, hidden=(), key=2), simulator, backend)
    assert same(table_task(simulator), simulator, backend)
    assert same(Task.table(simulator.spec), simulator, backend)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ring", "cart"])
@pytest.mark.parametrize("history", [1, 2])
def test_a_past_is_kept_the_same(worlds: Worlds, backend: JaxBackend, name: str, history: int) -> None:
    spec = structs.replace(worlds[name].spec, history=history)
    models = worlds[name].predictors
    if worlds[name].observed is not None:
        models = (structs.replace(worlds[name].observed, inputs=(0, len(spec.state) * (1 + history) + history)),)
    else:
        width = spec.width
        features = tuple(structs.replace(each, column=each.column if each.column < 4 else width)
                         for each in models[0].features)  # fmt: skip
        models = (structs.replace(models[0], features=features),)

    assert same(Task.network(spec, hidden=(4,), key=1), Simulator(spec, predictors=models), backend)


@pytest.mark.slow
@pytest.mark.parametrize(("noisy", "members", "swish"), [(False, 1, False), (False, 5, True), (True, 2, True)])
def test_ensembles_and_forests_answer_the_same(backend: JaxBackend, *, noisy: bool, members: int, swish: bool) -> None:
    simulator = truck(noisy=noisy, members=members, swish=swish)

    assert same(Task.network(TRUCK, hidden=(8,), key=1), simulator, backend, episodes=333)
    assert same(Task.script(PEDAL, TRUCK), simulator, backend)


def test_sums_of_more_trees_than_are_walked_at_once_are_the_same() -> None:
    function = forest(3, parts=4, outputs=2, members=2)
    roots = np.random.default_rng(1).choice(function.roots, 2500)
    trees = structs.replace(function.trees, roots=roots, offsets=np.array([0, 0, 900, 900, 2500]))
    parts = np.random.default_rng(2).integers(-(1 << 21), 1 << 21, size=(4, 700))

    with jax.enable_x64(True):
        assert (JaxEngines().sums(trees, parts) == NumpyEngines().sums(trees, parts)).all()
        nothing = structs.replace(trees, roots=roots[:0], offsets=np.zeros(5, dtype=np.int64))
        assert (JaxEngines().sums(nothing, parts) == 0).all()


def test_floats_of_the_same_networks_differ() -> None:
    function = ensemble(2, parts=4, outputs=2)
    parts = np.random.default_rng(1).integers(-(1 << 21), 1 << 21, size=(4, 500)).astype(np.float64)
    values = np.floor(parts.T / 256 + 0.5).astype(np.float32)[None]
    for layer in function.layers:
        sums = values @ layer.weights.astype(np.float32) + layer.bias[:, None].astype(np.float32)
        values = np.floor(np.ldexp(sums, -layer.shifts[:, None]) + np.float32(0.5))
        values = np.clip(values, 0, layer.clip) if layer.clip else values

    assert (values.transpose(0, 2, 1) != function.every(parts)).mean() > 0.1


@pytest.mark.slow
def test_batches_do_not_matter(worlds: Worlds, backend: JaxBackend) -> None:
    simulator = worlds["ring"]
    task = Task.network(simulator.spec, key=1)
    whole = rollout(task, simulator, episodes=300, key=9).digest

    for together in (7, 64, 300):
        small = rollout(task, simulator, episodes=300, key=9, backend=JaxBackend(together=together))
        assert small.digest == whole
    assert rollout(task, simulator, episodes=300, key=9, backend=backend).digest == whole


@pytest.mark.slow
def test_scripts_and_python_functions_are_asked_by_the_host(worlds: Worlds, backend: JaxBackend) -> None:
    simulator = worlds["cart"]

    assert same(Task.script(SCRIPT, simulator.spec), simulator, backend)
    local = LocalTask(lambda state: "left" if state["a"] > 0 else "right", simulator.spec)
    numpy = rollout(local, simulator, episodes=20, key=1)
    assert numpy.digest == rollout(local, simulator, episodes=20, key=1, backend=backend).digest


def same_outcomes(simulator: Simulator, task: Task, candidate: Lattice, backend: JaxBackend) -> bool:
    values = np.random.default_rng(1).normal(size=(int(candidate.max()) + 1, len(task.parameters())))
    keys = Key.of(2).episodes(np.arange(len(candidate)))
    starts = simulator.start_states(keys)

    def found(where: JaxBackend | None) -> Outcomes:
        actor = stack(task, values)
        return outcomes(actor, simulator, starts=starts, keys=keys, horizon=30, candidate=candidate, backend=where)

    numpy, jax = found(None), found(backend)
    columns = ("totals", "steps", "ended", "unknown", "final", "low", "high")
    return numpy.sources == jax.sources and all((getattr(numpy, name) == getattr(jax, name)).all() for name in columns)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cart", "ring"])
def test_stacked_networks_come_to_the_same(worlds: Worlds, backend: JaxBackend, name: str) -> None:
    task = Task.network(worlds[name].spec, hidden=(4,), key=1)

    assert same_outcomes(worlds[name], task, np.repeat(np.arange(5), 7), backend)
    assert same_outcomes(worlds[name], task, np.array([2, 0, 0, 1, 2, 2, 2]), backend)
    assert same_outcomes(worlds[name], task, np.zeros(9, dtype=np.int64), backend)


@pytest.mark.slow
def test_many_networks_of_which_few_still_run_come_to_the_same(worlds: Worlds, backend: JaxBackend) -> None:
    task = Task.network(worlds["ring"].spec, hidden=(), key=1)
    uneven = np.concatenate([np.arange(200), np.zeros(300, dtype=np.int64)])

    assert same_outcomes(worlds["ring"], task, uneven, backend)


@pytest.mark.slow
def test_stacked_scripts_come_to_the_same(worlds: Worlds, backend: JaxBackend) -> None:
    task = Task.script(GAIN, worlds["cart"].spec)

    assert same_outcomes(worlds["cart"], task, np.repeat(np.arange(3), 20), backend)


def test_what_can_be_compiled_takes_many_steps_at_once(worlds: Worlds, backend: JaxBackend) -> None:
    simulator = worlds["ring"]
    network = Task.network(simulator.spec, hidden=(4,), key=1)
    values = np.zeros((3, len(network.parameters())))
    plays = [
        (Play(actor=network, simulator=simulator), 64),
        (Play(actor=table_task(simulator), simulator=simulator), 64),
        (Play(actor=stack(network, values), simulator=simulator, candidate=np.arange(3)), 64),
        (Play(actor=LocalTask(lambda _: "left", simulator.spec), simulator=simulator), 1),
    ]
    keys = Key.of(1).episodes(np.arange(3))
    for play, steps in plays:
        flock = play.flock(simulator.start_states(keys), keys, slice(None))
        assert len(backend.walk(play, flock, 0, 90).source) == steps


class Single:
    """The network of a task, carried in float32: what exactness is worth."""

    memory_width = 0

    def __init__(self, task: Task) -> None:
        assert isinstance(task.program, Network)
        self._task, self._network = task, task.program

    def start_memory(self, n: int) -> Numbers:
        return np.zeros((n, 0))

    def act_rows(self, states: Lattice, memory: Numbers, possible: Mask | None) -> tuple[Lattice, Numbers]:
        values = np.clip(self._network.eye.see(states), -INPUT_LIMIT, INPUT_LIMIT).astype(np.float32) / np.float32(4096)
        for layer in self._network.exact:
            weights = layer.weights.astype(np.float32) * np.float32(2.0**-layer.shift)
            values = values @ weights + (layer.bias * 2.0 ** -(layer.shift + 12)).astype(np.float32)
            values = np.clip(values, 0, np.float32(8)) if layer.clip else values
        return self._task.heads.act(np.floor(values * 4096 + 0.5).astype(np.int64), possible), memory


@pytest.mark.slow
def test_the_same_network_in_float32_differs(worlds: Worlds, backend: JaxBackend) -> None:
    from worldtwin.world import Space, real  # noqa: PLC0415 - only this world has a number for an action

    spec = structs.replace(
        worlds["cart"].spec, action=Space(("force",), (real(-1.0, 1.0),)), reward="1 - abs(action.force)"
    )
    model = worlds["cart"].predictors[0]
    features = (*model.features[:4], structs.replace(model.features[0], column=4, shift=0))
    prior = model.functions[0]
    prior = structs.replace(prior, terms=np.minimum(prior.terms, 5))
    simulator = Simulator(spec, predictors=(structs.replace(model, features=features, functions=(prior,)),))
    task = Task.network(spec, hidden=(32, 32), key=1)

    exact = rollout(task, simulator, episodes=50, key=1)
    assert exact.digest == rollout(task, simulator, episodes=50, key=1, backend=backend).digest
    assert exact.digest != rollout(Single(task), simulator, episodes=50, key=1).digest


def test_an_impossible_action_is_refused_as_in_numpy(worlds: Worlds, backend: JaxBackend) -> None:
    simulator = worlds["rooms"]
    task = LocalTask(lambda state: "back" if state.room == 0 else "on", simulator.spec)
    starts = np.array([[0, 2]])
    for where in (None, backend):
        with pytest.raises(InvalidTask, match="not possible here"):
            rollout(task, simulator, episodes=1, key=1, starts=starts, backend=where)


@pytest.mark.slow
def test_nothing_and_one_step_are_the_same(worlds: Worlds, backend: JaxBackend) -> None:
    simulator = worlds["ring"]
    task = Task.network(simulator.spec, key=1)
    for episodes, horizon in ((0, 5), (3, 0), (1, 1), (65, 9), (2, 65)):
        numpy = rollout(task, simulator, episodes=episodes, horizon=horizon, key=1)
        jax = rollout(task, simulator, episodes=episodes, horizon=horizon, key=1, backend=backend)
        assert numpy.digest == jax.digest


@pytest.mark.slow
@settings(max_examples=12)
@given(data=some.data())
def test_random_small_worlds_have_the_same_bits(
    random_world: object, backend: JaxBackend, data: some.DataObject
) -> None:
    simulator = data.draw(random_world)  # pyright: ignore[reportArgumentType] - a fixture that is a strategy
    task = Task.network(simulator.spec, hidden=data.draw(some.sampled_from([(), (5,), (7, 3)])), key=1)
    if data.draw(some.booleans()):
        task = table_task(simulator)

    assert same(task, simulator, backend, episodes=data.draw(some.integers(1, 64)), key=data.draw(some.integers(0, 99)))


def test_hidden_states_and_what_remembers_them_have_the_same_bits() -> None:
    maze = Maze(4, 6)
    simulator = fit(maze.spec(), maze.wandered(3_000, 1)[0], key=1)
    planned = improve(Task.table(simulator.spec), simulator, key=2)
    backend = JaxBackend()

    assert simulator.spec.hidden
    assert isinstance(planned, Task)
    assert planned.memory_width == 1
    assert same(planned, simulator, backend)
    assert same(Task.table(simulator.spec), simulator, backend)
