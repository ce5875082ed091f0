"""Simulators and tasks as files: whole, believed only when every byte is right, and the same for ever."""

from __future__ import annotations

import errno
import json
import os
import resource
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import pytest

from worldtwin.errors import InvalidFile, InvalidTask, InvalidValue, TracesError
from worldtwin.files import load, load_simulator, load_task, save
from worldtwin.files.stored.envelope import sealed
from worldtwin.tasks import LocalTask

VECTORS = Path(__file__).parents[1] / "vectors" / "files"
MAKE: dict[str, Any] = runpy.run_path(str(VECTORS / "make.py"))
GOLDEN = [path.name for path in sorted(VECTORS.glob("*.wt[st]"))]


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_file_opens_and_is_what_it_was(name: str) -> None:
    digests = json.loads((VECTORS / "digests.json").read_text())

    assert load(VECTORS / name).digest == digests[name]


def test_golden_files_are_made_again_byte_for_byte() -> None:
    made = MAKE["vectors"]()

    assert sorted(made) == sorted([*GOLDEN, "digests.json"])
    assert {name: (VECTORS / name).read_bytes() for name in made} == made


@pytest.mark.parametrize("name", GOLDEN)
def test_what_was_loaded_is_saved_as_the_same_bytes(name: str, tmp_path: Path) -> None:
    save(load(VECTORS / name), tmp_path / name)

    assert (tmp_path / name).read_bytes() == (VECTORS / name).read_bytes()


def test_the_report_is_kept_though_it_is_not_in_the_digest() -> None:
    assert load_simulator(VECTORS / "lamp.wts").report == MAKE["lamp"]().report


def test_a_file_is_known_by_its_content_and_not_by_its_name(tmp_path: Path) -> None:
    misnamed = tmp_path / "simulator.wts"
    misnamed.write_bytes((VECTORS / "script.wtt").read_bytes())

    assert load_task(misnamed, MAKE["CART"]).observes == ("position",)
    with pytest.raises(InvalidFile, match=r"simulator\.wts: is a task, a simulator is expected"):
        load_simulator(misnamed)


def test_a_simulator_is_no_task() -> None:
    with pytest.raises(InvalidFile, match=r"lamp\.wts: is a simulator, a task is expected"):
        load_task(VECTORS / "lamp.wts")


def changed(change: Callable[[bytes], bytes], folder: Path) -> Path:
    path = folder / "x.wts"
    path.write_bytes(change((VECTORS / "lamp.wts").read_bytes()))
    return path


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "is empty": lambda raw: raw[:0],
    "is no simulator and no task of Worldtwin": lambda raw: b"PK" + raw,
    "is a `chain`, which this version of Worldtwin does not know": lambda raw: (
        b"\x84" + cbor2.dumps("worldtwin/chain") + raw[21:]
    ),
    "is a simulator of format 7, this version of Worldtwin reads format 1": lambda raw: raw[:21] + b"\x07" + raw[22:],
    r"is damaged: its bytes are not those that were written \(cut short or changed\): get it again": lambda raw: raw[
        :-1
    ],
    "is damaged: its bytes are not": lambda raw: raw[:100] + bytes([raw[100] ^ 1]) + raw[101:],
    "is damaged: its": lambda raw: raw + b"\0",
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_a_file_that_is_not_as_it_was_written_is_refused_in_one_sentence(sentence: str, tmp_path: Path) -> None:
    path = changed(BROKEN[sentence], tmp_path)

    with pytest.raises(InvalidFile, match=rf"x\.wts: {sentence}") as caught:
        load_simulator(path)

    assert "\n" not in str(caught.value)


HOSTILE = {
    "lengths that go beyond": b"\x5b" + (1 << 60).to_bytes(8, "big"),
    "beyond its end": b"\x9b" + (1 << 60).to_bytes(8, "big"),
    "go beyond its": b"\xbb" + (1 << 62).to_bytes(8, "big"),
    "over 24 levels": b"\x81" * 100_000 + b"\x00",
    "over 262,144 items": b"\x9a" + (1 << 19).to_bytes(4, "big") + b"\x00" * (1 << 19),
    "not plain data": b"\xd8\x1c\x82\xd8\x1d\x00\xd8\x1d\x00",
    "no plain data|not plain": b"\xfb" + b"\0" * 8,
    "ends too soon": b"\x82\x00",
    "goes on after its end": b"\x00\x00",
}


@pytest.mark.parametrize("sentence", HOSTILE)
def test_a_hostile_body_is_refused_before_anything_is_built_from_it(sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "x.wts"
    path.write_bytes(sealed("simulator", HOSTILE[sentence]))

    with pytest.raises(InvalidFile, match=sentence):
        load_simulator(path)


def test_files_that_are_none_are_one_sentence(tmp_path: Path) -> None:
    for path, sentence in {
        tmp_path: "is a directory",
        tmp_path / "none": "no such file",
        Path("/dev/zero"): "is no regular file",
    }.items():
        with pytest.raises(InvalidFile, match=f"{path}: {sentence}"):
            load(path)


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.wts"
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)

    with pytest.raises(InvalidFile, match="1,073,741,825 bytes are more than the 1,073,741,824 allowed"):
        load(path)


def test_a_pipe_that_nobody_writes_to_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.wts")

    with pytest.raises(InvalidFile, match="is no regular file"):
        load(tmp_path / "x.wts")


FULL_DISK = """
import resource, signal, sys
from worldtwin.errors import TracesError
from worldtwin.files import load_simulator, save
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
simulator = load_simulator(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    save(simulator, sys.argv[2])
except TracesError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_file_that_does_not_fit_leaves_the_old_one_and_no_trace(tmp_path: Path) -> None:
    target = tmp_path / "lamp.wts"
    target.write_bytes(b"old")
    command = [sys.executable, "-c", FULL_DISK, str(VECTORS / "lamp.wts"), str(target)]

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert said == f"{target}: cannot be written: {os.strerror(errno.EFBIG).lower()}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["lamp.wts"]
    assert target.read_bytes() == b"old"
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    simulator = load_simulator(VECTORS / "nothing.wts")
    with pytest.raises(TracesError, match=r"none/x\.wts: cannot be written: there is no such folder"):
        save(simulator, tmp_path / "none" / "x.wts")
    with pytest.raises(TracesError, match="cannot be written: is a directory"):
        save(simulator, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "latest.wts").symlink_to(tmp_path / "one.wts")
    save(load_simulator(VECTORS / "nothing.wts"), tmp_path / "latest.wts")

    assert (tmp_path / "latest.wts").is_symlink()
    assert (tmp_path / "one.wts").read_bytes() == (VECTORS / "nothing.wts").read_bytes()


def test_only_what_others_can_check_is_saved(tmp_path: Path) -> None:
    with pytest.raises(InvalidTask, match="a LocalTask lives on this machine only"):
        save(LocalTask(lambda position, angle: "left", MAKE["CART"]), tmp_path / "x.wtt")  # noqa: ARG005
    with pytest.raises(InvalidValue, match="a dict cannot be saved"):
        save({}, tmp_path / "x.wts")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TracesError, match="is not a file that could be replaced"):
        save(load_simulator(VECTORS / "nothing.wts"), tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()
