"""A running simulation: it goes back, branches, and is the run that a rollout would have made."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from worldtwin.errors import InvalidTask, InvalidValue, UnknownTransition
from worldtwin.simulation import Session, Simulator, Source, StepResult, count, rollout
from worldtwin.tasks import Actor
from worldtwin.world import Category, Integer, Space, Spec, StartValues, Transitions

World = Callable[[str], tuple[Simulator, Actor]]
Rows = Callable[..., Transitions]
NAMES = ("ring", "cart", "gearbox", "rooms")


@settings(max_examples=12, deadline=None)
@given(some.sampled_from(NAMES), some.integers(0, 50))
def test_a_session_lives_through_the_episodes_of_its_keys_rollout(world: World, name: str, key: int) -> None:
    simulator, actor = world(name)
    episodes = rollout(actor, simulator, episodes=2, key=key, horizon=12)
    session = Session(simulator, key=key)
    for episode in range(2):
        mine = episodes.episode == episode
        results = session.forward(12, actor)
        assert [result.next.lattice for result in results] == list(map(tuple, episodes.nexts[mine].tolist()))
        assert [int(result.source) for result in results] == episodes.source[mine].tolist()
        assert session.ended == episodes.ended[episode]
        session.reset()


@settings(max_examples=12, deadline=None)
@given(some.sampled_from(NAMES), some.integers(0, 20), some.data())
def test_seek_then_replay_is_the_same_run(world: World, name: str, key: int, data: some.DataObject) -> None:
    simulator, actor = world(name)
    session = Session(simulator, key=key)
    states = [session.state, *(result.next for result in session.forward(30, actor))]
    moves, ended = session.history, session.ended
    for _ in range(3):
        to = data.draw(some.integers(0, len(moves)))
        assert session.seek(to) == states[to]
        assert (session.time, session.history) == (to, moves[:to])
    assert session.ended == (ended and session.time == len(moves))
    replayed = [session.step(move).next for move in moves[session.time :]]

    assert replayed == states[len(states) - len(replayed) :]
    assert session.ended == ended


def test_snapshots_and_recomputation_agree_on_long_runs(ring: Simulator, wander: Callable[[int], Actor]) -> None:
    spec = Spec(
        name="endless", state=ring.spec.state, action=ring.spec.action, outputs=ring.spec.outputs, start=ring.spec.start
    )
    session = Session(Simulator(spec, observed=ring.observed), key=3)
    states = [session.state, *(result.next for result in session.forward(300, wander(3)))]

    assert [session.seek(to) for to in (299, 128, 127, 64, 0, 300)] == [
        states[to] for to in (299, 128, 127, 64, 0, 300)
    ]
    session.seek(130)
    session.step("left")
    session.forward(100, wander(3))
    assert session.seek(130) == states[130]
    assert session.seek(128) == states[128]
    with pytest.raises(InvalidValue, match="up to 231"):
        session.seek(232)


def test_a_step_after_a_rewind_forgets_what_followed(ring: Simulator) -> None:
    session = Session(ring, key=5, start={"cell": 6})
    for _ in range(4):
        session.step("stay")
    session.rewind(3)
    session.step("stay")

    assert session.time == 2
    with pytest.raises(InvalidValue, match="cannot seek to 3"):
        session.seek(3)


def test_a_branch_shares_the_past_and_the_luck(ring: Simulator, wander: Callable[[int], Actor]) -> None:
    session = Session(ring, key=8, start={"cell": 6})
    session.forward(5, wander(3))
    session.rewind(2)
    branch = session.branch()
    same = [session.step("right"), branch.step("right")]
    branch.step("left")

    assert same[0] == same[1]
    assert (session.time, branch.time) == (4, 5)


def test_a_failed_step_changes_nothing(ring: Simulator, rows_of: Rows) -> None:
    simulator = Simulator(ring.spec, observed=count(ring.spec, rows_of([[3]], [2], [[4]], [[0]])))
    session = Session(simulator, key=1, start={"cell": 3})
    first = session.step("right")

    assert first == StepResult(session.state, first.outputs, -1.0, False, Source.OBSERVED)
    with pytest.raises(UnknownTransition, match="nothing is known"):
        session.step("right")
    with pytest.raises(InvalidValue, match="`up` is not one of its values"):
        session.step("up")
    assert (session.time, dict(session.state)) == (1, {"cell": 4})
    assert len(session.history) == 1


def test_an_ended_episode_takes_no_step(ring: Simulator, rows_of: Rows) -> None:
    simulator = Simulator(ring.spec, observed=count(ring.spec, rows_of([[1]], [0], [[0]], [[1]])))
    session = Session(simulator, key=1, start={"cell": 1})
    result = session.step("left")

    assert (result.ended, result.reward, session.ended) == (True, -2.0, True)
    with pytest.raises(InvalidValue, match="has ended at step 1"):
        session.step("left")
    session.rewind()
    assert not session.ended
    session.seek(1)
    assert session.ended
    session.reset()
    assert not session.ended


def test_an_episode_that_ends_on_a_snapshot_stays_ended(rows_of: Rows) -> None:
    spec = Spec(
        name="line",
        state=Space(("cell",), (Integer(low=0, high=64),)),
        action=Space(("go",), (Category(("on",)),)),
        ends="next.cell == 64",
        start={"cell": StartValues((0,))},
    )
    cells = [[cell] for cell in range(65)]
    session = Session(Simulator(spec, observed=count(spec, rows_of(cells[:-1], [0] * 64, cells[1:]))), key=1)
    for _ in range(64):
        session.step("on")

    assert session.ended
    assert session.branch().ended
    session.rewind(3)
    assert not session.ended
    session.seek(64)
    assert session.ended
    with pytest.raises(InvalidValue, match="has ended at step 64"):
        session.step("on")


def test_durations_count_in_steps_of_the_clock(ring: Simulator, cart: Simulator) -> None:
    session = Session(ring, key=1, start={"cell": 6})
    for _ in range(4):
        session.step("stay")

    session.rewind("1 s")
    assert session.time == 2
    session.seek("500 ms")
    assert session.time == 1
    with pytest.raises(InvalidValue, match=r"not a whole number of steps of 0\.5 s"):
        session.seek("0.7 s")
    with pytest.raises(InvalidValue, match=r"not a whole number of steps of 0\.5 s"):
        session.seek("9" * 400 + " s")
    with pytest.raises(InvalidValue, match="neither a number of steps nor a duration"):
        session.rewind("soon")
    with pytest.raises(InvalidValue, match="cart has no clock"):
        Session(cart, key=1).rewind("1 s")


@pytest.mark.parametrize("ask", ["rewind", "seek"])
@pytest.mark.parametrize("n", [2.0, None, [1]])
def test_what_is_no_number_of_steps_is_refused_and_changes_nothing(ask: str, n: object, ring: Simulator) -> None:
    session = Session(ring, key=1, start={"cell": 6})
    session.step("stay")
    session.step("stay")
    with pytest.raises(InvalidValue, match=r"(2\.0|None|\[1\]) is no whole number of steps"):
        getattr(session, ask)(n)
    assert session.time == 2
    getattr(session, ask)(np.int64(1))
    assert session.time == 1


@pytest.mark.parametrize(("ask", "reason"), [("rewind", "cannot rewind by 9"), ("seek", "cannot seek to 9")])
def test_there_is_nothing_before_the_start_or_after_the_end(ask: str, reason: str, ring: Simulator) -> None:
    session = Session(ring, key=1)
    with pytest.raises(InvalidValue, match=reason):
        getattr(session, ask)(9)
    with pytest.raises(InvalidValue, match="give 0 or more"):
        getattr(session, ask)(-1)


def test_a_stateless_session_says_that_there_is_nothing_to_go_back_to(lamp: Simulator) -> None:
    session = Session(lamp, key=1)

    assert dict(session.step("on").outputs) == {"lux": 80}
    assert dict(session.step("off").outputs) == {"lux": 0}
    for go in (session.rewind, session.seek):
        with pytest.raises(InvalidValue, match="lamp is stateless"):
            go(0)


def test_possible_actions_are_told_and_others_refused(rooms: Simulator, ring: Simulator) -> None:
    session = Session(rooms, key=1)

    assert session.possible == ("on",)
    with pytest.raises(InvalidValue, match="not possible here"):
        session.step("back")
    session.step("on")
    assert session.possible == ("back", "on")
    assert Session(ring, key=1).possible == ("left", "stay", "right")


def test_a_task_that_acts_impossibly_is_refused(rooms: Simulator) -> None:
    class Stubborn:
        memory_width = 0

        def start_memory(self, n: int) -> np.ndarray:
            return np.zeros((n, 0))

        def act_rows(self, states: np.ndarray, memory: np.ndarray, possible: object) -> tuple[np.ndarray, np.ndarray]:
            del possible
            return np.zeros((len(states), 1), dtype=np.int64), memory

    with pytest.raises(InvalidTask, match="chose `back`, which is not possible here: on are"):
        Session(rooms, key=1).forward(1, Stubborn())


def test_actions_of_numbers_are_taken_by_name_or_alone(cart: Simulator) -> None:
    one, two = Session(cart, key=2), Session(cart, key=2)

    assert one.step("left") == two.step({"push": "left"})
    assert one.possible == ("left", "right")


def test_a_world_with_a_history_remembers_what_was_done(rows_of: Rows) -> None:
    bit = Category(("0", "1"))
    spec = Spec(name="delay", history=2, state=Space(("a",), (bit,)), action=Space(("b",), (bit,)))
    moves = np.random.default_rng(1).integers(0, 2, 1000)
    before = np.where(np.arange(1000) % 40 == 0, 0, np.roll(moves, 1))
    states = np.where(np.arange(1000) % 40 == 0, 0, np.roll(before, 1))
    recorded = rows_of(states[:, None], moves, before[:, None], length=40)
    session = Session(Simulator(spec, observed=count(spec, recorded)), key=1, start={"a": "0"})
    done = ["1", "1", "0", "1", "0", "0", "1"]

    assert [dict(session.step(move).next)["a"] for move in done] == ["0", *done[:-1]]
    session.seek(3)
    assert dict(session.step("1").next)["a"] == "0"
