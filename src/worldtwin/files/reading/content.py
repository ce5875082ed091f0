"""Bytes and text of files that may be anything: missing, a directory, endless, or not text at all."""

from __future__ import annotations

import difflib
import os
import re
import stat
from pathlib import Path
from typing import Final

from worldtwin.errors import InvalidFile, InvalidSpec, Problem

LARGEST_TEXT: Final = 1 << 20
_BYTE_ORDER_MARK: Final = "\ufeff"
_TURNING: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What changes the reading direction: a text with it, a comment too, does not say what it seems to say."""


def read_bytes(path: Path, largest: int) -> bytes:
    """The bytes of the regular file at `path`, never more than `largest` of them. Raises `InvalidFile`."""
    try:
        return _bounded(path, largest)
    except FileNotFoundError as error:
        raise InvalidFile(f"{path}: {missing(path)}") from error
    except OSError as error:
        raise InvalidFile(f"{path}: {_reason(error)}") from error
    except ValueError as error:
        raise InvalidFile(f"{str(path)!r} is no file name") from error


def missing(path: Path) -> str:
    """`no such file`, and the one of the same kind in its folder that may be meant."""
    try:
        stems = sorted(other.stem for other in path.parent.iterdir() if other.suffix == path.suffix)
    except FileNotFoundError:
        return f"no such file: there is no folder {path.parent}"
    except OSError:
        return "no such file"
    near = difflib.get_close_matches(path.stem, stems, n=1)
    return f"no such file: did you mean `{near[0]}{path.suffix}`?" if near else "no such file"


def read_text(path: Path) -> str:
    """The text of the file at `path`, at most 1 MiB of UTF-8. Raises `InvalidSpec`."""
    try:
        raw = read_bytes(path, LARGEST_TEXT)
    except InvalidFile as error:
        message = str(error).removeprefix(f"{path}: ")
        raise InvalidSpec([Problem(path="", message=message, file=str(path))]) from error
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"byte {raw[error.start]:#04x} is no UTF-8: save the file as UTF-8 text"
        raise InvalidSpec([Problem(path="", message=message, line=line, file=str(path))]) from error
    if turning := _TURNING.search(text):
        line = text.count("\n", 0, turning.start()) + 1
        message = f"invisible character U+{ord(turning.group()):04X} changes the reading direction: remove it"
        raise InvalidSpec([Problem(path="", message=message, line=line, file=str(path))])
    return text.removeprefix(_BYTE_ORDER_MARK)


def _bounded(path: Path, largest: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor that cannot block on a pipe
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise InvalidFile(f"{path}: is a directory: give the file in it")
        if not stat.S_ISREG(mode):
            raise InvalidFile(f"{path}: is no regular file")
        size = os.fstat(descriptor).st_size
        if size > largest:
            raise InvalidFile(f"{path}: {size:,} bytes are more than the {largest:,} allowed")
        return file.read(size)


def _reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "may not be read: its permissions forbid it"
    if isinstance(error, IsADirectoryError):
        return "is a directory: give the file in it"
    return f"cannot be read: {(error.strerror or str(error)).lower()}"
