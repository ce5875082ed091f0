"""Whatever the YAML of a world or of cases holds, it is a value or one list of problems, in bounded memory."""

from __future__ import annotations

import contextlib
import json
import runpy
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worldtwin.errors import InvalidSpec
from worldtwin.files import load_cases, load_spec
from worldtwin.files.reading.tree import read_tree

VECTORS = Path(__file__).parents[1] / "vectors" / "files"
CART = runpy.run_path(str(VECTORS / "make.py"))["CART"]
MEMORY = 64 << 20

WORLD = b"""\
worldtwin: 1
name: cart
version: 1.0.0
clock: {step: 20 ms}
state:
  position: {type: real, range: [-4.8, 480 cm], unit: m, resolution: 0.01}
  angle: {type: angle, unit: rad, from: [cos, sin]}
  gear: {type: category, values: [park, drive], per: client}
  exits: {type: set, values: [left, right]}
action: {push: {type: category, values: [left, right]}}
outputs: {latency: {type: real, range: [0, 60], unit: s}}
possible: exits
start: {position: [-1, 1 m], angle: 0.1, gear: [park], exits: [left]}
reward: "1 + next.position * 2"
ends: |
  abs(next.position) > 2.4 or
  next.gear == "drive"
returns: [0, 500]
done: {known: 0.9, horizon_error: {steps: 5, below: 0.1}}
compatible: {needs: [{name: dock, version: ">=1,<2"}]}
ports: {in: {go: {action: push}}, out: {late: {output: latency}}}
clients: {idle: {push: left}, deadline: 50 ms}
synthetic: [{rules: a.py, share: 0.2}]
learn: {sources: auto, key: 1}
"""
CASES = b"""\
- {name: one, kind: goal, start: {position: 1 cm, angle: [0, 1]}, episodes: 6, pass: 6, check: "ret > 150 and ret < 9"}
- name: two
  driver: [left, {push: right}]
  check: final.position > 2.0
"""


@contextlib.contextmanager
def file_of(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        path.write_bytes(content)
        yield path


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


@st.composite
def mutated(draw: st.DrawFn, originals: list[bytes], pieces: list[bytes]) -> bytes:
    content = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 0, 1, 2, 8, 100])))
        content[start:end] = draw(st.binary(max_size=4) | st.sampled_from(pieces))
    return bytes(content)


ODD = st.one_of(
    st.sampled_from([0, -1, 1, 2**31, 2**52, 2**53, 2**62, 2**63 - 1, -(2**63)]),
    st.integers(-8, 300),
    st.none() | st.booleans() | st.text(max_size=8),
    st.builds(list) | st.builds(dict) | st.builds(lambda: [0] * 1000) | st.builds(lambda: [[]]),
)
ODD_WORDS = st.one_of(
    ODD,
    st.floats(),
    st.sampled_from(["1 m", "20 ms", "1e300 km", "0 s", "m", "((((", "next.position", "not 1", "a" * 5000, "9" * 60]),
    st.builds(lambda: {"type": "real", "range": [0, 1]}) | st.builds(lambda: {"type": ["real"]}),
    st.builds(lambda: {"type": "set", "values": ["left"]})
    | st.builds(lambda: {"": ""})
    | st.builds(lambda: ["a", "a"]),
)


def leaves(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*way, key)
        yield from leaves(value[key], (*way, key))


def odd_inside(draw: st.DrawFn, plain: Any, odd: st.SearchStrategy[Any]) -> None:
    """Replace, remove or bend one to three values of `plain`."""
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from([*leaves(plain)]))
        target = plain
        for key in way:
            target = target[key]
        choice = draw(st.integers(0, 2))
        if choice == 0 and isinstance(target, dict):
            target[draw(st.sampled_from(["x", "nme", "__", "state", "type", "a b", "from"]))] = draw(odd)
        elif choice == 1 and len(plain) > 1:
            del target[last]
        else:
            target[last] = draw(odd)


@st.composite
def rewritten(draw: st.DrawFn, text: bytes) -> bytes:
    plain = read_tree(text.decode(), "").data
    odd_inside(draw, plain, ODD_WORDS)
    return json.dumps(plain).encode()


SIGNS = [
    b"\t", b"*a", b"&a ", b"!!int ", b"- ", b": ", b"{", b"}", b"[", b"]", b"'", b'"', b"|\n", b"\n---\n", b"? ",
    b"\xff", b"%YAML 1.1\n", b"\xe2\x80\xa8", b"9" * 30, b"1e999", b".nan", b"null", b"#", b"<<: ", b"state", b"**9**9",
]  # fmt: skip


def located(error: InvalidSpec, path: Path) -> bool:
    return bool(error.problems) and all(problem.file == str(path) and problem.message for problem in error.problems)


@pytest.mark.slow
@settings(deadline=None, max_examples=250)
@given(raw=mutated([WORLD], SIGNS) | rewritten(WORLD))
def test_changed_worlds_are_a_spec_or_problems_with_lines(raw: bytes) -> None:
    with file_of(raw) as path, bounded():
        try:
            load_spec(path)
        except InvalidSpec as error:
            assert located(error, path)  # noqa: PT017 - both ends are right


@pytest.mark.slow
@settings(deadline=None, max_examples=400)
@given(raw=mutated([CASES], SIGNS) | rewritten(CASES))
def test_changed_cases_are_cases_or_problems_with_lines(raw: bytes) -> None:
    with file_of(raw) as path, bounded():
        try:
            load_cases(path, CART)
        except InvalidSpec as error:
            assert located(error, path)  # noqa: PT017 - both ends are right
