"""Tasks as bytes: round trips, and what a hostile file may try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cbor2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worldtwin.errors import InvalidFile, InvalidTask, WorldtwinError
from worldtwin.tasks import LocalTask, Task, decode_task, encode_task
from worldtwin.tasks.programs.network import Layer, Network
from worldtwin.world import Category, Space, Spec, digest, real

CART = Spec(
    name="cart",
    state=Space(("position", "speed"), (real(-4.8, 4.8), real(-10.0, 10.0))),
    action=Space(("push",), (Category(("left", "right")),)),
)
SCRIPT = """
gain = param([0.5, 1.0], low=-10, high=10)
memory = remember(last=0.0)

def act(state, memory):
    memory.last = state.position
    return "right" if gain[0] * state.position + gain[1] * state.speed > 0 else "left"
"""
TASKS = {
    "network": Task.network(CART, hidden=(4,), key=1),
    "table": Task.table(CART).with_rule({"position": 1.0, "speed": 0.0}, "right"),
    "script": Task.script(SCRIPT, CART),
}


@pytest.mark.parametrize("kind", TASKS)
def test_a_task_comes_back_from_its_bytes(kind: str) -> None:
    task = TASKS[kind]

    back = decode_task(encode_task(task))

    assert back.digest == task.digest == digest(task)
    state = {"position": 1.0, "speed": 0.0}
    assert back.act(state) == task.act(state)


def arrays_of(task: Task) -> list[np.ndarray[Any, Any]]:
    """All arrays of a network or a table."""
    program = task.program
    parts = program.layers if isinstance(program, Network) else (program,)
    values = [getattr(part, name) for part in parts for name in part.__struct_fields__]
    return [value for value in values if isinstance(value, np.ndarray)]


@pytest.mark.parametrize("kind", ["network", "table"])
def test_the_arrays_of_a_task_cannot_be_changed_however_it_was_made(kind: str) -> None:
    for task in (TASKS[kind], decode_task(encode_task(TASKS[kind]))):
        arrays = arrays_of(task)
        assert len(arrays) >= 2
        for array in arrays:
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 1


def test_an_array_that_was_given_to_a_task_is_still_its_owners() -> None:
    biases = np.zeros(1, dtype=np.int64)
    layer = Layer(weights=np.zeros((2, 1), dtype=np.int16), biases=biases, shift=0)
    biases[0] = 5

    assert layer.biases.tolist() == [0]


def test_a_script_keeps_its_changed_parameters() -> None:
    task = TASKS["script"].with_parameters([-1.0, 0.25])

    assert decode_task(encode_task(task)).parameters().values.tolist() == [-1.0, 0.25]


Forgery = Callable[[dict[str, Any]], None]


def array(kind: str, shape: list[int], body: bytes) -> dict[str, Any]:
    """An array as it is written."""
    return {"$a": [kind, shape, body]}


def layer(weights: np.ndarray[Any, Any], biases: np.ndarray[Any, Any], shift: int = 0) -> dict[str, Any]:
    """A layer as it is written."""
    return {
        "weights": array("<i2", list(weights.shape), weights.astype("<i2").tobytes()),
        "biases": array("<i8", list(biases.shape), biases.astype("<i8").tobytes()),
        "shift": shift,
    }


def put(*path: Any, value: Any) -> Forgery:
    """A change of one place."""

    def forge(document: dict[str, Any]) -> None:
        place: Any = document
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return forge


def put_layer(number: int, inputs: int, outputs: int, *, bias: int = 0) -> Forgery:
    """Another layer of zeros."""
    return put("program", "layers", number, value=layer(np.zeros((inputs, outputs)), np.full(outputs, bias)))


CHOICE = {"type": "one-of", "column": 0, "count": 1}
SCRAPS = array("<i2", [2, 4], b"1234567")
FORGERIES: dict[str, tuple[str, Forgery]] = {
    "layers do not chain": ("do not fit 4 inputs", put_layer(1, 3, 1)),
    "first layer": ("layer 0 takes 3 numbers, but the inputs are 2", put_layer(0, 3, 4)),
    "huge bias": ("a sum could reach 2.53", put_layer(1, 4, 1, bias=2**62)),
    "huge shift": ("shift", put("program", "layers", 1, "shift", value=63)),
    "no layers": ("no layers", put("program", "layers", value=[])),
    "too many outputs": ("gives 2 numbers, the action needs 1", put_layer(1, 4, 2)),
    "another column": ("does not fit column 7", put("program", "inputs", 0, "column", value=7)),
    "wild scale": ("out of range", put("program", "inputs", 0, "shift", value=900)),
    "another kind of input": ("does not fit column 0", put("program", "inputs", 0, value=CHOICE)),
    "unknown field": ("observes `sped`", put("observes", 1, value="sped")),
    "wrong bytes": ("does not have 7 bytes", put("program", "layers", 0, "weights", value=SCRAPS)),
    "wrong kind": ("Invalid value", put("program", "type", value="wasm")),
    "more than a task": ("unknown field", put("extra", value=1)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_network_is_refused_by_name(name: str) -> None:
    reason, forge = FORGERIES[name]
    document = cbor2.loads(encode_task(TASKS["network"]))
    forge(document)

    with pytest.raises((InvalidTask, InvalidFile), match=reason):
        decode_task(cbor2.dumps(document, canonical=True))


def test_a_table_whose_keys_are_not_in_order_is_refused() -> None:
    document = cbor2.loads(encode_task(TASKS["table"]))
    keys = np.array([[5, 5], [1, 1]], dtype="<i8")
    document["program"]["keys"] = array("<i8", [2, 2], keys.tobytes())
    document["program"]["actions"] = array("<i8", [2, 1], np.zeros(2, dtype="<i8").tobytes())

    with pytest.raises(InvalidTask, match="lexicographic order"):
        decode_task(cbor2.dumps(document, canonical=True))


def test_a_table_with_an_impossible_action_is_refused() -> None:
    document = cbor2.loads(encode_task(TASKS["table"]))
    document["program"]["actions"] = array("<i8", [1, 1], np.array([9], dtype="<i8").tobytes())

    with pytest.raises(InvalidTask, match="outside of its field's range"):
        decode_task(cbor2.dumps(document, canonical=True))


@given(st.data())
@settings(max_examples=150)
def test_flipped_bits_never_crash_the_reader(data: st.DataObject) -> None:
    body = bytearray(encode_task(TASKS[data.draw(st.sampled_from(sorted(TASKS)))]))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        task = decode_task(bytes(body))
    except WorldtwinError:
        task = None

    assert task is None or isinstance(task, Task)


def test_a_local_task_has_no_digest() -> None:
    task = LocalTask(lambda state: "left", CART)  # noqa: ARG005

    with pytest.raises(InvalidTask, match="stays on this machine"):
        digest(task)
