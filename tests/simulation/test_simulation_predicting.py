"""Predictions: the best source answers, just in time, and says how sure it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec import structs

from worldtwin.errors import InvalidTask, InvalidValue, UnknownTransition
from worldtwin.exact import Key
from worldtwin.simulation import Polynomial, Regressor, Session, Simulator, Source, count
from worldtwin.world import Space, Spec, Transitions, real

Rows = Callable[..., Transitions]


def test_the_most_frequent_outcome_comes_first_with_its_alternatives(ring: Simulator, rows_of: Rows) -> None:
    seen = rows_of([[3]] * 4, [2] * 4, [[4], [3], [4], [4]], [[0], [0], [0], [0]])
    prediction = Simulator(ring.spec, observed=count(ring.spec, seen)).predict({"cell": 3}, "right")

    assert dict(prediction.next) == {"cell": 4}
    assert dict(prediction.outputs) == {"bump": 0}
    assert (prediction.reward, prediction.ended, prediction.source) == (-1.0, False, Source.OBSERVED)
    assert prediction.confidence == pytest.approx(3 / 5)
    assert [(dict(a.next)["cell"], a.probability, a.count) for a in prediction.alternatives] == [
        (4, 0.75, 3),
        (3, 0.25, 1),
    ]


def test_what_was_observed_goes_before_what_was_made_up(ring: Simulator, rows_of: Rows) -> None:
    seen = count(ring.spec, rows_of([[3]], [2], [[4]], [[0]]))
    made_up = count(ring.spec, rows_of([[3], [5]], [2, 2], [[9], [6]], [[0], [0]]))
    simulator = Simulator(ring.spec, observed=seen, synthetic=made_up)

    assert simulator.predict({"cell": 3}, "right").source is Source.OBSERVED
    assert simulator.predict({"cell": 5}, "right").source is Source.SYNTHETIC
    with pytest.raises(UnknownTransition, match=r"nothing is known of \(move='left'\) in \(cell=5\)"):
        simulator.predict({"cell": 5}, "left")


def test_predictors_answer_what_no_table_knows(gearbox: Simulator) -> None:
    known = gearbox.predict({"gear": "park", "speed": 0.0}, "keep")
    guessed = gearbox.predict({"gear": "drive", "speed": 1.0}, "keep")

    assert (known.source, known.confidence) == (Source.OBSERVED, pytest.approx(2 / 3))
    assert guessed.source is Source.PREDICTED
    assert dict(guessed.next)["gear"] == "drive"
    assert dict(guessed.next)["speed"] > 1.0
    assert guessed.confidence == pytest.approx(1 / 2)
    assert guessed.reward is None
    assert sum(alternative.probability for alternative in guessed.alternatives) == pytest.approx(1.0)


def test_a_predicted_answer_is_the_median_member(cart: Simulator) -> None:
    state = {"x": 0.1, "v": 0.0, "a": 0.05, "w": -0.1}
    model = cart.predictors[0]
    assert isinstance(model, Regressor)
    inputs = np.array([[*cart.spec.state.encode(state), 0]])
    landed = model.land(cart.spec, inputs, model.changes(inputs).middle)

    assert cart.predict(state, "left").next.lattice == tuple(landed[0].tolist())
    assert len(cart.predict(state, "left").alternatives) >= model.members


def test_members_that_agree_make_one_alternative(cart: Simulator) -> None:
    model = cart.predictors[0]
    assert isinstance(model, Regressor)
    function = model.functions[0]
    assert isinstance(function, Polynomial)
    alike = structs.replace(function, weights=np.repeat(function.weights[:1], 5, axis=0))
    same = structs.replace(model, functions=(alike,))
    prediction = Simulator(cart.spec, predictors=(same,)).predict({"x": 0, "v": 0, "a": 0, "w": 0}, "left")

    assert [alternative.probability for alternative in prediction.alternatives] == [1.0]
    assert prediction.confidence == pytest.approx(60_000 / 65_536)


def test_predictors_that_leave_something_open_answer_nothing(gearbox: Simulator) -> None:
    half = Simulator(gearbox.spec, predictors=gearbox.predictors[1:])
    with pytest.raises(UnknownTransition):
        half.predict({"gear": "park", "speed": 1.0}, "keep")


def test_an_empty_table_predicts_nothing(ring: Simulator) -> None:
    blank = Simulator(ring.spec, predictors=(count(ring.spec, Transitions.empty(ring.spec)),))
    ahead = blank.advance(np.array([[3]]), np.array([[1]]), Key.of(1).episodes(np.arange(1)), 0)

    assert (ahead.source.tolist(), ahead.asked) == ([Source.UNKNOWN], 0)
    with pytest.raises(UnknownTransition, match="nothing is known"):
        blank.predict({"cell": 3}, "stay")


def test_a_world_that_does_not_guess_asks_no_predictor(gearbox: Simulator) -> None:
    strict = structs.replace(gearbox, spec=structs.replace(gearbox.spec, unknown="error"))

    assert strict.predict({"gear": "park", "speed": 0.0}, "keep").source is Source.OBSERVED
    with pytest.raises(UnknownTransition):
        strict.predict({"gear": "park", "speed": 1.0}, "keep")


@given(some.lists(some.tuples(some.integers(0, 1), some.integers(0, 12), some.integers(0, 1)), max_size=30))
def test_n_unknown_reads_ask_n_times_and_known_ones_never(
    gearbox: Simulator, reads: list[tuple[int, int, int]]
) -> None:
    known = {(0, 0, 0), (1, 5, 1)}
    rows = np.array(reads, dtype=np.int64).reshape(-1, 3)
    keys = Key.of(1).episodes(np.arange(len(reads)))
    ahead = gearbox.advance(rows[:, :2], rows[:, 2:], keys, 3)
    expected = [Source.OBSERVED if read in known else Source.PREDICTED for read in reads]

    assert ahead.source.tolist() == expected
    assert ahead.asked == expected.count(Source.PREDICTED)


def test_a_session_asks_only_for_steps_that_no_table_knows(gearbox: Simulator) -> None:
    parked = Session(gearbox, key=1, start={"gear": "park", "speed": 0.0})
    moving = Session(gearbox, key=1, start={"gear": "drive", "speed": 1.0})
    for _ in range(3):
        parked.step("keep")
        moving.step("keep")

    assert (parked.asked, moving.asked) == (0, 3)


def test_a_batch_is_its_rows_one_by_one(gearbox: Simulator, cart: Simulator) -> None:
    for simulator in (gearbox, cart):
        chance = np.random.default_rng(4)
        spec = simulator.spec
        states = chance.integers(spec.state.low, spec.state.high + 1, size=(40, len(spec.state)))
        states[::4] = 0
        actions = chance.integers(0, 2, size=(40, 1))
        keys, steps = Key.of(9).episodes(np.arange(40)), chance.integers(0, 50, 40)
        whole = simulator.advance(states, actions, keys, steps)
        for i in range(40):
            row = slice(i, i + 1)
            alone = simulator.advance(states[row], actions[row], keys[row], int(steps[i]))
            assert alone.next_fields.tolist() == whole.next_fields[row].tolist()
            assert alone.source.tolist() == whole.source[row].tolist()


def test_an_unknown_row_stays_where_it_is(ring: Simulator) -> None:
    ahead = Simulator(ring.spec).advance(
        np.array([[3], [4]]), np.array([[0], [1]]), Key.of(1).episodes(np.arange(2)), 0
    )

    assert ahead.next_fields.tolist() == [[3], [4]]
    assert ahead.outputs.tolist() == [[0], [0]]
    assert ahead.source.tolist() == [0, 0]
    assert ahead.asked == 0


def test_a_predictor_that_does_not_know_a_row_leaves_it_unknown(gearbox: Simulator) -> None:
    table, speeds = gearbox.predictors
    few = structs.replace(
        table, keys=table.keys[:1], offsets=table.offsets[:2], values=table.values[:1], counts=table.counts[:1]
    )
    simulator = Simulator(gearbox.spec, predictors=(few, speeds))
    ahead = simulator.advance(np.array([[0, 7], [1, 7]]), np.array([[0], [1]]), Key.of(1).episodes(np.arange(2)), 0)

    assert ahead.source.tolist() == [Source.PREDICTED, Source.UNKNOWN]
    assert ahead.next_fields[1].tolist() == [1, 7]
    assert ahead.asked == 2
    with pytest.raises(UnknownTransition):
        simulator.predict({"gear": "drive", "speed": 0.0}, "change")


def test_an_impossible_action_is_named_with_the_possible_ones(rooms: Simulator) -> None:
    with pytest.raises(InvalidValue, match="way `back` is not possible here: on is"):
        rooms.predict({"room": 0, "exits": {"on"}}, "back")


def test_a_room_without_exits_ends_the_episode(rooms: Simulator) -> None:
    prediction = rooms.predict({"room": 2, "exits": {"on", "back"}}, "on")

    assert prediction.ended
    assert rooms.predict({"room": 1, "exits": {"on", "back"}}, "on").ended is False


def test_a_stateless_world_answers_from_the_input_alone(lamp: Simulator) -> None:
    answers = [lamp.predict({"lit": lit}, "on") for lit in ("no", "yes")]

    assert [dict(answer.outputs)["lux"] for answer in answers] == [80, 80]


def test_a_world_with_a_history_starts_over_at_the_given_state(rows_of: Rows, ring: Simulator) -> None:
    spec = Spec(name="echo", history=1, state=ring.spec.state, action=ring.spec.action)
    simulator = Simulator(spec, observed=count(spec, rows_of([[1], [2]], [1, 2], [[2], [3]])))

    assert dict(simulator.predict({"cell": 1}, "stay").next) == {"cell": 2}
    with pytest.raises(UnknownTransition):
        simulator.predict({"cell": 2}, "right")


def test_a_reward_that_cannot_be_computed_is_an_error_with_its_place(rows_of: Rows, ring: Simulator) -> None:
    spec = Spec(
        name="bad", state=ring.spec.state, action=ring.spec.action, reward="1 / (state.cell - 3)", returns=(-9.0, 9.0)
    )
    simulator = Simulator(spec, observed=count(spec, rows_of([[3], [4]], [1, 1], [[4], [5]])))

    assert simulator.predict({"cell": 4}, "stay").reward == 1.0
    with pytest.raises(InvalidTask, match="division by zero"):
        simulator.predict({"cell": 3}, "stay")


def test_a_reward_is_rounded_and_clipped_the_same_in_one_and_in_many(rows_of: Rows) -> None:
    number = real(-100, 100, resolution=2.0**-10)
    spec = Spec(
        name="pay",
        state=Space(("a",), (number,)),
        action=Space(("b",), (number,)),
        reward="next.a / 3",
        returns=(-3.0, 5.0),
    )
    values = [[-90_000], [-17], [0], [5], [90_001]]
    rows = rows_of(values, [0] * 5, values)
    simulator = Simulator(spec, observed=count(spec, rows))
    paid, _, _ = simulator.pay.of_rows(rows.states, rows.actions, rows.nexts, rows.outputs)
    alone = [simulator.predict(spec.state.decode(tuple(value)), 0.0).reward for value in values]

    assert [reward * spec.reward_unit for reward in paid.tolist()] == alone
    assert (alone[0], alone[-1]) == (-8.0, 8.0)
