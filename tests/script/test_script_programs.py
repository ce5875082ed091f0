"""Programs: parameters, memory, fuel, functions of files, and what is refused."""

from __future__ import annotations

import math
import time
from types import SimpleNamespace

import numpy as np
import pytest

from worldtwin.errors import InvalidScript, InvalidTask, InvalidValue
from worldtwin.script import Program, Trap, Trapped, check_function_of, check_program, param, parameter_of, remember
from worldtwin.world import Angle, Category, Integer, Real, Set, Space

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
PUSH = Space(("push",), (Category(("left", "right")),))
FORCE = Space(("force",), (Real(low=-1, high=1, exponent=20),))
HERE = {"position": 0.5, "angle": 0.1, "gear": "drive", "exits": {"n", "w"}, "floor": 3}

BALANCE = """
gain = param([0.1, 0.5, 2.0, 0.7], low=-10, high=10)         # what `improve` may change
memory = remember(integral=0.0)                              # reset at each episode's start
observes = "position angle"

def act(state, memory):
    memory.integral = memory.integral + state.angle
    return "right" if gain[0] * state.position + gain[1] * memory.integral > 0 else "left"
"""

BATCHING = '''import worldtwin as wt

table = {"a": [x for x in range(3)]}

@wt.recorded("batching.traces", state=["queue", "last_ms"], action="size", outputs=["rows_per_s"])
def choose_batch(queue: int, last_ms: float, size=wt.param(64, low=1, high=1024)) -> int:
    """As many as the user says."""
    return size if queue > 0 else 1

def other(queue):
    return sorted(table)[queue]
'''


def act(body: str, action: Space = FORCE, head: str = "") -> Program:
    return check_program(f"{head}def act(state):\n{body}", STATE, action)


def test_the_program_of_the_documentation_acts_and_remembers() -> None:
    program = check_program(BALANCE, STATE, PUSH)
    memory = program.start_memory
    for _ in range(3):
        action, memory = program.act(HERE, memory)
    assert action == "right"
    assert memory == (pytest.approx(0.3),)
    assert program.observes == ("position", "angle")
    assert program.parameters[0].values == (0.1, 0.5, 2.0, 0.7)
    assert (program.parameters[0].low, program.parameters[0].high) == (-10, 10)
    assert program.source == BALANCE


def test_other_parameters_make_another_program() -> None:
    program = check_program(BALANCE, STATE, PUSH)
    turned = program.with_parameters([-1, 0, 0, 0])
    assert turned.act(HERE)[0] == "left"
    assert program.act(HERE)[0] == "right"
    assert turned.values == (-1, 0, 0, 0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, 2], "2 parameter values are given: the program has 4"),
        ([11, 0, 0, 0], "outside of"),
        ([math.nan] * 4, "outside of"),
    ],
)
def test_parameters_outside_of_their_range_are_refused(values: list[float], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        check_program(BALANCE, STATE, PUSH).with_parameters(values)


def test_a_program_needs_no_world_to_be_checked() -> None:
    program = check_program(BALANCE)
    assert program.act({"position": 1.0, "angle": 0.0})[0] == "right"
    assert program.bind(STATE, PUSH).act(HERE)[0] == "right"
    names = check_program('def act(state):\n    return state.x if state.gear == "park" and "n" in state.exits else 0.0')
    assert names.act({"x": 2.0, "gear": "park", "exits": {"n"}})[0] == 2.0


def test_one_function_of_a_file_is_a_program() -> None:
    program = check_function_of(BATCHING, "choose_batch")
    assert program.act({"queue": 3, "last_ms": 1.0})[0] == 64
    assert program.with_parameters([100.2]).act({"queue": 3, "last_ms": 1.0})[0] == 100
    assert program.source.startswith("def choose_batch(queue")
    assert program.first_line == 6
    assert check_program(program.source).source == program.source


def test_a_function_sees_the_fields_that_its_arguments_name() -> None:
    size = Space(("size",), (Integer(low=1, high=1024),))
    queue = Space(("queue", "last_ms"), (Integer(low=0, high=99), Real(low=0, high=100, exponent=10)))
    program = check_function_of(BATCHING, "choose_batch", queue, size)
    assert program.observes == ("queue", "last_ms")
    assert program.act({"queue": 0, "last_ms": 1.0})[0] == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("other", "line 11, column 12: unknown function `sorted`"),
        ("chose_batch", "the file has no function `chose_batch` at its top: did you mean `choose_batch`?"),
    ],
)
def test_a_line_of_a_file_outside_of_the_subset_is_named(name: str, message: str) -> None:
    with pytest.raises(InvalidScript, match=message.replace("?", "\\?")):
        check_function_of(BATCHING, name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@cache\ndef f(x):\n    return x", "only the decorator `@wt.recorded"),
        ("def f(x, y=2):\n    return x", "the default of `y` is not `param"),
        ("def f(positon):\n    return 1.0", "no field `positon`: did you mean `position`"),
        ("def f(x):\n    return g(x)\ndef g(x):\n    return x", "unknown function `g`"),
    ],
)
def test_a_function_that_is_no_program_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidScript, match=message):
        check_function_of(text, "f", STATE if "positon" in text else None, None)


def test_a_param_is_a_number_in_plain_python() -> None:
    number, whole, several = param(0.5, low=0), param(3, high=9), param([1.0, 2.0], low=-5, high=5)
    assert number + 1 == 1.5
    assert [0] * whole == [0, 0, 0]
    assert sum(several) == 3
    assert parameter_of("whole", whole).integer
    assert parameter_of("several", several).values == (1.0, 2.0)
    with pytest.raises(InvalidValue, match="2 is outside of"):
        param(2.0, low=0, high=1)


PROGRAMS = {
    "loops": (
        "    s = 0\n    for i in range(1, 10, 3):\n        s += i\n    while s > 5:\n        s -= 1\n    return s / 10",
        0.5,
    ),
    "arrays": ("    a = [0.0] * 4\n    for i in range(len(a)):\n        a[i] = i\n    return a[-1] - a[1]", 2.0),
    "widening": ("    s = 0\n    a = [0, 1]\n    a[0] = 0.5\n    s = s + a[0]\n    return s", 0.5),
    "jumps": (
        """    s = 0
    for i in range(9):
        if i == 1:
            continue
        if i == 4:
            break
        s += i
    return s""",
        5,
    ),
    "texts": (
        '    move = "a"\n    if state.floor > 2:\n        move = "b"\n    return 1.0 if move == "b" else 0.0',
        1.0,
    ),
    "nested returns": ("    if state.floor > 2:\n        return 1\n    else:\n        return 0.5", 1),
    "endless loop": ("    k = 0\n    while True:\n        k += 1\n        if k == 7:\n            return k", 7),
    "rows part": (
        """    s = 0
    for i in range(state.floor):
        if i == 1:
            continue
        if i == 4:
            break
        s += i + 1
    while s > 3:
        s -= state.floor + 1
        if s == 2:
            break
    return s""",
        0,
    ),
    "range copies": (
        "    n = 3\n    s = 0\n    for i in range(n):\n        n = 0\n        i = 9\n        s += i\n    return s",
        27,
    ),
    "sets": ('    return 1.0 if "n" in state.exits and "e" not in state.exits else 0.0', 1.0),
    "annotations": ("    x: float = 1\n    return x / 2", 0.5),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_statements_do_what_they_do_in_python(name: str) -> None:
    body, expected = PROGRAMS[name]
    assert act(body).act(HERE)[0] == expected


@pytest.mark.parametrize("name", PROGRAMS)
def test_many_rows_do_what_each_does_alone(name: str) -> None:
    program = act(PROGRAMS[name][0], Space(("force",), (Real(low=-100, high=100, exponent=20),)))
    rows = np.random.default_rng(2).integers(STATE.low, STATE.high + 1, size=(40, 5))
    rows[:, 4] = np.arange(40) % 6
    together = program.act_rows(rows, np.zeros((40, 0)))
    alone = [program.step(STATE.decode(tuple(row.tolist()))) for row in rows]
    assert together.fuel.tolist() == [step.fuel for step in alone]
    assert (together.actions[:, 0] * 2.0**-20).tolist() == [step.action for step in alone]
    assert not together.trapped.any()


def test_each_row_can_have_its_own_parameters() -> None:
    program = check_program(BALANCE, STATE, PUSH)
    rows = np.tile(STATE.encode(HERE), (3, 1))
    values = np.array([[1, 0, 0, 0], [-1, 0, 0, 0], [0.5, 0.5, 2, 3]])
    steps = program.act_rows(rows, np.zeros((3, 1)), parameters=values)
    assert [PUSH.decode((int(move),))["push"] for move in steps.actions[:, 0]] == [
        program.with_parameters(row).act(HERE)[0] for row in values
    ]


NAMED = """
mode = param("steady", choices=["fast", "steady", "off"])
side = param("left", choices=("right", "left"))

def act(state):
    if mode == "off":
        return 0.0
    speed = 1.0 if mode == "fast" else 0.5
    return -speed if side == "left" else speed
"""


def test_a_parameter_can_be_a_name() -> None:
    program = check_program(NAMED, STATE, FORCE)

    assert [each.plain for each in program.parameters] == ["steady", "left"]
    for values, force in (([1, 1], -0.5), ([0, 0], 1.0), ([2, 1], 0.0)):
        assert program.with_parameters(values).act(HERE)[0] == force
    with pytest.raises(InvalidValue, match="outside of"):
        program.with_parameters([3, 0])


def test_each_row_can_have_its_own_names() -> None:
    program = check_program(NAMED, STATE, FORCE)
    rows = np.zeros((3, len(STATE)), dtype=np.int64)

    steps = program.act_rows(rows, np.zeros((3, 0)), parameters=np.array([[1.0, 1.0], [0.0, 0.0], [2.0, 1.0]]))

    assert [FORCE.decode((int(value),))["force"] for value in steps.actions[:, 0]] == [-0.5, 1.0, 0.0]


def test_a_name_is_a_name_in_plain_python() -> None:
    side = param("left", choices=["left", "right"])

    assert side == "left"
    assert parameter_of("side", side).choices == ("left", "right")
    with pytest.raises(InvalidValue, match="none of its choices"):
        param("up", choices=["left", "right"])


def test_an_action_outside_of_its_space_is_told_for_its_row() -> None:
    program = act("    return state.position")
    rows = np.tile(STATE.encode(HERE), (2, 1))
    rows[1, 0] = 2 << 20
    assert program.act_rows(rows, np.zeros((2, 0))).possible.tolist() == [True, False]


def test_rows_that_trap_keep_their_memory() -> None:
    text = "memory = remember(n=0)\ndef act(state, memory):\n    memory.n += 1\n    return 1 / (memory.n - 2)"
    steps = check_program(text, STATE, FORCE).act_rows(np.zeros((2, 5), np.int64), np.array([[0.0], [1.0]]))
    assert steps.trapped.tolist() == [False, True]
    assert steps.memory.tolist() == [[1], [1]]


def test_a_program_without_a_world_takes_no_rows() -> None:
    with pytest.raises(InvalidTask, match="fits no world yet"):
        check_program(BALANCE).act_rows(np.zeros((2, 5), np.int64), np.zeros((2, 1)))


def test_helpers_take_numbers_and_arrays() -> None:
    clip = "def clip(x, low, high):\n    return min(max(x, low), high)\n"
    head = f"{clip}def fill(a, x):\n    a[0] = clip(x, 0, 2)\n    return a[0]\n"
    program = act("    a = [0.0, 1.0]\n    b = fill(a, 5)\n    return a[0] + clip(state.floor, 0, 1)", head=head)
    assert program.act(HERE)[0] == 3.0


def test_several_fields_of_an_action_are_returned_in_order() -> None:
    both = Space(("force", "push"), (*FORCE.fields, *PUSH.fields))
    assert act('    return 0.5, "left"', both).act(HERE)[0] == {"force": 0.5, "push": "left"}


TRAPPED = {
    "    x = 1\n    return x / (state.floor - 3)": "line 3: division by zero",
    "    return state.floor * 9000000000000000000": "line 2: the result needs more than 64 bits",
    "    a = [0, 1]\n    return a[state.floor]": "line 3: there is no element 3: the array has 2",
    "    a = [0, 1]\n    a[state.floor] = 1\n    return 0": "line 3: there is no element 3: the array has 2",
    "    while True:\n        x = 1": "line 2: out of fuel",
    "    for i in range(9000000000000000000):\n        x = 1\n    return 0": "line 2: out of fuel",
    "    return sqrt(-1)": "line 2: `sqrt` has no finite answer here",
    "    return int(1e300)": "line 2: the float 1e\\+300 is no 64-bit int",
    "    a = 0.0\n    while a < 1e300:\n        b = [0.0] * 4096\n    return a": "line 3: out of fuel",
}


@pytest.mark.parametrize("body", TRAPPED)
def test_a_trap_names_the_line(body: str) -> None:
    start = time.perf_counter()
    with pytest.raises(Trapped, match=f"^{TRAPPED[body]}"):
        act(body).act(HERE)
    assert time.perf_counter() - start < 5


def test_a_trap_is_a_value_and_leaves_the_memory() -> None:
    program = check_program(
        "memory = remember(n=0)\ndef act(state, memory):\n    memory.n += 1\n    return 1 / (memory.n - 2)"
    )
    first = program.step({})
    second = program.step({}, first.memory)
    assert (first.action, first.memory, first.trap) == (-1.0, (1,), None)
    assert (second.memory, second.trap) == ((1,), Trap(4, "division by zero"))


def test_fuel_is_counted_and_bounded_before_it_runs() -> None:
    counted = act("    s = 0\n    for i in range(10):\n        s += i\n    return s")
    assert counted.cost == counted.step(HERE).fuel
    choosing = act("    s = 0\n    if state.floor > 9:\n        s = s + s + s + s\n    return s")
    assert choosing.cost is not None
    assert choosing.step(HERE).fuel < choosing.cost
    assert act("    k = 3\n    while k > 0:\n        k -= 1\n    return k").cost is None
    assert counted.step(HERE, fuel=10).trap is not None


REFUSED = {
    "    return foo(1)": "line 2, column 12: unknown function `foo`: did you mean `floor`",
    "    x = 1": "line 2, column 5: `act` can end here without a `return`",
    "    if state.floor > 1:\n        y = 2\n    return y": "line 4, column 12: `y` may have no value here",
    "    for i in range(3):\n        y = 2\n    return i": "line 4, column 12: `i` may have no value here",
    "    return act(state)": "`act` calls itself",
    "    import os\n    return 1": "import is not part",
    "    global x\n    return 1": "global is not part",
    "    def f():\n        return 1\n    return f()": "a function inside of a function is not part",
    "    class A:\n        pass\n    return 1": "class is not part",
    "    with x:\n        pass\n    return 1": "with is not part",
    "    try:\n        x = 1\n    except:\n        pass\n    return 1": "try is not part",
    "    raise x": "raise is not part",
    "    assert x\n    return 1": "assert is not part",
    "    del x\n    return 1": "del is not part",
    "    match 1:\n        case _:\n            return 1": "match is not part",
    "    async with x:\n        pass": "this is not Python|async is not part",
    "    for x in [1, 2]:\n        pass\n    return 1": "`for` counts: write `for i in range",
    "    while True:\n        pass\n    else:\n        pass\n    return 1": "`else` of a loop",
    "    a = b = 1\n    return 1": "one variable is given one value",
    "    a, b = 1, 2\n    return 1": "one variable is given one value|an array",
    "    state.floor = 1\n    return 1": "only fields of `memory` can be changed",
    "    state.floor\n    return 1": "a value that nothing uses is not part",
    "    print(1)\n    return 1": "a value that nothing uses is not part",
    "    return 'x'": "force takes a float, not a name",
    "    return [1.0, 2.0]": "force takes a float, not an array of 2 floats",
    "    return": "`return` needs a value",
    "    break\n    return 1": "`break` is for loops",
    "    a = [1, 2]\n    b = a\n    return 1": "an array has one name",
    "    a = []\n    return 1": "an array has 1 to 4,096 elements",
    "    a = [0] * 9999\n    return 1": "an array has 1 to 4,096 elements",
    "    a = [0, 1]\n    return a[2]": "there is no element 2: the array has 2",
    "    a = [0, 1]\n    return a[0:1]": "a slice is not part",
    "    a = [0, 1]\n    return a[0.5]": "an index is an int",
    "    a = 1\n    a = 'x'\n    return 1": "`a` holds an int, it cannot take a name",
    "    max = 1\n    return 1": "`max` already means something else",
    "    return state.position.__class__": "`__class__` is asked of something",
    "    return 1.0, 2.0": "2 values are returned: the action has 1 \\(force\\)",
    "    x = 2 ** state.floor\n    return 1": "a power needs a whole number",
}


@pytest.mark.parametrize("body", REFUSED)
def test_a_program_outside_of_the_subset_is_refused_by_name(body: str) -> None:
    with pytest.raises(InvalidScript, match=REFUSED[body]):
        act(body)


TOPS = {
    "import os": "import of `os` is not part",
    "from os import system": "import of `os.system` is not part",
    "from math import sine": "import of `math.sine` is not part of the script language: did you mean `sin`",
    "import math as m": "import of `math` is not part",
    "from . import x": "import of `None.x` is not part",
    "x = open('/etc/passwd')": "a number is expected here",
    "x = [y for y in z]": "a number is expected here",
    "gain = param('x')": "a parameter that is a name has choices",
    "gain = param('x', choices=['y', 'z'])": "`x` is none of its choices",
    "gain = param('x', choices=['x', 'x'])": "are not all different",
    "gain = param('x', choices=[])": "choices are names",
    "gain = param('x', choices=['x', 1])": "choices are names",
    "gain = param(1, choices=['x', 'y'])": "choices are names",
    "gain = param('x', choices=['x', 'y'], low=0)": "takes no `low` and `high`",
    "gain = param('x', low=0, choices=['x', 'y'])": "takes no `low` and `high`",
    "gain = param(1, lo=2)": "`param` takes `low` and `high`, not `lo`",
    "gain = param(5, high=2)": "5 is outside of",
    "gain = param([0.0] * 9999)": "from 1 to 4,096|too many",
    "memory = remember([1])": "`remember` takes fields by name",
    "memory = remember(**x)": "`remember` takes fields by name",
    "observes = 'speed'": "observes names the unknown field `speed`",
    "observes = 3": "observes names fields of the state",
    "sin = 2": "`sin` is a name of the language",
    "x = 1\nx = 2": "`x` is defined twice",
    "x = y = 1": "at the top, one name is given one value",
    "x += 1": "is not part",
    "@cache\ndef g(x):\n    return x\nx = 1": None,
    "class A:\n    pass": "class is not part",
    "async def g():\n    return 1": "async is not part",
    "print('hello')": "a value that nothing uses is not part",
    "while True:\n    pass": "`while` is not part",
}


@pytest.mark.parametrize("head", [head for head, message in TOPS.items() if message])
def test_the_top_of_a_program_is_declarations_only(head: str) -> None:
    with pytest.raises(InvalidScript, match=TOPS[head]):
        check_program(f"{head}\ndef act(state):\n    return 1.0\n", STATE, FORCE)


HELPERS = {
    "def f(x):\n    return f(x)\n": "`f` calls itself: recursion",
    "def f(x):\n    return g(x)\ndef g(x):\n    return f(x)\n": "`f` calls itself: recursion",
    "@cache\ndef f(x):\n    return x\n": "decorators are not part|only the decorator",
    "def f(*x):\n    return 1\n": "list their names",
    "def f(x, **y):\n    return 1\n": "list their names",
    "def f(x=1):\n    return x\n": "have no defaults",
    "def f(x, y):\n    return x\n": "`f` takes 2 arguments, not 1",
    "def f(x):\n    return 1, 2\n": "returns several values",
    "g = param([1.0])\ndef h(a):\n    a[0] = 1\n    return 1\ndef f(x):\n    return h(g)\n": "parameters do not change",
    "gain = param([1.0])\ndef f(x):\n    gain[0] = x\n    return 1\n": "parameters do not change",
}


@pytest.mark.parametrize("head", HELPERS)
def test_helper_functions_outside_of_the_subset_are_refused(head: str) -> None:
    with pytest.raises(InvalidScript, match=HELPERS[head]):
        act("    return f(1)", head=head)


def many_types() -> str:
    """Helpers that call each other with every mixture of types."""
    helpers = ["def f0(a, b, c, d, e, g, h):\n    return a\n"]
    for i in range(1, 12):
        calls = " + ".join(f"f{i - 1}({'b, a' if k % 2 else 'a, b + 0.5'}, c, d, e, g, {k}.5 * h)" for k in range(9))
        helpers.append(f"def f{i}(a, b, c, d, e, g, h):\n    return {calls}\n")
    return "".join(helpers) + "def act(state):\n    return f11(1, 2, 3, 4, 5, 6, 7)\n"


HOSTILE = {
    "20,000 variables": "def act(state):\n" + "".join(f"    v{i} = {i}\n" for i in range(4500)) + "    return 1\n",
    "20,000 short variables": "def act(state):\n  " + ";".join(f"a{i:x}=1" for i in range(6500)) + "\n  return 1\n",
    "deep ifs": "def act(state):\n" + "".join(" " * i + " if True:\n" for i in range(95)) + " " * 97 + "return 1\n",
    "long sums": "def act(state):\n    return " + "+".join("1" * 30000) + "\n",
    "a settling chain": "def act(state):\n"
    + "".join(f"    a{i} = 0\n" for i in range(99))
    + "    for i in range(2):\n"
    + "".join(f"        a{i + 1} = a{i}\n" for i in reversed(range(98)))
    + "        a0 = 0.5\n    return 1\n",
    "too long": "#" * 70000,
    "only comments": "# nothing",
    "a deep call chain": "".join(
        f"def f{i}(x):\n    return {'-(' * 30}{f'f{i - 1}(x)' if i else 'x'}{')' * 30}\n" for i in range(40)
    )
    + "def act(state):\n    return f39(1)\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_program_is_refused_in_milliseconds(name: str) -> None:
    start = time.process_time()
    with pytest.raises(InvalidScript):
        check_program(HOSTILE[name], STATE, FORCE)
    assert time.process_time() - start < 2


def test_helpers_used_in_many_ways_are_checked_in_bounded_time() -> None:
    start = time.process_time()
    assert len(check_program(many_types(), STATE, FORCE).tree.functions) <= 64
    assert time.process_time() - start < 2


def test_deep_blocks_run_until_the_fuel_is_gone() -> None:
    deep = "".join(" " * i + " while True:\n" for i in range(60))
    program = check_program(f"def act(state):\n{deep}{' ' * 62}x = 1\n return 2\n", STATE, FORCE)
    with pytest.raises(Trapped, match="out of fuel"):
        program.act(HERE)


def test_exponential_helpers_are_bounded_by_fuel() -> None:
    helpers = "def f0(x):\n    return x\n" + "".join(
        f"def f{i}(x):\n    return f{i - 1}(x) + f{i - 1}(x)\n" for i in range(1, 40)
    )
    program = check_program(f"{helpers}def act(state):\n    return f20(1.0)\n", STATE, FORCE)
    assert program.cost is not None
    assert program.cost > 2**20
    with pytest.raises(Trapped, match="out of fuel"):
        program.act(HERE)


def test_a_state_that_lacks_a_field_is_refused() -> None:
    with pytest.raises(InvalidTask, match="observes `angle`, which the state does not have"):
        check_program(BALANCE, STATE, PUSH).act({"position": 1.0})
    with pytest.raises(InvalidTask, match=r"state.gear: `drve` is not one of its values: did you mean `drive`"):
        act('    return 1.0 if state.gear == "park" else 0.0').act({**HERE, "gear": "drve"})


def test_the_same_source_runs_in_plain_python() -> None:
    names = {"param": param, "remember": remember}
    exec(BALANCE, names)  # noqa: S102 - the oracle
    assert names["act"](SimpleNamespace(**HERE), names["memory"]) == check_program(BALANCE, STATE, PUSH).act(HERE)[0]
