"""Observations and actions, both ways."""

from __future__ import annotations

import math

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st

from worldtwin.environments import observe, readings, sense, space_of, to_gymnasium, to_observation
from worldtwin.errors import InvalidValue
from worldtwin.world import Angle, Category, Field, Integer, Set, Space, real

KINDS: dict[str, Field] = {
    "real": real(-2.0, 3.0),
    "angle": Angle(),
    "pair": Angle(sources=("cos", "sin")),
    "pair_deg": Angle(unit="deg", sources=("sin", "cos")),
    "count": Integer(low=-5, high=7),
    "gear": Category(("park", "drive", "back")),
    "exits": Set(("n", "e", "s")),
}


@given(st.data())
@settings(max_examples=40)
def test_what_is_shown_is_read_back_exactly(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, unique=True))
    fields = Space(tuple(names), tuple(KINDS[name] for name in names))
    row = np.array([data.draw(st.integers(low, high)) for low, high in zip(fields.low, fields.high, strict=True)])

    shown = to_observation(fields, row)

    assert space_of(fields).contains(shown)
    assert observe(fields, shown, space_of(fields)) == tuple(row)


def test_an_angle_takes_the_two_numbers_that_its_sources_name() -> None:
    fields = Space(("theta", "speed"), (Angle(sources=("cos", "sin")), real(-8, 8)))

    found = readings(fields, np.array([0.0, 1.0, -2.0], dtype=np.float32))

    assert found == {"theta": pytest.approx(math.pi / 2), "speed": -2.0}


def test_categories_are_numbered_in_order_and_choices_may_begin_anywhere() -> None:
    fields = Space(("gear",), (KINDS["gear"],))

    assert readings(fields, 1) == {"gear": "drive"}
    assert readings(fields, np.int64(7), spaces.Discrete(3, start=6)) == {"gear": "drive"}
    assert to_gymnasium(fields, np.array([1]), spaces.Discrete(3, start=6)) == 7


def test_a_choice_of_integers_is_the_integer_itself() -> None:
    fields = Space(("count",), (KINDS["count"],))
    shape = space_of(fields)

    assert shape == spaces.Discrete(13, start=-5)
    assert observe(fields, np.int64(-4), shape) == (-4,)


def test_mappings_go_by_name() -> None:
    fields = Space(("speed_1", "gear", "pair", "speed_0"), (real(-8, 8), KINDS["gear"], KINDS["pair"], real(-8, 8)))
    shown = {"gear": np.int64(2), "speed": np.array([1.0, 2.0]), "cos_pair": 1.0, "sin_pair": 0.0}

    assert readings(fields, shown) == {"speed_1": 2.0, "gear": "back", "pair": 0.0, "speed_0": 1.0}
    with pytest.raises(InvalidValue, match="shows no `gear`: did you mean `gears`"):
        readings(fields, {"gears": 1, "speed_0": 0.0, "speed_1": 0.0})


def test_mappings_are_written_by_name() -> None:
    fields = Space(("gear", "speed_0", "speed_1"), (KINDS["gear"], real(-8, 8), real(-8, 8)))
    shape = spaces.Dict({"speed": spaces.Box(-8, 8, (2,), np.float64), "gear": spaces.Discrete(3)})
    row = np.array(fields.encode({"gear": "back", "speed_0": 1.0, "speed_1": 2.0}))

    written = to_gymnasium(fields, row, shape)

    assert shape.contains(written)
    assert observe(fields, written) == tuple(row)


@pytest.mark.parametrize(
    "shape",
    [
        spaces.Tuple((spaces.Discrete(3), spaces.Box(-2, 3, (1,), np.float64), spaces.MultiBinary(3))),
        spaces.Box(-8, 8, (5,), np.float64),
    ],
)
def test_nested_spaces_are_filled_in_order(shape: gymnasium.Space[object]) -> None:
    fields = Space(("gear", "real", "exits"), (KINDS["gear"], KINDS["real"], KINDS["exits"]))
    row = np.array(fields.encode({"gear": "back", "real": 1.5, "exits": {"e", "s"}}))

    written = to_gymnasium(fields, row, shape)

    assert shape.contains(written)
    assert observe(fields, written) == tuple(row)


def test_several_choices_are_one_array() -> None:
    fields = Space(("gear", "count"), (KINDS["gear"], KINDS["count"]))

    assert space_of(fields) == spaces.MultiDiscrete([3, 13], start=[0, -5])


@pytest.mark.parametrize(
    ("shown", "reason"), [([1.0], "has 1 number, but real, gear take 2"), (["x", 1, 2], "has 3 numbers")]
)
def test_too_few_or_too_many_numbers_are_refused(shown: list[object], reason: str) -> None:
    with pytest.raises(InvalidValue, match=reason):
        readings(Space(("real", "gear"), (KINDS["real"], KINDS["gear"])), shown)


def test_readings_out_of_range_are_counted_and_nan_is_refused() -> None:
    fields = Space(("real", "count"), (KINDS["real"], KINDS["count"]))

    row, outside = sense(fields, {"real": 99.0, "count": -77})

    assert outside == 2
    assert row.tolist() == [[fields.high[0], -5]]
    with pytest.raises(InvalidValue, match="real: nan is not a finite number"):
        sense(fields, {"real": math.nan, "count": 0})
    with pytest.raises(InvalidValue, match="outside"):
        observe(fields, [99.0, 0.0])
