"""A file is replaced whole, or not at all: also when the disk is full or the power goes."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from worldtwin.errors import TracesError


def write_whole(content: bytes, path: Path) -> None:
    """Make `path` a file of `content`, durable on return. Raises `TracesError`; then nothing has changed."""
    target = Path(os.path.realpath(path))
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise TracesError(f"{path}: is not a file that could be replaced: name another one")
    draft = target.with_name(f".worldtwin-{secrets.token_hex(8)}")
    try:
        try:
            _write(content, draft)
            draft.replace(target)
            _flush_folder(target.parent)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise TracesError(f"{path}: cannot be written: {_reason(error)}") from error
    except ValueError as error:
        raise TracesError(f"{str(path)!r} is no file name") from error


def _write(content: bytes, path: Path) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such folder"
    return (error.strerror or str(error)).lower()
