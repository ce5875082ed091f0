"""A simulator as a value: what it refuses, its identity, where episodes begin."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec import structs

from worldtwin.errors import InvalidFile, InvalidSpec, InvalidValue
from worldtwin.exact import Key
from worldtwin.simulation import FieldReport, Polynomial, Report, Simulator
from worldtwin.world import (
    Integer,
    Space,
    Spec,
    StartRange,
    StartValues,
    canonical,
    decode_canonical,
    digest,
    real,
    typed,
)

NAMES = ("ring", "cart", "gearbox", "rooms")


@pytest.mark.parametrize("name", NAMES)
def test_a_simulator_comes_back_from_its_bytes(name: str, world: Callable[[str], tuple[Simulator, object]]) -> None:
    simulator, _ = world(name)
    again = typed(decode_canonical(canonical(simulator)), Simulator)

    assert again.digest == simulator.digest
    assert digest(again) == again.digest
    assert canonical(again) == canonical(simulator)


def test_the_report_is_not_part_of_the_identity(ring: Simulator) -> None:
    report = Report(transitions=600, known=0.99, fields=(FieldReport(name="cell", model="table", one_step_error=0.1),))
    told = structs.replace(ring, report=report)

    assert told.digest == ring.digest
    assert typed(decode_canonical(canonical(told)), Simulator).report == report


def test_one_count_more_is_another_simulator(ring: Simulator) -> None:
    assert ring.observed is not None
    counts = ring.observed.counts.copy()
    counts[0] += 1
    other = structs.replace(ring, observed=structs.replace(ring.observed, counts=counts))

    assert other.digest != ring.digest


@given(some.integers(0, 4000), some.integers(0, 7))
def test_no_other_bytes_are_this_simulator(gearbox: Simulator, at: int, bit: int) -> None:
    body = bytearray(canonical(gearbox))
    body[at % len(body)] ^= 1 << bit
    try:
        other = typed(decode_canonical(bytes(body)), Simulator)
    except (InvalidFile, InvalidSpec):
        return
    assert other.digest != gearbox.digest or canonical(other) != bytes(body)


STATES: dict[str, Callable[[], np.ndarray]] = {
    "expected shape": lambda: np.zeros((1, 2), dtype=np.int64),
    "expected 64-bit": lambda: np.zeros((1, 1), dtype=np.int32),
    "4097 states are more": lambda: np.zeros((4097, 1), dtype=np.int64),
    "above its fields": lambda: np.full((1, 1), 12),
    "below its fields": lambda: np.full((1, 1), -1),
}


@pytest.mark.parametrize("name", ["recorded", "starts"])
@pytest.mark.parametrize("reason", STATES)
def test_states_that_are_not_of_this_world_are_refused(reason: str, name: str, ring: Simulator) -> None:
    with pytest.raises(InvalidFile, match=reason):
        structs.replace(ring, **{name: STATES[reason]()})


def test_recorded_states_of_a_history_are_checked_column_by_column() -> None:
    cell = Integer(low=0, high=3)
    spec = Spec(name="echo", history=1, state=Space(("a",), (cell,)), action=Space(("b",), (Integer(low=5, high=9),)))

    assert len(Simulator(spec, recorded=np.array([[3, 0, 9]])).recorded) == 1
    with pytest.raises(InvalidFile, match="above"):
        Simulator(spec, recorded=np.array([[3, 9, 9]]))
    with pytest.raises(InvalidFile, match="below"):
        Simulator(spec, recorded=np.array([[3, 0, 4]]))


@pytest.mark.parametrize("terms", [4096, 3800])
def test_predictors_that_take_too_much_work_are_refused(terms: int, cart: Simulator) -> None:
    model, count, members = cart.predictors[0], 17, 64
    spec = structs.replace(cart.spec, outputs=Space(tuple("abcdefghijklmnopq"), (real(0, 1),) * count))
    polynomial = Polynomial(
        terms=np.full((terms, 3), -1),
        weights=np.zeros((members, terms, count), dtype=np.int64),
        shifts=np.zeros((members, count), dtype=np.int64),
    )
    heavy = structs.replace(
        model,
        functions=(polynomial,),
        targets=tuple(range(4, 4 + count)),
        bases=(-1,) * count,
        **{name: np.ones(count, dtype=np.int64) for name in ("lows", "highs", "tolerances")},
    )

    if terms < 3850:
        assert Simulator(spec, predictors=(heavy,)).predictors == (heavy,)
    else:
        with pytest.raises(InvalidFile, match="4,460,550 operations a step are more than 4,194,304"):
            Simulator(spec, predictors=(heavy,))


def test_a_simulator_of_nothing_knows_only_its_bounds(ring: Simulator) -> None:
    simulator = Simulator(ring.spec)

    assert simulator.recorded.shape == (0, 1)
    assert simulator.sources.tables == []


@given(some.integers(0, 1 << 40))
def test_starts_are_drawn_within_their_range(ring: Simulator, seed: int) -> None:
    rows = ring.start_states(seed, 50)

    assert rows.shape == (50, 1)
    assert ((rows >= 1) & (rows <= 11)).all()
    assert (rows == ring.start_states(Key.of(seed).episodes(np.arange(50)))).all()


def test_all_starts_of_a_range_occur(ring: Simulator) -> None:
    assert sorted(set(ring.start_states(1, 500)[:, 0].tolist())) == list(range(1, 12))


def test_starts_that_are_listed_are_drawn_from_the_list_and_wide_ranges_from_end_to_end() -> None:
    wide = Integer(low=0, high=1 << 51)
    spec = Spec(
        name="starts",
        state=Space(("a", "b"), (wide, wide)),
        action=Space(("c",), (wide,)),
        start={"a": StartValues((3, 5)), "b": StartRange(1 << 20, 1 << 50)},
    )
    rows = Simulator(spec).start_states(1, 2000)

    assert set(rows[:, 0].tolist()) == {3, 5}
    assert rows[:, 1].min() < 1 << 41
    assert rows[:, 1].max() > (1 << 50) - (1 << 41)
    assert ((rows[:, 1] >= 1 << 20) & (rows[:, 1] <= 1 << 50)).all()


def test_recorded_starts_are_drawn_from_what_was_recorded(ring: Simulator) -> None:
    spec = structs.replace(ring.spec, start=None)
    simulator = Simulator(spec, starts=np.array([[2], [7]]))

    assert set(simulator.start_states(1, 50)[:, 0].tolist()) == {2, 7}


def test_without_a_start_the_error_says_what_to_do() -> None:
    spec = Spec(name="bare", state=Space(("a",), (real(0, 1),)), action=Space(("b",), (real(0, 1),)))
    with pytest.raises(InvalidValue, match="record some runs or give `start:`"):
        Simulator(spec).start_states(1, 1)


def test_what_a_simulator_holds_cannot_be_changed(ring: Simulator) -> None:
    simulator = structs.replace(ring, recorded=np.array([[3]]))
    assert simulator.observed is not None
    for array in (simulator.recorded, simulator.observed.counts, simulator.observed.keys):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
