"""Laws of the vocabulary: the lattice, the spaces, the canonical bytes."""

import contextlib
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured_rows import episodes_of

from worldtwin.errors import InvalidFile, InvalidSpec, InvalidValue
from worldtwin.world import (
    Angle,
    Category,
    Done,
    Field,
    HorizonError,
    Integer,
    Real,
    Set,
    Space,
    Spec,
    StartRange,
    Transitions,
    bounds,
    canonical,
    decode,
    decode_canonical,
    decode_column,
    digest,
    encode,
    encode_column,
    plain,
    real,
    typed,
)

FLOATS = st.floats(-1e6, 1e6)


@st.composite
def reals(draw: st.DrawFn) -> Real:
    low = draw(FLOATS)
    return real(low, low + draw(st.floats(1, 1e6)))


FIELDS = st.one_of(
    reals(),
    st.sampled_from([Angle(), Angle(unit="deg"), Angle(unit="turn")]),
    st.builds(lambda low, width: Integer(low=low, high=low + width), st.integers(-1000, 1000), st.integers(0, 1000)),
    st.builds(Category, st.lists(st.text("abcdef", min_size=1), min_size=1, max_size=8, unique=True).map(tuple)),
    st.builds(Set, st.lists(st.text("abcdef", min_size=1), min_size=1, max_size=8, unique=True).map(tuple)),
)


@given(FIELDS, st.data())
def test_every_lattice_value_reads_back_as_itself(field: Field, data: st.DataObject) -> None:
    lattice = data.draw(st.integers(*bounds(field)))
    assert encode(field, decode(field, lattice)) == lattice


@given(reals())
def test_the_ends_of_a_range_read_back_and_nothing_beyond_them(field: Real) -> None:
    ends = list(bounds(field))
    values = [decode(field, lattice) for lattice in ends]
    beyond = [decode(field, ends[0] - 1), decode(field, ends[1] + 1)]

    assert [encode(field, value) for value in (*values, field.low, field.high)] == ends * 2
    assert encode_column(field, values)[0].tolist() == ends
    assert encode_column(field, [*values, field.low, field.high, *beyond])[1].tolist() == [True] * 4 + [False] * 2
    for value in beyond:
        with pytest.raises(InvalidValue, match="outside"):
            encode(field, value)


@given(reals(), st.floats(0, 1))
def test_a_real_reads_back_within_half_a_step(field: Real, share: float) -> None:
    value = min(field.low + share * (field.high - field.low), field.high)
    assert abs(decode(field, encode(field, value)) - value) <= 2.0**-field.exponent / 2
    assert (field.high - field.low) * 2.0**field.exponent >= 2**24


@given(FLOATS)
def test_an_angle_reads_back_as_the_same_direction(value: float) -> None:
    back = decode(Angle(), encode(Angle(), value))
    assert -math.pi <= back < math.pi
    assert math.cos(back - value) > 1 - 1e-9


@given(FIELDS, st.data())
def test_a_column_equals_its_values_one_by_one(field: Field, data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.integers(*bounds(field)), min_size=1, max_size=9)), dtype=np.int64)
    values = [decode(field, int(row)) for row in rows]
    clipped = [min(max(v, field.low), field.high) for v in values] if isinstance(field, Real) else values
    lattice, valid = encode_column(field, clipped)
    assert valid.all()
    assert np.array_equal(lattice, rows)
    assert len(decode_column(field, rows)) == len(rows)


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        (real(0, 1), math.nan), (real(0, 1), 1.1), (real(0, 1), "x"), (real(0, 1), None), (Angle(), math.inf),
        (Integer(low=0, high=3), 1.5), (Integer(low=0, high=3), 4), (Category(("a",)), "b"), (Set(("a",)), ["b"]),
        (Integer(low=0, high=3), 10**400), (Category(("a",)), {"a": 1}), (Set(("a",)), [["a"]]),
    ],
)  # fmt: skip
def test_what_is_impossible_is_marked_and_never_clipped(field: Field, bad: object) -> None:
    _, valid = encode_column(field, [bad])
    assert not valid[0]
    with pytest.raises(InvalidValue, match=r"not|outside"):
        encode(field, bad)


def test_a_point_is_read_by_name_and_compares_by_value() -> None:
    space = Space(("push", "speed"), (Category(("left", "right")), real(0, 1)))
    point = space.decode(space.encode({"push": "right", "speed": 0.5}))
    assert (point.push, point["speed"], dict(point)) == ("right", 0.5, {"push": "right", "speed": 0.5})
    assert point == {"push": "right", "speed": 0.5}
    assert space.encode(point) == point.lattice
    with pytest.raises(InvalidValue, match="unknown field `sped`: did you mean `speed`"):
        space.encode({"push": "left", "sped": 1})
    with pytest.raises(InvalidValue, match="missing field speed"):
        space.encode({"push": "left"})
    with pytest.raises(InvalidValue, match=r"push: `up` is not one of its values"):
        space.encode({"push": "up", "speed": 0})


def spec(**parts: object) -> Spec:
    fields = {"name": "w", "state": Space(("x", "way"), (Integer(low=0, high=9), Set(("n", "e")))),
              "action": Space(("go",), (Category(("n", "e", "wait")),)), **parts}  # fmt: skip
    return Spec(**fields)


def test_possible_actions_follow_the_field_and_the_others_are_always_possible() -> None:
    world = spec(possible="way")
    masks = world.possible_actions(np.array([[0, 0b00], [0, 0b01], [0, 0b10]]))
    assert masks is not None
    assert masks.tolist() == [[False, False, True], [True, False, True], [False, True, True]]
    assert spec().possible_actions(np.zeros((1, 2), dtype=np.int64)) is None


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"version": "1"}, "version: `1` is not a version"),
        ({"returns": (5.0, 0.0)}, r"returns: \[5, 0\] is reversed"),
        ({"reward": "1"}, "needs the bounds"),
        ({"returns": (1e9, 1e9 + 1)}, "returns: .* cannot be counted exactly"),
        ({"returns": (0.0, 1e-320)}, "returns: .* cannot be counted exactly"),
        ({"returns": (-1.7e308, 1.7e308)}, "returns: .* cannot be counted exactly"),
        ({"outputs": Space(tuple(f"o{i}" for i in range(257)), (Integer(low=0, high=1),) * 257)}, "outputs: 257"),
        ({"possible": "y"}, "possible: unknown field `y`"),
        ({"possible": "x"}, "must be a set"),
        ({"horizon": 0}, "horizon"),
        ({"history": 99}, "history"),
        ({"start": {"x": StartRange(0, 99), "way": StartRange(0, 0)}}, "outside of the field's range"),
        ({"start": {"x": StartRange(0, 1)}}, "say where way starts too"),
        ({"objective": ("cases", "retrun")}, "did you mean `return`"),
    ],
)
def test_a_spec_refuses_parts_that_do_not_fit(parts: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidSpec, match=message):
        spec(**parts)


def test_a_spec_lists_all_its_problems_at_once() -> None:
    with pytest.raises(InvalidSpec) as caught:
        spec(version="1", horizon=0, possible="y")
    assert [problem.path for problem in caught.value.problems] == ["version", "horizon", "possible"]


@given(st.integers(0, 3), st.integers(1, 20))
def test_recorded_history_equals_shifting_step_by_step(history: int, steps: int) -> None:
    world = spec(history=history)
    fields = np.stack([np.arange(steps + 1) % 10, np.arange(steps + 1) % 4], axis=1)
    actions = (np.arange(steps) % 3)[:, None]
    rows = episodes_of(fields[:-1], actions, fields[1:], length=steps)
    state = world.start_rows(fields[:1])
    for step, full in enumerate(rows.full_states(world)):
        assert np.array_equal(state[0], full)
        state = world.shift(state, actions[[step]], fields[[step + 1]])
    assert world.width == state.shape[1]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 2), st.booleans()), max_size=20))
def test_a_row_follows_when_it_is_the_next_step_of_the_same_episode(found: list[tuple[int, int, bool]]) -> None:
    numbers = np.array(found, dtype=np.int64).reshape(-1, 3)
    nothing = np.zeros((len(found), 0), dtype=np.int64)
    rows = Transitions(
        states=nothing, actions=nothing, nexts=nothing, outputs=nothing,
        episodes=numbers[:, 0], steps=numbers[:, 1], synthetic=numbers[:, 2].astype(np.bool_),
    )  # fmt: skip
    expected = [
        before == (episode, step - 1, made_up) for before, (episode, step, made_up) in itertools.pairwise(found)
    ]
    assert rows.follows.tolist() == [False, *expected][: len(found)]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(PLAIN)
def test_canonical_bytes_read_back(value: object) -> None:
    assert decode_canonical(canonical(value)) == value


def test_a_spec_and_its_bytes_are_the_same_value() -> None:
    world = spec(reward="1", returns=(0.0, 0.1), possible="way")
    again = typed(plain(world), Spec)
    assert again == world
    assert digest(again) == digest(world) != digest(spec())
    assert b"\xfb" not in canonical({"x": 0.5})


def test_whole_numbers_where_floats_belong_change_nothing() -> None:
    whole = spec(returns=(0, 5), step_seconds=1, done=Done(known=1, horizon_error=HorizonError(steps=5, below=1)))
    floats = spec(returns=(0.0, 5.0), step_seconds=1.0, done=Done(known=1.0, horizon_error=HorizonError(5, 1.0)))
    assert digest(whole) == digest(floats) == digest(typed(plain(whole), Spec))


def test_goals_that_are_not_asked_for_leave_no_bytes() -> None:
    asked = Done(width=1, plateau=0.005)

    assert set(plain(Done())) == {"known", "coverage", "horizon_error", "calibration"}
    assert typed(plain(asked), Done) == asked == Done(width=1.0, plateau=0.005)
    assert digest(asked) == digest(Done(width=1.0, plateau=0.005)) != digest(Done())


def test_a_set_has_one_order_whatever_the_process() -> None:
    names = [f"way{number:02}" for number in range(30)]

    assert plain({"ways": frozenset(names)}) == {"ways": names}


@pytest.mark.parametrize(
    "body",
    ["a2616101616102", "1801", "9f01ff", "a2616201616102", "f93c00", "fb7ff8000000000000", "c24101", "0101", "f7",
     "81" * 10_000 + "00", "9b00ffffffffffffff", "5b00ffffffffffffff", "61ff", "a10102", ""],
)  # fmt: skip
def test_bytes_that_are_not_canonical_are_refused(body: str) -> None:
    with pytest.raises(InvalidFile, match=r"canonical|nested|not allowed|no text"):
        decode_canonical(bytes.fromhex(body))


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidFile):
        assert canonical(decode_canonical(body)) == body


def shared(depth: int, width: int) -> bytes:
    """A few bytes that stand for `width`^`depth` items: each list refers `width` times to the one before."""
    lists = [
        b"\xd8\x1c\x80",
        *(b"\xd8\x1c" + bytes([0x80 + width]) + bytes([0xD8, 0x1D, n]) * width for n in range(depth)),
    ]
    return bytes([0x80 + len(lists)]) + b"".join(lists)


def repeated(length: int, times: int) -> bytes:
    """A text and `times` references to it."""
    text = b"\x79" + length.to_bytes(2, "big") + b"x" * length
    return b"\xd9\x01\x00\x99" + (times + 1).to_bytes(2, "big") + text + b"\xd8\x19\x00" * times


@pytest.mark.parametrize("body", [shared(14, 20), repeated(60_000, 60_000)])
def test_bytes_that_repeat_parts_of_themselves_are_refused_at_once(body: bytes) -> None:
    with pytest.raises(InvalidFile, match="repeat parts of themselves"):
        decode_canonical(body)
