"""What a stranger may send to make us work, wait or misread: each is refused by name before anything runs.

The whole list in one place: from bytes, through the loaders that users call, with bounds on the work of a refusal.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import cbor2
import numpy as np
import pytest
from msgspec import Struct

from worldtwin.errors import WorldtwinError
from worldtwin.files import load_cases, load_simulator, load_spec, load_task
from worldtwin.files.stored.envelope import sealed, unsealed

VECTORS = Path(__file__).parents[1] / "vectors" / "files"
CART = load_simulator(VECTORS / "cart.wts").spec
SECONDS = 1.0
"""Of one processor, with much to spare: most refusals take a few milliseconds, those of large files up to a hundred."""

Load: TypeAlias = Callable[[Path], object]
Change: TypeAlias = Callable[[Any], None]


class Attack(Struct, frozen=True):
    """A file, who reads it, the words of the refusal, and how many mebibytes it may take."""

    content: bytes
    load: Load
    reason: str
    memory: int = 4


def stored(name: str, change: Change) -> bytes:
    """A golden file with a change, under a right digest."""
    kind, body = unsealed((VECTORS / name).read_bytes())
    plain = cbor2.loads(body)
    change(plain)
    return sealed(kind, cbor2.dumps(plain, canonical=True))


def put(*way: Any, value: Any) -> Change:
    """Another value at one place."""

    def change(plain: Any) -> None:
        for step in way[:-1]:
            plain = plain[step]
        plain[way[-1]] = value

    return change


def raw(load: Load, reason: str, content: bytes) -> Attack:
    return Attack(content, load, reason)


def network(reason: str, change: Change, memory: int = 4) -> Attack:
    return Attack(stored("network.wtt", change), load_task, reason, memory)


def simulator(reason: str, change: Change, name: str = "cart.wts") -> Attack:
    return Attack(stored(name, change), load_simulator, reason)


def truck(reason: str, change: Change) -> Attack:
    """A simulator with an ensemble of networks and a forest."""
    return simulator(reason, change, "truck.wts")


def array(kind: str, shape: list[int], body: bytes) -> dict[str, Any]:
    """An array as it is written."""
    return {"$a": [kind, shape, body]}


def numbers(*rows: object) -> dict[str, Any]:
    """An array of 64-bit numbers as it is written."""
    values = np.array(rows, dtype="<i8")
    return array("<i8", list(values.shape), values.tobytes())


def layers(*shapes: tuple[int, int], bias: int = 0) -> Change:
    """Layers of zeros."""
    made: list[object] = []
    for inputs, outputs in shapes:
        weights = array("<i2", [inputs, outputs], bytes(2 * inputs * outputs))
        biases = array("<i8", [outputs], np.full(outputs, bias, dtype="<i8").tobytes())
        made.append({"weights": weights, "biases": biases, "shift": 0})
    return put("program", "layers", value=made)


def stored_script(reason: str, **parts: object) -> Attack:
    return Attack(stored("script.wtt", lambda plain: plain["program"].update(parts)), load_task, reason)


def script(reason: str, text: str, memory: int = 4) -> Attack:
    return Attack(text.encode(), partial(load_task, spec=CART), reason, memory)


def one_function(reason: str, text: str, memory: int = 4) -> Attack:
    return Attack(text.encode(), lambda path: load_task(f"{path}:act", CART), reason, memory)


def act(body: str, argument: str = "state") -> str:
    """A program with `body` in it."""
    return f"def act({argument}):\n{body}    return 'left'\n"


def many(number: int) -> str:
    """So many local variables."""
    return "".join(f"    v{i}=1\n" for i in range(number))


def world(reason: str, more: str = "", state: str = "{x: {type: real, range: [0, 1]}}", memory: int = 4) -> Attack:
    """A world's YAML with `more` at its end."""
    head = f"worldtwin: 1\nname: c\nversion: 1.0.0\nstate: {state}\naction: {{a: {{type: category, values: [l, r]}}}}\n"
    return Attack((head + "returns: [0, 1]\n" + more).encode(), load_spec, reason, memory)


def cases(reason: str, more: str) -> Attack:
    return Attack(f"- {{name: a, {more}}}\n".encode(), partial(load_cases, spec=CART), reason)


BILLION = 10**9
SUM = ("predictors", 0, "functions", 0)
ENSEMBLE = ("predictors", 0, "functions", 1, "layers", 0)
FOREST = ("predictors", 1, "functions", 0)
MANY = "1<" * 5000 + "1"
LONG = "1+" * 32767 + "1"
LOCALS = many(20_000)
TURNED = "invisible character U.202E"
NO_WIDTH = "invisible character U.200B"
FIELDS = "{" + ", ".join(f"x{i}: {{type: integer, range: [0, 1]}}" for i in range(100)) + "}"
EMPTY_ROWS = {
    "type": "table",
    "inputs": [],
    "targets": [0, 1],
    "keys": array("<i8", [1 << 30, 0], b""),
    "offsets": array("<i8", [1], bytes(8)),
    "values": array("<i8", [0, 2], b""),
    "counts": array("<i8", [0], b""),
}
WORK = {
    "10^9 multiply-adds declared": network(
        r"shape \[31623, 31623\] does not have 18 bytes",
        put("program", "layers", 0, "weights", "$a", 1, value=[31623, 31623]),
    ),
    "10^9 inputs": network(
        "the inputs are 1,000,000,002 numbers: a network takes 1 to 4,096",
        put("program", "inputs", 0, value={"type": "one-of", "column": 0, "count": BILLION}),
    ),
    "more multiply-adds than a step may take": network(
        "1,058,141 multiply-adds a step are too many: at most 1,048,576", layers((3, 768), (768, 1373), (1373, 1)), 16
    ),
    "17 layers": network("a network of 17 layers: give 1 to 16", layers(*[(3, 3)] * 17)),
    "shapes that do not chain": network(r"weights \(4, 1\) .* do not fit 3 inputs", layers((3, 3), (4, 1))),
    "a shape of 2^62": network(
        "does not have 18 bytes", put("program", "layers", 0, "weights", "$a", 1, value=[2**62])
    ),
    "a bias of 2^62": network("a sum could reach 2.53", layers((3, 1), bias=2**62)),
    "a bias of -2^63": network("a sum could reach 2.53", layers((3, 1), bias=-(2**63))),
    "a shift of 2^62": network("shift .* is out of range", put("program", "layers", 0, "shift", value=2**62)),
    "a wild input": network("shift 900 are out of range", put("program", "inputs", 0, "shift", value=900)),
    "a weight of 2^62": simulator(
        "weights: 4611686018427387904 is above 2147483647",
        put(*SUM, "weights", value=array("<i8", [2, 4, 2], (2**62).to_bytes(8, "little") * 16)),
    ),
    "10^9 terms": simulator("does not have", put(*SUM, "terms", "$a", 1, value=[BILLION, 3])),
    "10^9 values of a feature": simulator(
        "1000000000 values are too many", put("predictors", 0, "features", 2, "count", value=BILLION)
    ),
    "2^30 rows without columns": simulator(r"inputs \(\) must be rising columns", put("observed", value=EMPTY_ROWS)),
    "10^9 past steps": network("1000000000 is not a number of past steps", put("history", value=BILLION)),
    "2^62 past steps of a script": Attack(
        stored("script.wtt", put("history", value=2**62)), load_task, "is not a number of past steps"
    ),
    "6,564 columns of a state": world("64 past steps make 6,564 columns of a state", "history: 64\n", FIELDS),
    "10^9 steps of an episode": world("horizon: 1000000000 is not", f"horizon: {BILLION}\n"),
    "10^9 episodes of a case": cases("episodes: 1000000000 is not between", f"episodes: {BILLION}, check: ret > 0"),
}
MODELS = {
    "an ensemble of 2^30 networks": truck("does not have", put(*ENSEMBLE, "weights", "$a", 1, value=[2**30, 4, 3])),
    "an ensemble that does not chain": truck(
        "ensemble: ", put(*ENSEMBLE, "weights", value=numbers([[5] * 3] * 5, [[5] * 3] * 5))
    ),
    "an ensemble's bias of 2^62": truck(
        "ensemble: .*reach 2.53", put(*ENSEMBLE, "bias", value=numbers([2**62] * 3, [0] * 3))
    ),
    "an ensemble's bias of -2^63": truck(
        "ensemble: .*reach 2.53", put(*ENSEMBLE, "bias", value=numbers([-(2**63)] * 3, [0] * 3))
    ),
    "an ensemble's shift of 2^62": truck("ensemble: ", put(*ENSEMBLE, "shifts", value=numbers([2**62] * 3, [0] * 3))),
    "a tree in a circle": truck(
        "leads round in a circle", put(*FOREST, "children", value=numbers([1, 4], [0, 3], [2, 2], [3, 3], [4, 4]))
    ),
    "a branch that ends nowhere": truck(
        "children: 4611686018427387904 is above", put(*FOREST, "children", value=numbers([2**62, 4], *[[4, 4]] * 4))
    ),
    "a leaf of 2^62": truck(
        "values: 4611686018427387904 is above", put(*FOREST, "values", value=numbers(2**62, 0, 0, 0, 0))
    ),
}
EXPRESSIONS = {
    "a reward of 64 KiB": world("65,535 bytes are too many for an expression: at most 16,384", f"reward: '{LONG}'\n"),
    "an ending of 64 KiB": world("65,535 bytes are too many for an expression", f"ends: '{LONG}'\n"),
    "a check of 64 KiB": cases("65,535 bytes are too many for an expression", f"check: '{LONG}'"),
    "a stored ending of 64 KiB": simulator("65,535 bytes are too many", put("spec", "ends", value=LONG)),
    "5,001 comparisons": world("an expression of 5,002 parts is too much", f"reward: '{MANY}'\n", memory=8),
    "a sum of 8,000": world("too deeply nested|more than 90 deep", f"reward: '{'1+' * 8000}1'\n", memory=8),
    "5,000 brackets": world("nested more than 90 deep", f"reward: '{'(' * 5000}1{')' * 5000}'\n"),
    "16,000 signs": world("too many signs in a row", f"reward: '{'-' * 16000}1'\n"),
    "a number of 16,000 digits": world("this number needs more than 64 bits", f"reward: '{'9' * 16000}'\n"),
    "a power of a power": world("reward: .*power", "reward: 9**9**9**9\n"),
}
SCRIPTS = {
    "20,000 locals": script("248,924 bytes are too many for a script: at most 65,536", act(LOCALS)),
    "20,000 locals in a stored task": stored_script("too many for a script", source=act(LOCALS), function="act"),
    "20,000 locals of one function": one_function("too many for a script", act(LOCALS, "position"), 64),
    "5,000 locals": script("more than 256 variables in one function", act(many(5000)), 24),
    "line 2^52": stored_script("cannot begin on line 4503599627370496", first_line=2**52),
    "line -5": stored_script("cannot begin on line -5", first_line=-5),
    "a loop over 2^63": script("needs more than 64 bits", act(f"    for i in range({2**63}):\n        pass\n")),
    "an array of 10^10": script("array|list", act("    x = [0] * (10 ** 10)\n")),
    "parameters that are not finite": stored_script("'inf' is not a number", values=[{"$f": "inf"}, {"$f": "nan"}]),
}
LETTERS = {
    "turned script": script(TURNED, act("    # \u202e\n")),
    "turned function": one_function(TURNED, act("    # \u202e\n", "position")),
    "turned reward": world(f"{TURNED} changes the reading direction", "reward: '1 \u202e+ 2'\n"),
    "turned and escaped reward": world(f"reward: {TURNED}", 'reward: "1 \\u202e+ 2"\n'),
    "turned comment": world("invisible character U.2066 changes the reading direction", "# \u2066 x\n"),
    "turned name": world(f"has the {TURNED}", state='{x: {type: category, values: ["l\\u202e", l]}}'),
    "turned stored name": simulator(f"has the {TURNED}", put("spec", "name", value="a\u202eb")),
    "no width in a script": script(NO_WIDTH, act("    a\u200bb = 1\n")),
    "no width in a stored script": stored_script(NO_WIDTH, source=act("    a\u200bb = 1\n")),
    "no width in a reward": world(f"reward: {NO_WIDTH}", "reward: next.x\u200b\n"),
    "no width in a name": world(f"has the {NO_WIDTH}", state="{x: {type: category, values: [l\u200b, l]}}"),
    "no width in a stored name": simulator(
        f"has the {NO_WIDTH}", put("spec", "action", "fields", 0, "values", value=["left", "left\u200b"])
    ),
    "letters that look alike": script("would be read as `x`", act("    \uff58 = 1\n")),
}
STRUCTURE = {
    "2^19 parts": raw(load_task, "over 262,144 items", sealed("task", b"\x9a\0\x08\0\0" + b"\x80" * 2**19)),
    "2^16 levels": raw(load_simulator, "over 24 levels", sealed("simulator", b"\x81" * 2**16 + b"\0")),
    "a length of 2^60": raw(load_task, "go beyond its end", sealed("task", b"\x5b\x10" + bytes(7))),
    "a list of 2^60": raw(load_task, "go beyond its end", sealed("task", b"\x9b\x10" + bytes(7))),
    "an alias": world("marks a value to repeat it", "cases: &a [*a]\n"),
    "300 levels of YAML": world("nested deeper than 16", f"x: {'[' * 300}{']' * 300}\n"),
    "a mebibyte of YAML": world("bytes are more than the 1,048,576 allowed", "#" * 2**20),
}
ATTACKS = {**WORK, **MODELS, **EXPRESSIONS, **SCRIPTS, **LETTERS, **STRUCTURE}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_by_name_in_bounded_time_and_memory(name: str, tmp_path: Path) -> None:
    attack = ATTACKS[name]
    path = tmp_path / "x"
    path.write_bytes(attack.content)

    began = time.process_time()
    with pytest.raises(WorldtwinError, match=attack.reason):
        attack.load(path)
    seconds = time.process_time() - began
    tracemalloc.start()
    with pytest.raises(WorldtwinError, match=attack.reason):
        attack.load(path)
    memory = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert seconds < SECONDS
    assert memory < attack.memory << 20
