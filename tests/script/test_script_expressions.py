"""Expressions: what is refused, in which words, and what the results are."""

from __future__ import annotations

import numpy as np
import pytest

from worldtwin.errors import InvalidScript
from worldtwin.script import Trapped, check_expression, ends, predicate, reward
from worldtwin.world import Angle, Category, Integer, Real, Set, Space, Spec

STATE = Space(
    ("position", "angle", "gear", "exits", "floor"),
    (
        Real(low=-4.8, high=4.8, exponent=20),
        Angle(),
        Category(("park", "drive")),
        Set(("n", "e", "s", "w")),
        Integer(low=0, high=40),
    ),
)
ACTION = Space(("move",), (Category(("n", "s", "wait")),))
RECORDS = {"state": STATE, "action": ACTION, "next": STATE, "outputs": Space()}
SPEC = Spec(
    name="cart",
    state=STATE,
    action=ACTION,
    reward="1 - abs(next.position)",
    ends="abs(next.position) > 2.4 or abs(next.angle) > 0.2095",
    returns=(0.0, 500.0),
)

REFUSED = {
    "nxt.position": "unknown record `nxt`: did you mean `next`? (column 1)",
    "abs(nxt.position) > 2.4": "unknown record `nxt`: did you mean `next`? (column 5)",
    "next.posiion": "unknown field `posiion` of next: did you mean `position`? (column 1)",
    "sine(1)": "unknown function `sine`: did you mean `sin`? (column 1)",
    'state.gear == "parc"': "unknown value `parc` of state.gear: did you mean `park`? (column 15)",
    '"q" in state.exits': "unknown value `q` of state.exits: known are n, e, s, w (column 1)",
    'state.gear in ["park", "fly"]': "unknown value `fly` of state.gear: known are park, drive (column 24)",
    "state": "`state` is a record: name one of its fields, like `state.position` (column 1)",
    "sin": "`sin` is a function: call it, like `sin(...)` (column 1)",
    "outputs.speed": "unknown field `speed` of outputs: it has no fields (column 1)",
    "1 +": "something is missing at the end (column 4)",
    "sin(2": "this `(` is never closed (column 4)",
    "sin 2)": "this `)` closes nothing (column 6)",
    "": "an expression is expected here (column 1)",
    "1if state.floor else 2": "`1if` runs a number into a word: put a space between them (column 1)",
    "state.gear < 'park'": "names have no order: `<` compares numbers, use `==` or `!=` (column 1)",
    "True and 1": "`and` joins tests, this is an int: compare it with something (column 10)",
    "state.floor & 1": "`&` is not part of the script language: write `and` (column 1)",
    "state.floor is 1": "`is` is not part of the script language: write `==` (column 1)",
    "state.position ** 0.5": "a power needs a whole number from 0 to 16, or use `exp` and `log` (column 19)",
    "9223372036854775808": "this int needs more than 64 bits: write it as a float, like 1e20 (column 1)",
    "1e999": "this float is too large: the largest is about 1.8e308 (column 1)",
    "None": "None is not part of the script language: use numbers and names (column 1)",
    "2j": "a complex is not part of the script language: use numbers and names (column 1)",
    "sin(1, 2)": "`sin` takes 1 argument, not 2 (column 1)",
    "min(1)": "`min` takes 2 to 64 arguments, not 1 (column 1)",
    "state.position in [1, 2]": "`in` finds ints and names, this is a float: compare it with `==` or `<` (column 1)",
    "1 in state.exits": "a set has names, this is an int: known are n, e, s, w (column 1)",
    "1 < state.floor in [1]": "`in` cannot be part of a chain: use `and` (column 1)",
}


@pytest.mark.parametrize("source", REFUSED)
def test_a_mistake_is_refused_with_its_place_and_what_to_do(source: str) -> None:
    with pytest.raises(InvalidScript) as caught:
        check_expression(source, RECORDS)
    assert str(caught.value) == REFUSED[source]


def test_a_mistake_on_a_later_line_says_which() -> None:
    with pytest.raises(InvalidScript, match="line 2, column 3: unknown record `nxt`") as caught:
        check_expression("1 +\n  nxt.position", RECORDS)
    assert (caught.value.line, caught.value.column) == (2, 3)


def test_columns_count_characters_not_bytes() -> None:
    with pytest.raises(InvalidScript) as caught:
        check_expression('state.gear == "parc" or "ü" == nxt.gear', RECORDS)
    assert caught.value.column == 15
    with pytest.raises(InvalidScript, match="unknown record") as caught:
        check_expression('"ü" == nxt.gear', RECORDS)
    assert caught.value.column == 8


OUTSIDE = {
    "lambda: 1": "lambda",
    "[x for x in state]": "a comprehension",
    "{x: 1 for x in state}": "a comprehension",
    "(x for x in state)": "a comprehension",
    "f'{state}'": "an f-string",
    "(x := 1)": "`:=`",
    "x := 1": "`:=`",
    "min(*state)": "`\\*`",
    "{1: 2}": "a dictionary",
    "{1, 2}": "a set",
    "[1, 2]": "a list",
    "1, 2": "a tuple",
    "await state": "await",
    "yield 1": "yield",
    "yield from state": "yield",
    "~state.floor": "`~`",
    "state.floor << 2": "`<<`",
    "state.floor >> 2": "`>>`",
    "state.floor ^ 2": "`\\^`",
    "state.floor | 2": "`|`",
    "state.floor @ 2": "`@`",
    "b'x'": "a bytes",
    "...": "\\.\\.\\.",
}


@pytest.mark.parametrize("source", OUTSIDE)
def test_what_is_outside_of_the_subset_is_named(source: str) -> None:
    with pytest.raises(InvalidScript, match=f"^{OUTSIDE[source]} is not part of the script language: "):
        check_expression(source, RECORDS)


HOSTILE = {
    "().__class__.__base__": "`__base__` is asked of something that is not a record",
    "state.__class__": "unknown field `__class__` of state",
    "__import__('os')": "unknown function `__import__`",
    "open('/etc/passwd')": "unknown function `open`",
    "eval('1')": "unknown function `eval`",
    "getattr(state, 'x')": "unknown function `getattr`",
    "(1).real": "`real` is asked of something that is not a record",
    "state.position.hex()": "only functions that have a name can be called",
    "state.position(1)": "`state.position` cannot be called: records hold values only",
    "'{0.x}'.format(1)": "only functions that have a name can be called",
    "9**9**9": "a power needs a whole number",
    "max(1, 2, key=3)": "arguments are given by position",
    "(" * 5000 + "1" + ")" * 5000: "brackets nested more than 90 deep",
    "[" * 16000: "brackets nested more than 90 deep",
    "-" * 16000 + "1": "too many signs in a row",
    "not " * 4000 + "True": "too many signs in a row",
    "+".join("1" * 8000): "nested more than 90 deep|too deeply nested",
    "1 if True else " * 1000 + "1": "nested more than 90 deep|too deeply nested",
    "state" + ".a" * 8000: "too deeply nested|nested more than 90 deep",
    "1" * 16000: "this is not Python: .*digit|64 bits",
    "1" * 70000: "70,000 bytes are too many for an expression: at most 16,384",
    "state.position \u202e+ 1": "invisible character U\\+202E: remove it",
    "state.pos\u200bition": "invisible character U\\+200B: remove it",
    "\ufeff1": "invisible character U\\+FEFF: remove it",
    "state.\uff50osition": "would be read as `p`",
    "\u212bngstrom": "would be read as",
    "state.\ufb01oor": "would be read as `fi`",
    "state.u\u0308ber": "not in their normal form",
    "1 +\t1": "control character U\\+0009",
    "1 +\r1": "control character U\\+000D",
    "1\x00": "control character U\\+0000",
    "1 + \\\n 1": "backslash",
    '"\\N{BULLET}"': "backslash",
    "'\ud800'": "invisible character U\\+D800",
    "0xfor x in y": "runs a number into a word",
}


@pytest.mark.parametrize("source", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_expression_is_refused_by_name(source: str) -> None:
    with pytest.raises(InvalidScript, match=HOSTILE[source]):
        check_expression(source, RECORDS)


ROWS = np.array([[0, 0, 0, 0b0011, 0], [1 << 20, 1 << 22, 1, 0b0100, 7], [-3 << 20, -(1 << 22), 1, 0, 40]])
COLUMNS = {"state": STATE.columns(ROWS), "next": STATE.columns(ROWS[::-1]), "action": {"move": np.array([0, 1, 2])}}

RESULTS = {
    'state.gear == "park"': [True, False, False],
    'state.gear != "park" and "n" not in state.exits': [False, True, True],
    '"n" in state.exits': [True, False, False],
    "action.move in state.exits": [True, True, False],
    "state.gear == next.gear": [False, True, False],
    'state.floor in (0, 40) or state.gear in ("park",)': [True, False, True],
    "0 < state.floor < 40": [False, True, False],
    "state.floor // 2 - state.floor % 3": [0, 2, 19],
    "-state.floor // 2": [0, -4, -20],
    "state.position ** 2": [0.0, 1.0, 9.0],
    "1 if state.floor else 0.5": [0.5, 1.0, 1.0],
    "max(0, state.position)": [0.0, 1.0, 0.0],
    "floor(state.position / 2) + round(2.5) + ceil(0.1) + int(-1.5)": [2, 2, 0],
    "math.sin(0) + cos(0) + pi - math.pi": [1.0, 1.0, 1.0],
    "not state.floor": [True, False, False],
    "abs(-state.floor) + True": [1, 8, 41],
}


@pytest.mark.parametrize("source", RESULTS)
def test_columns_have_the_expected_values(source: str) -> None:
    values, trapped = check_expression(source, RECORDS).evaluate(COLUMNS, 3)
    assert values.tolist() == RESULTS[source]
    assert not trapped.any()


TRAPS = {
    "1 / state.floor": [True, False, False],
    "state.floor != 0 and 1 / state.floor > 0.1": [False, False, False],
    "1 if state.floor == 0 else 1 // state.floor": [False, False, False],
    "state.floor > 0 > 1 % state.floor": [False, False, False],
    "state.floor * 9223372036854775807": [False, True, True],
    "(state.floor + 9223372036854775807) * 0": [False, True, True],
    "-9223372036854775807 - state.floor": [False, True, True],
    "sqrt(state.position)": [False, False, True],
    "log(state.position)": [True, False, True],
    "exp(state.floor * 100)": [False, False, True],
    "int(state.position * 1e300)": [False, True, True],
    "state.floor * 1000000000000000000 + 0.5": [False, True, True],
    "state.position * 1e308 * 1e308": [False, True, True],
    "sin(state.floor * 1000000.0)": [False, True, True],
}


@pytest.mark.parametrize("source", TRAPS)
def test_traps_are_values_of_the_rows_that_reach_them(source: str) -> None:
    _, trapped = check_expression(source, RECORDS).evaluate(COLUMNS, 3)
    assert trapped.tolist() == TRAPS[source]


def test_one_row_traps_with_its_line() -> None:
    expression = check_expression("1 +\n1 / state.floor", RECORDS)
    with pytest.raises(Trapped, match="line 2: division by zero"):
        expression.evaluate_one({"state": {"floor": 0}})
    assert expression.evaluate_one({"state": {"floor": 2}}) == 1.5


def test_lattice_rows_are_decoded_only_where_they_are_read() -> None:
    expression = reward(SPEC)
    values, trapped = expression.evaluate_rows({"state": ROWS, "action": ROWS[:, :1], "next": ROWS})
    assert expression.reads == (("next", "position"),)
    assert values.tolist() == [1.0, 0.0, -2.0]
    assert not trapped.any()


def test_the_spec_gives_reward_ending_and_predicates() -> None:
    over, _ = ends(SPEC).evaluate(COLUMNS, 3)
    low = {"position": np.array([-1.0, 0.0])}
    held, _ = predicate(SPEC, "ret > 150 and low.position > -0.5").evaluate(
        {"": {"ret": np.array([200.0, 200.0])}, "low": low}, 2
    )
    assert over.tolist() == [True, True, False]
    assert held.tolist() == [False, True]


def test_a_world_without_a_reward_pays_nothing() -> None:
    values, _ = reward(Spec(name="lamp", state=STATE, action=ACTION)).evaluate({}, 4)
    assert values.tolist() == [0.0] * 4
    assert values.dtype == np.float64


def test_an_ending_that_is_a_number_is_refused() -> None:
    with pytest.raises(InvalidScript, match="the result takes a bool, not an int: compare it with something"):
        ends(Spec(name="lamp", state=STATE, action=ACTION, ends="next.floor"))


def test_many_rows_are_evaluated_like_few() -> None:
    expression = check_expression("state.position ** 2 / state.floor", RECORDS)
    rows = np.random.default_rng(1).integers(STATE.low, STATE.high + 1, size=(20_001, 5))
    values, trapped = expression.evaluate({"state": STATE.columns(rows)}, len(rows))
    parts = [expression.evaluate({"state": STATE.columns(part)}, len(part)) for part in np.array_split(rows, 7)]
    assert np.array_equal(trapped, np.concatenate([part[1] for part in parts]))
    assert np.array_equal(values[~trapped], np.concatenate([part[0] for part in parts])[~trapped])
