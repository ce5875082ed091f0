"""Stored files, changed in their bytes, their structure and their encoding: refused, or a value that can be used.

Each change is a function of the file's name, its kind and a number, so that a failure can be repeated alone.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import cbor2
import numpy as np
import pytest

from worldtwin.errors import InvalidFile, WorldtwinError
from worldtwin.files import load, save
from worldtwin.files.stored.envelope import KINDS, sealed, unsealed
from worldtwin.simulation import Simulator, rollout
from worldtwin.tasks import Task

VECTORS = Path(__file__).parents[1] / "vectors" / "files"
MEMORY = 64 << 20
SECONDS = 2.0
"""Of one processor, for a file of some kilobytes while its memory is traced; most take milliseconds."""

Chance: TypeAlias = np.random.Generator
Kind: TypeAlias = Any


def samples() -> dict[str, bytes]:
    """The files that are changed: every golden one, so that a new kind of model is attacked as soon as it has one."""
    return {path.name: path.read_bytes() for path in sorted(VECTORS.glob("*.wt[st]"))}


SAMPLES = samples()
HEADS = (
    b"\x5b" + b"\xff" * 8,
    b"\x9b\0\0\0\1\0\0\0\0",
    b"\xbf",
    b"\xd8\x1c",
    b"\x81" * 64,
    b"\x1b" + b"\xff" * 8,
    b"\xf7",
)


def in_bytes(raw: bytes, chance: Chance) -> bytes:
    """One to three bits flipped, a part cut out, the end cut off, or bytes put in."""
    changed = bytearray(raw)
    for _ in range(chance.integers(1, 4)):
        at = int(chance.integers(0, max(1, len(changed))))
        match chance.integers(0, 5):
            case 0 | 1 if changed:
                changed[at % len(changed)] ^= 1 << int(chance.integers(0, 8))
            case 2:
                del changed[at : at + int(chance.integers(1, 40))]
            case 3:
                del changed[at:]
            case _:
                changed[at:at] = HEADS[chance.integers(len(HEADS))] if chance.random() < 0.5 else chance.bytes(3)
    return bytes(changed)


NUMBERS = (
    0,
    1,
    -1,
    2,
    63,
    64,
    255,
    2**24,
    2**31 - 1,
    2**31,
    2**52,
    2**53,
    2**61,
    2**62,
    2**63 - 1,
    -(2**63),
    2**63,
    2**70,
)
WORDS = ("", "x", "real", "network", "state", "next.position", "a" * 300, "\u202e", "__class__", "0x1p+1023", "1/0")
OTHERS: tuple[Callable[[], object], ...] = (
    lambda: None, lambda: True, list, dict, lambda: b"", lambda: b"\0" * 8, lambda: [0] * 500, lambda: [[[]]],
    lambda: {"$f": "0x1.0000000000000p+0"}, lambda: {"$f": "0x1.fffffffffffffp+1023"}, lambda: {"$f": "nan"},
    lambda: {"$a": ["<i8", [0], b""]}, lambda: {"$a": ["<i8", [1 << 30, 1 << 30, 0], b""]}, lambda: {"type": "angle"},
)  # fmt: skip
SHAPES = ([], [0], [1, 1, 1, 1, 1], [1 << 30], [1 << 62, 4], [-1, -1], [0, 1 << 29], ["1"], [None])
TYPES = ("<i8", "<u8", "<i4", "<i2", "|i1", "|b1", "<f8", "|O", ">i8", "", "<U8")


def in_values(raw: bytes, chance: Chance) -> bytes:
    """One or two values bent, replaced, repeated, swapped or removed, under a right digest."""
    kind, body = unsealed(raw)
    plain = cbor2.loads(body)
    for _ in range(chance.integers(1, 3)):
        ways = [*places(plain)]
        *way, last = ways[chance.integers(len(ways))]
        target = plain
        for step in way:
            target = target[step]
        bend(target, last, chance)
    return sealed(kind, cbor2.dumps(plain, canonical=True))


def places(value: object, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to all parts of plain data."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield (*way, key)
        yield from places(value[key], (*way, key))  # pyright: ignore[reportIndexIssue]


def bend(target: Any, last: Any, chance: Chance) -> None:
    """Change `target[last]`, most often into something of its own kind."""
    old, one = target[last], chance.random()
    if one < 0.1:
        del target[last]
    elif one < 0.2:
        target[last] = OTHERS[chance.integers(len(OTHERS))]()
    elif one < 0.3 and isinstance(target, list):
        target.insert(last, old)
    elif one < 0.3:
        target[WORDS[chance.integers(len(WORDS))]] = old
    elif last == "$a" or (isinstance(old, list) and len(old) == 3 and isinstance(old[2], bytes)):
        bend_array(old, chance)
    elif isinstance(old, bool | int):
        target[last] = NUMBERS[chance.integers(len(NUMBERS))] if one < 0.6 else old + int(chance.integers(-2, 3))
    elif isinstance(old, str):
        target[last] = WORDS[chance.integers(len(WORDS))] if one < 0.7 else old[:-1]
    elif isinstance(old, bytes):
        target[last] = in_bytes(old, chance)
    elif isinstance(old, list) and old:
        chance.shuffle(old)
    else:
        target[last] = NUMBERS[chance.integers(len(NUMBERS))]


def bend_array(parts: list[Any], chance: Chance) -> None:
    """Change the type, the shape or a number of an array, or its length in a way that still fits."""
    match chance.integers(0, 5):
        case 0:
            parts[0] = TYPES[chance.integers(len(TYPES))]
        case 1:
            parts[1] = SHAPES[chance.integers(len(SHAPES))]
        case 2:
            parts[1] = parts[1][::-1] if len(parts[1]) > 1 else [1, *parts[1]]
        case 3 if parts[1] and parts[1][0]:
            row = len(parts[2]) // parts[1][0]
            parts[1], parts[2] = [parts[1][0] - 1, *parts[1][1:]], parts[2][:-row] if row else parts[2]
        case _:
            at = 8 * int(chance.integers(0, max(1, len(parts[2]) // 8)))
            number = max(-(2**63), min(2**63 - 1, NUMBERS[chance.integers(len(NUMBERS))]))
            parts[2] = parts[2][:at] + number.to_bytes(8, "little", signed=True) + parts[2][at + 8 :]


def in_encoding(raw: bytes, chance: Chance) -> bytes:
    """The same values, one of them written as canonical CBOR never would, under a right digest."""
    kind, body = unsealed(raw)
    plain = cbor2.loads(body)
    ways = [(), *places(plain)]
    return sealed(kind, written(plain, ways[chance.integers(len(ways))], chance))


def written(value: Any, odd: tuple[Any, ...] | None, chance: Chance) -> bytes:
    """The bytes of `value`; what lies at `odd` in an odd form."""
    if odd == ():
        return oddly(value, chance)
    if odd is None or not isinstance(value, dict | list):
        return cbor2.dumps(value, canonical=True)
    if isinstance(value, list):
        parts = [written(item, odd[1:] if i == odd[0] else None, chance) for i, item in enumerate(value)]
        return head(4, len(value)) + b"".join(parts)
    pairs = {cbor2.dumps(key): written(item, odd[1:] if key == odd[0] else None, chance) for key, item in value.items()}
    return head(5, len(value)) + b"".join(key + pairs[key] for key in sorted(pairs, key=lambda key: (len(key), key)))


def oddly(value: Any, chance: Chance) -> bytes:
    """`value` with a repeated key, keys out of order, without its length, with a tag, a longer head, or as a float."""
    usual = cbor2.dumps(value, canonical=True)
    if isinstance(value, dict) and value:
        pairs = [cbor2.dumps(key) + cbor2.dumps(item, canonical=True) for key, item in value.items()]
        match chance.integers(0, 3):
            case 0:
                return head(5, len(pairs) + 1) + b"".join([*pairs, pairs[0]])
            case 1:
                return b"\xbf" + b"".join(pairs) + b"\xff"
            case _:
                ordered = sorted(pairs, reverse=True)
                return head(5, len(pairs)) + b"".join(ordered if len(pairs) > 1 else [*ordered, b"\0"])
    if isinstance(value, list) and chance.random() < 0.5:
        return b"\x9f" + b"".join(cbor2.dumps(item, canonical=True) for item in value) + b"\xff"
    if isinstance(value, int) and abs(value) < 2**62 and chance.random() < 0.5:
        wide = b"\x1b" + value.to_bytes(8, "big") if value >= 0 else b"\x3b" + (-1 - value).to_bytes(8, "big")
        return wide if wide != usual else b"\xc2\x41\x01"
    return b"\xd8\x2a" + usual if chance.random() < 0.5 else b"\xfb" + b"\0" * 8


def head(major: int, length: int) -> bytes:
    """The head of a CBOR item with `length` parts."""
    return bytes([major << 5 | length]) if length < 24 else bytes([major << 5 | 25]) + length.to_bytes(2, "big")


def believed(raw: bytes, path: Path) -> Simulator | Task | None:
    """What is loaded from `raw`, None where it is refused; in bounded time and memory."""
    path.write_bytes(raw)
    tracemalloc.start()
    began = time.process_time()
    try:
        return load(path)
    except InvalidFile as error:
        assert "\n" not in str(error)  # noqa: PT017 - a refusal is one of two right ends
        return None
    finally:
        seconds, memory = time.process_time() - began, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert memory < MEMORY
        assert seconds < SECONDS


def use(value: Simulator | Task) -> None:
    """Let it do what it is for; it may refuse in a sentence."""
    if isinstance(value, Simulator):
        rows = value.spec.start_rows(np.stack([value.spec.state.low, value.spec.state.high, value.spec.state.low]))
        with suppress(WorldtwinError):
            rollout(Task.table(value.spec), value, episodes=3, horizon=3, key=1, starts=rows)
        with suppress(WorldtwinError):
            value.start_states(1, 4)
    else:
        low, high = value.world.start_rows(value.state.low[None]), value.world.start_rows(value.state.high[None])
        rows = np.concatenate([low, high] * 9)
        with suppress(WorldtwinError):
            value.act_rows(rows, value.start_memory(len(rows)), value.world.possible_actions(rows))


CHANGES: dict[str, Callable[[bytes, Chance], bytes]] = {
    "bytes": in_bytes,
    "bytes of the body": lambda raw, chance: sealed(KINDS[chance.integers(2)], in_bytes(unsealed(raw)[1], chance)),
    "values": in_values,
    "encoding": in_encoding,
}


def attack(name: str, kind: str, number: int, path: Path) -> None:
    """One change of one file."""
    raw = SAMPLES[name]
    changed = CHANGES[kind](raw, np.random.default_rng([number, *kind.encode(), *name.encode()]))
    try:
        value = believed(changed, path)
        if kind in {"bytes", "encoding"}:
            assert value is None or changed == raw
        elif value is not None:
            save(value, path)
            assert load(path).digest == value.digest
            use(value)
    except Exception as error:
        error.add_note(f"{name}: change number {number} of its {kind}")
        raise


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", SAMPLES)
def test_a_changed_file_is_refused_or_a_value_that_can_be_used(name: str, kind: str, tmp_path: Path) -> None:
    for number in range(25):
        attack(name, kind, number, tmp_path / "x")


@pytest.mark.slow
@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", SAMPLES)
def test_many_changed_files_are_refused_or_values_that_can_be_used(name: str, kind: str, tmp_path: Path) -> None:
    for number in range(25, 525):
        attack(name, kind, number, tmp_path / "x")


def test_the_changes_reach_what_lies_behind_the_first_checks(tmp_path: Path) -> None:
    reached = 0
    for name, raw in SAMPLES.items():
        for number in range(20):
            changed = in_values(raw, np.random.default_rng([number, *name.encode()]))
            value = believed(changed, tmp_path / "x")
            reached += value is not None and changed != raw

    assert reached > 10
