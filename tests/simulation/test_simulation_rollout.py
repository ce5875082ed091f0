"""Rollouts and outcomes: functions of their arguments, whatever the batch, the blocks and the order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from msgspec import structs

from worldtwin.errors import InvalidTask, InvalidValue
from worldtwin.exact import Key
from worldtwin.simulation import Episodes, NumpyBackend, Session, Simulator, Walk, count, outcomes, rollout
from worldtwin.simulation.pay import TOTAL_LIMIT
from worldtwin.simulation.running.outcomes import Fold
from worldtwin.simulation.running.settling import Settled
from worldtwin.tasks import Actor, Task, stack
from worldtwin.world import StartValues, Transitions

World = Callable[[str], tuple[Simulator, Actor]]
Rows = Callable[..., Transitions]
NAMES = ("ring", "cart", "gearbox", "rooms")


@pytest.mark.parametrize("name", NAMES)
def test_a_rollout_is_a_function_of_its_arguments(world: World, name: str) -> None:
    simulator, actor = world(name)
    first = rollout(actor, simulator, episodes=30, key=5)
    again = rollout(actor, simulator, episodes=30, key=Key.of(5), backend=NumpyBackend())

    assert first.digest == again.digest
    if name != "rooms":
        assert first.digest != rollout(actor, simulator, episodes=30, key=6).digest


@settings(max_examples=12, deadline=None)
@given(some.sampled_from(NAMES), some.integers(0, 99))
def test_a_batch_of_n_equals_n_batches_of_one(world: World, name: str, key: int) -> None:
    simulator, actor = world(name)
    keys = Key.of(key).episodes(np.arange(6))
    starts = simulator.start_states(keys)
    whole = outcomes(actor, simulator, starts=starts, keys=keys, horizon=15)
    alone = [outcomes(actor, simulator, starts=starts[i : i + 1], keys=keys[i : i + 1], horizon=15) for i in range(6)]

    for column in ("totals", "returns", "steps", "ended", "unknown", "final", "low", "high"):
        joined = np.concatenate([getattr(one, column) for one in alone])
        assert (joined == getattr(whole, column)).all()


@pytest.mark.parametrize("name", NAMES)
def test_outcomes_are_what_the_steps_add_up_to(world: World, name: str) -> None:
    simulator, actor = world(name)
    episodes = rollout(actor, simulator, episodes=25, key=3)
    keys = Key.of(3).episodes(np.arange(25))
    starts = simulator.start_states(keys)
    found = outcomes(actor, simulator, starts=starts, keys=keys, horizon=simulator.spec.horizon)

    assert (found.totals == episodes.totals).all()
    assert (found.totals == np.bincount(episodes.episode, weights=episodes.rewards, minlength=25)).all()
    assert (found.steps == np.bincount(episodes.episode, minlength=25)).all()
    assert (found.ended == episodes.ended).all()
    for i in range(25):
        mine = episodes.episode == i
        path = np.concatenate([episodes.states[mine][:1, : len(simulator.spec.state)], episodes.nexts[mine]])
        assert (found.low[i] == path.min(axis=0)).all()
        assert (found.high[i] == path.max(axis=0)).all()
        assert (found.final[i] == path[-1]).all()
    assert sum(found.sources.values()) == len(episodes.step)


def test_steps_come_one_episode_after_the_other(ring: Simulator, world: World) -> None:
    episodes = rollout(world("ring")[1], ring, episodes=20, key=1)
    begins = np.flatnonzero(episodes.step == 0)

    assert episodes.episode[begins].tolist() == list(range(20))
    follows = np.flatnonzero(episodes.step > 0)
    assert (episodes.step[follows] == episodes.step[follows - 1] + 1).all()
    assert (episodes.states[follows] == episodes.nexts[follows - 1]).all()
    assert not episodes.ended[episodes.steps == ring.spec.horizon].all() or (episodes.steps < ring.spec.horizon).all()


def test_how_many_episodes_step_together_does_not_matter(ring: Simulator, world: World) -> None:
    whole = rollout(world("ring")[1], ring, episodes=100, key=1)
    small = rollout(world("ring")[1], ring, episodes=100, key=1, backend=NumpyBackend(together=7))

    assert small.digest == whole.digest


def test_a_population_acts_as_its_members_do_alone(cart: Simulator) -> None:
    task = Task.network(cart.spec, hidden=(4,), key=1)
    values = np.random.default_rng(1).normal(size=(3, len(task.parameters())))
    keys = Key.of(2).episodes(np.arange(5))
    starts = cart.start_states(keys)
    together = outcomes(
        stack(task, values),
        cart,
        starts=np.tile(starts, (3, 1)),
        keys=np.tile(keys, (3, 1)),
        horizon=20,
        candidate=np.repeat(np.arange(3), 5),
    )
    alone = [outcomes(task.with_parameters(row), cart, starts=starts, keys=keys, horizon=20) for row in values]

    assert together.totals.tolist() == np.concatenate([one.totals for one in alone]).tolist()
    assert together.final.tolist() == np.concatenate([one.final for one in alone]).tolist()
    assert alone[0].fuel.tolist() == (alone[0].steps * task.fuel).tolist()


def test_what_is_unknown_stops_an_episode_and_is_charged(
    ring: Simulator, rows_of: Rows, wander: Callable[[int], Actor]
) -> None:
    seen = count(ring.spec, rows_of([[6]], [0], [[7]], [[0]]))
    simulator = Simulator(ring.spec, observed=seen)
    starts = np.array([[6], [5]])
    episodes = rollout(wander(3), simulator, episodes=2, key=1, starts=starts)

    assert episodes.unknown.tolist() == [True, True]
    assert episodes.steps.tolist() == [1, 0]
    assert episodes.returns.tolist() == pytest.approx([-1.0 - 2.0 * 29, -2.0 * 30])
    assert episodes.sources == {
        "unknown": pytest.approx(2 / 3),
        "observed": pytest.approx(1 / 3),
        "synthetic": 0.0,
        "predicted": 0.0,
    }
    assert episodes.ended.tolist() == [False, False]


def test_what_is_charged_stops_at_the_limit_of_totals_and_keeps_its_sign(ring: Simulator) -> None:
    blank = Simulator(structs.replace(ring.spec, horizon=1))
    charged = [rollout(Task.table(blank.spec), blank, episodes=1, horizon=h, key=1).totals[0] for h in (1, 100, 10**9)]

    assert charged[1] == 100 * charged[0] < 0
    assert -TOTAL_LIMIT <= charged[2] < -TOTAL_LIMIT + abs(charged[0])


def test_a_world_that_does_not_guess_stops_where_it_would_have_to(
    gearbox: Simulator, wander: Callable[[int], Actor]
) -> None:
    strict = structs.replace(gearbox, spec=structs.replace(gearbox.spec, unknown="error"))

    assert rollout(wander(2), gearbox, episodes=8, key=1).unknown.sum() == 0
    assert rollout(wander(2), strict, episodes=8, key=1).unknown.all()


def test_a_reward_that_cannot_be_computed_stops_an_episode_too(
    ring: Simulator, rows_of: Rows, wander: Callable[[int], Actor]
) -> None:
    spec = structs.replace(ring.spec, reward="1 / (next.cell - 7) - 2")
    simulator = Simulator(spec, observed=count(spec, rows_of([[6]], [0], [[7]], [[0]])))
    episodes = rollout(wander(3), simulator, episodes=1, key=1, starts=np.array([[6]]))

    assert (episodes.unknown.tolist(), len(episodes.step)) == ([True], 0)
    assert episodes.returns.tolist() == pytest.approx([-60.0])


def test_an_impossible_action_is_named(rooms: Simulator) -> None:
    task = Task.network(rooms.spec, hidden=(), key=1)

    class Ignorant:
        memory_width = 0

        def start_memory(self, n: int) -> np.ndarray:
            return task.start_memory(n)

        def act_rows(self, states: np.ndarray, memory: np.ndarray, possible: object) -> tuple[np.ndarray, np.ndarray]:
            del possible
            return np.full((len(states), 1), states[0, 0] * 5), memory

    with pytest.raises(InvalidTask, match="chose `back`, which is not possible here: on are"):
        rollout(Ignorant(), rooms, episodes=2, key=1)
    with pytest.raises(InvalidTask, match="way 5 is outside of its range"):
        rollout(Ignorant(), rooms, episodes=2, key=1, starts=np.array([[1, 3]] * 2))


def test_an_episode_ends_where_nothing_is_possible(rooms: Simulator) -> None:
    episodes = rollout(Task.network(rooms.spec, hidden=(), key=3), rooms, episodes=1, key=1, starts=np.array([[2, 3]]))

    assert episodes.ended[0] == (episodes.nexts[-1, 1] == 0)


@pytest.mark.parametrize("arguments", [{"episodes": -1}, {"episodes": 1, "horizon": -1}])
def test_fewer_than_none_are_refused(arguments: dict[str, int], world: World) -> None:
    simulator, actor = world("ring")
    with pytest.raises(InvalidValue, match="give 0 or more of both"):
        rollout(actor, simulator, key=1, **arguments)


def test_starts_of_another_shape_are_refused(world: World) -> None:
    simulator, actor = world("ring")
    with pytest.raises(InvalidValue, match=r"int64 of shape \(3, 1\): give int64 of shape \(2, 1\)"):
        rollout(actor, simulator, episodes=2, key=1, starts=np.zeros((3, 1), dtype=np.int64))
    with pytest.raises(InvalidValue, match=r"float64 of shape \(2, 1\): give int64"):
        rollout(actor, simulator, episodes=2, key=1, starts=np.zeros((2, 1)))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("history", [0, 2])
@pytest.mark.parametrize("name", NAMES)
def test_starts_outside_of_a_field_are_refused_by_its_name(world: World, name: str, history: int) -> None:
    known, actor = world(name)
    spec = structs.replace(known.spec, history=history)
    simulator = Simulator(spec)
    starts = spec.start_rows(np.tile(spec.state.low, (3, 1)))
    state, action = spec.state, spec.action
    names = state.names + (state.names + action.names) * spec.history
    low = np.concatenate([state.low, *[state.low, action.low] * spec.history])
    high = np.concatenate([state.high, *[state.high, action.high] * spec.history])
    for column, name_of_field in enumerate(names):
        below, above = starts.copy(), starts.copy()
        below[1, column], above[2, column] = low[column] - 1, high[column] + 1
        for rows, bad in ((below, 1), (above, 2)):
            where = rf"starts: row {bad}, column {column} \(`{name_of_field}`\) is {rows[bad, column]}: "
            with pytest.raises(InvalidValue, match=where):
                rollout(actor, simulator, episodes=3, key=1, starts=rows)


@pytest.mark.parametrize(("episodes", "horizon"), [(0, 5), (3, 0)])
def test_nothing_makes_empty_columns(episodes: int, horizon: int, world: World) -> None:
    simulator, actor = world("ring")
    found = rollout(actor, simulator, episodes=episodes, horizon=horizon, key=1)

    assert (len(found), len(found.step), found.states.shape) == (episodes, 0, (0, 1))
    assert found.returns.tolist() == [0.0] * episodes


def test_a_simulator_replays_what_it_was_counted_from(ring: Simulator, world: World) -> None:
    episodes = rollout(world("ring")[1], ring, episodes=50, key=4)
    again = Simulator(ring.spec, observed=count(ring.spec, episodes.transitions()))
    replayed = rollout(world("ring")[1], again, episodes=50, key=4)

    assert not replayed.unknown.any()
    assert set(replayed.sources) == {"unknown", "observed", "synthetic", "predicted"}


def test_whoever_wants_the_run_gets_it(world: World) -> None:
    class Shelf:
        def __init__(self) -> None:
            self.kept: list[Episodes] = []

        def write(self, episodes: Episodes) -> None:
            self.kept.append(episodes)

    shelf = Shelf()
    simulator, actor = world("ring")
    found = rollout(actor, simulator, episodes=2, key=1, run=shelf)

    assert shelf.kept == [found]


def test_a_rollout_knows_the_same_luck_as_a_session(ring: Simulator) -> None:
    session = Session(ring, key=11)
    starts = ring.start_states(Key.of(11).episodes(np.arange(1)))

    assert session.state.lattice == tuple(starts[0].tolist())


def test_totals_stop_at_their_limit_step_by_step(ring: Simulator) -> None:
    starts = np.array([[3]])
    fold = Fold(ring, starts, 9)
    for first, rewards in ((0, [TOTAL_LIMIT - 5]), (1, [10, -3, -3])):
        steps = len(rewards)
        where = np.full((steps, 1, 1), 4)
        walk = Walk(
            states=where,
            actions=where,
            after=where,
            outputs=where,
            source=np.ones((steps, 1), dtype=np.int8),
            silent=np.zeros((steps, 1), dtype=np.bool_),
            memory=np.zeros((1, 0)),
        )
        no, taken = np.zeros(1, dtype=np.bool_), np.ones((steps, 1), dtype=np.bool_)
        paid = np.array(rewards)[:, None]
        fold.take(Settled(first=first, rows=np.arange(1), walk=walk, taken=taken, rewards=paid, ended=no, unknown=no))

    assert fold.outcomes(0).totals.tolist() == [TOTAL_LIMIT - 6]
    assert fold.outcomes(0).steps.tolist() == [4]


def test_an_episode_that_begins_where_no_action_is_possible_is_over_at_once(rooms: Simulator) -> None:
    start = {name: StartValues((0,)) for name in rooms.spec.state.names}
    shut = structs.replace(rooms, spec=structs.replace(rooms.spec, start={**start, "exits": StartValues((0, 2))}))
    task = Task.network(shut.spec, hidden=(), key=1)
    played = rollout(task, shut, episodes=40, horizon=5, key=1)
    begun = shut.start_states(Key.of(1).episodes(np.arange(40)))[:, shut.spec.state.index("exits")] != 0
    assert 0 < begun.sum() < 40
    assert np.array_equal(played.steps > 0, begun)
    for number in range(3):
        session = Session(shut, key=1)
        for _ in range(number):
            session.reset()
        assert session.ended == (not begun[number])
