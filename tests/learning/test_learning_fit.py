"""From transitions to a simulator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from measured_rows import episodes_of

import worldtwin as wt
from worldtwin.errors import InvalidSpec, TracesError
from worldtwin.exact import Key
from worldtwin.learning import fit
from worldtwin.simulation import Regressor, Simulator, Source, Table
from worldtwin.world import Angle, Category, Integer, Set, Space, Spec, Transitions, real

RING = Spec(
    name="ring",
    state=Space(names=("place", "door"), fields=(Integer(low=0, high=9), Category(("shut", "open")))),
    action=Space(names=("move",), fields=(Category(("back", "on")),)),
    horizon=20,
)
MIXED = Spec(
    name="mixed",
    state=Space(
        names=("x", "way", "level", "mode", "exits"),
        fields=(real(-10, 10), Angle(), Integer(low=0, high=50), Category(("a", "b", "c")), Set(("n", "e"))),
    ),
    action=Space(names=("push", "turn"), fields=(real(-1, 1), Category(("left", "none", "right")))),
    outputs=Space(names=("reward", "terminated"), fields=(real(-50, 50), Integer(low=0, high=1))),
    horizon=30,
)


def table_of(rows: Transitions) -> Table:
    simulator = fit(RING, rows, key=1)
    assert simulator.observed is not None
    return simulator.observed


def ring(episodes: int, seed: int, *, first: int = 0) -> Transitions:
    """Walks around ten places; the door opens now and then."""
    chance, length = np.random.default_rng(seed), 20
    states, actions, nexts = [], [], []
    for _ in range(episodes):
        here = [int(chance.integers(10)), 0]
        for _ in range(length):
            move = int(chance.integers(2))
            there = [(here[0] + 2 * move - 1) % 10, int(chance.random() < 0.3)]
            states.append(here)
            actions.append([move])
            nexts.append(there)
            here = there
    return Transitions(
        states=np.array(states),
        actions=np.array(actions),
        nexts=np.array(nexts),
        outputs=np.zeros((len(states), 0), dtype=np.int64),
        episodes=np.repeat(np.arange(first, first + episodes), length),
        steps=np.tile(np.arange(length), episodes),
        synthetic=np.zeros(len(states), dtype=np.bool_),
    )


def mixed(count: int, seed: int, length: int = 25) -> Transitions:
    """A world of every kind of field: x follows push, the way turns, the level climbs where the mode says so."""
    chance = np.random.default_rng(seed)
    low, high = MIXED.state.low, MIXED.state.high
    states = np.stack([chance.integers(a // 2, b // 2 + 1, size=count) for a, b in zip(low, high, strict=True)], axis=1)
    actions = np.stack([chance.integers(-(2**20), 2**20, size=count), chance.integers(0, 3, size=count)], axis=1)
    states[:, 3] = chance.integers(0, 3, size=count)
    nexts = states.copy()
    nexts[:, 0] += actions[:, 0] // 4
    nexts[:, 1] += (actions[:, 1] - 1) * 2**18
    nexts[:, 2] = np.minimum(50, states[:, 2] + (states[:, 3] == 1))
    nexts[:, 3] = (states[:, 3] + 1) % 3
    outputs = np.stack([states[:, 0] // 2, (nexts[:, 2] > 24).astype(np.int64)], axis=1)
    nexts[:, 1] = (nexts[:, 1] + 2**23) % 2**24 - 2**23
    return episodes_of(states, actions, nexts, outputs, length=length)


def same(a: Table, b: Table) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("keys", "offsets", "values", "counts"))


@pytest.mark.slow
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 100))
@settings(max_examples=10, deadline=None)
def test_fitting_two_recordings_one_after_the_other_counts_as_fitting_both(few: int, more: int, seed: int) -> None:
    one, other = ring(few, seed), ring(more, seed + 1, first=few)
    base = fit(RING, one, key=1)
    together = fit(RING, Transitions.join([one, other]), key=1)
    assert base.observed is not None
    after = fit(RING, other, base=base, key=1)
    assert after.observed is not None
    assert same(after.observed, table_of(Transitions.join([one, other])))
    assert together.observed is not None
    assert same(after.observed, together.observed)


def test_a_simulator_knows_what_it_was_fitted_to() -> None:
    rows = ring(20, 1)
    simulator = fit(RING, rows, key=1)
    ahead = simulator.advance(rows.states, rows.actions, Key.of(3).episodes(np.arange(len(rows))), 0)
    assert (ahead.source == Source.OBSERVED).all()
    assert (ahead.next_fields[:, 0] == rows.nexts[:, 0]).all()
    assert {*simulator.starts[:, 0].tolist()} <= set(range(10))


def test_what_was_never_seen_is_a_marked_guess() -> None:
    rows = ring(20, 1)
    simulator = fit(RING, rows.select(rows.states[:, 0] != 4), key=1)
    answer = simulator.predict({"place": 4, "door": "shut"}, {"move": "on"})
    assert answer.source == Source.PREDICTED


def test_synthetic_rows_are_counted_apart() -> None:
    real_rows, made_up = ring(12, 1), ring(2, 2, first=100)
    marked = Transitions.join([real_rows, made_up.select(np.arange(len(made_up)))])
    marked = Transitions(
        **{name: getattr(marked, name) for name in marked.__struct_fields__ if name != "synthetic"},
        synthetic=marked.episodes >= 100,
    )
    both = fit(RING, marked, key=1)
    assert both.observed is not None
    assert both.synthetic is not None
    assert same(both.observed, table_of(real_rows))
    assert both.report is not None
    assert both.report.synthetic == len(made_up)
    recorded = fit(RING, marked, sources="recorded", key=1)
    assert recorded.synthetic is None
    made = fit(RING, marked, sources="synthetic", key=1)
    assert made.observed is None
    assert len(made.starts)


def test_a_stateless_world_asks_for_the_action_only() -> None:
    lamp = Spec(
        name="lamp",
        state=Space(names=("light",), fields=(real(0, 100),)),
        action=Space(names=("switch",), fields=(Category(("off", "on")),)),
        stateless=True,
    )
    chance = np.random.default_rng(1)
    switch = chance.integers(0, 2, size=200)
    rows = episodes_of(chance.integers(0, 1000, size=(200, 1)), switch[:, None], switch[:, None] * 5000, length=10)
    simulator = fit(lamp, rows, key=1)
    assert simulator.observed is not None
    assert len(simulator.observed.keys) == 2
    assert simulator.report is not None
    assert simulator.report.coverage == 1.0
    assert simulator.predict({"light": 77.0}, {"switch": "on"}).source == Source.OBSERVED


@pytest.mark.slow
def test_every_kind_of_field_and_output_is_learned() -> None:
    simulator = fit(MIXED, mixed(2000, 1), key=1)
    fresh = mixed(300, 2)
    ahead = simulator.advance(fresh.states, fresh.actions, Key.of(1).episodes(np.arange(300)), 0)
    assert simulator.observed is None
    assert (ahead.source == Source.PREDICTED).all()
    assert np.abs(ahead.next_fields[:, 0] - fresh.nexts[:, 0]).max() <= 2**12
    assert (np.abs(ahead.next_fields[:, 1] - fresh.nexts[:, 1]) % 2**24).max() <= 2**10
    assert (ahead.next_fields[:, 2] == fresh.nexts[:, 2]).mean() > 0.9
    assert (ahead.next_fields[:, 3] == fresh.nexts[:, 3]).mean() > 0.3
    assert np.abs(ahead.outputs[:, 0] - fresh.outputs[:, 0]).max() <= 2**12
    assert (ahead.outputs[:, 1] == fresh.outputs[:, 1]).mean() > 0.7
    assert simulator.report is not None
    assert [field.name for field in simulator.report.fields] == [*MIXED.state.names, *MIXED.outputs.names]


@pytest.mark.slow
@given(st.integers(1, 40), st.integers(0, 1000), st.integers(1, 50))
@settings(max_examples=25, deadline=None)
def test_any_handful_of_rows_gives_a_simulator(count: int, seed: int, length: int) -> None:
    rows = mixed(count, seed, length)
    simulator = fit(MIXED, rows, key=seed)
    ahead = simulator.advance(rows.states, rows.actions, Key.of(1).episodes(np.arange(count)), 0)
    assert (ahead.next_fields >= MIXED.state.low).all()
    assert (ahead.next_fields <= MIXED.state.high).all()


@pytest.mark.slow
@given(st.integers(1, 60))
@settings(max_examples=10, deadline=None)
def test_a_world_where_nothing_ever_happens_is_learned(count: int) -> None:
    one = mixed(1, 1)
    still = episodes_of(
        np.repeat(one.states, count, axis=0),
        np.repeat(one.actions, count, axis=0),
        np.repeat(one.states, count, axis=0),
        np.repeat(one.outputs, count, axis=0),
        length=count,
    )
    simulator = fit(MIXED, still, key=1)
    ahead = simulator.advance(one.states, one.actions, Key.of(1).episodes(np.arange(1)), 0)
    assert ahead.next_fields.tolist() == one.states.tolist()


@pytest.mark.slow
def test_the_same_key_gives_the_same_simulator() -> None:
    rows = mixed(400, 1)
    assert wt.digest(fit(MIXED, rows, key=5)) == wt.digest(fit(MIXED, rows, key=5))
    assert wt.digest(fit(MIXED, rows, key=5)) != wt.digest(fit(MIXED, rows, key=6))


def test_history_is_an_input() -> None:
    spec = Spec(
        name="echo",
        state=Space(names=("x",), fields=(real(-4, 4),)),
        action=Space(names=("push",), fields=(real(-1, 1),)),
        history=1,
    )
    pushes = np.random.default_rng(1).integers(-(2**20), 2**20, size=600)
    x = np.concatenate([[0, 0], np.cumsum(np.diff(pushes))])[:601]
    rows = episodes_of(x[:600, None], pushes[:, None], x[1:, None], length=30)
    report = fit(spec, rows, key=1).report
    assert report is not None
    assert report.fields[0].one_step_error == 0.0


def test_nothing_to_learn_from_is_said_in_one_sentence() -> None:
    with pytest.raises(TracesError, match="no transitions of `ring` to learn from; record some runs"):
        fit(RING, Transitions.empty(RING), key=1)
    with pytest.raises(TracesError, match="no synthetic transitions of `ring`"):
        fit(RING, ring(2, 1), sources="synthetic", key=1)


def test_transitions_of_another_world_are_refused() -> None:
    with pytest.raises(TracesError, match="another world than `mixed`"):
        fit(MIXED, ring(2, 1), key=1)


def test_a_base_of_another_world_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="another world than `ring`: its state differs"):
        fit(RING, ring(2, 1), base=Simulator(spec=MIXED), key=1)


def test_a_listener_hears_the_work_advance() -> None:
    heard: list[float] = []
    fit(RING, ring(2, 1), key=1, progress=lambda done, _: heard.append(done))
    assert heard == sorted(heard)
    assert heard[0] == 0.0
    assert heard[-1] == 1.0


def test_targets_shifted_by_one_step_show_in_the_score() -> None:
    rows = ring(40, 1)
    shifted = Transitions(
        **{name: getattr(rows, name) for name in rows.__struct_fields__ if name != "nexts"},
        nexts=np.concatenate([rows.nexts[1:], rows.nexts[:1]]),
    )
    right, wrong = fit(RING, rows, key=1).report, fit(RING, shifted, key=1).report
    assert right is not None
    assert wrong is not None
    assert right.fields[0].one_step_error == 0.0
    assert (wrong.fields[0].one_step_error or 0.0) > 0.3


@pytest.mark.slow
def test_the_predictors_are_polynomials_and_tables() -> None:
    kinds = {type(model) for model in fit(MIXED, mixed(100, 1), key=1).predictors}
    assert kinds == {Regressor, Table}


@pytest.mark.parametrize(("part", "column"), [("states", 0), ("actions", 0), ("nexts", 1)])
@pytest.mark.parametrize("value", [-1, 1 << 60])
def test_values_that_no_field_can_have_are_refused(part: str, column: int, value: int) -> None:
    rows = ring(3, seed=1)
    getattr(rows, part)[7, column] = value
    with pytest.raises(TracesError, match=f"row 7: .* is {value} on its lattice, declared are 0 to"):
        fit(RING, rows, key=1)


def test_steps_out_of_their_order_are_refused() -> None:
    rows = ring(3, seed=1)
    with pytest.raises(TracesError, match="row 1 is step 18 of episode 2, after step 19: give the steps of an episode"):
        fit(RING, rows.select(np.arange(len(rows))[::-1]), key=1)


def test_an_episode_in_two_pieces_is_refused() -> None:
    rows = ring(3, seed=1)
    order = np.r_[20, 21, 0:20, 22:60]
    with pytest.raises(TracesError, match="row 22 goes on with episode 1 after rows of another: give the rows of an"):
        fit(RING, rows.select(order), key=1)
