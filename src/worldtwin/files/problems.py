"""`check`: what is wrong with a file, as a list."""

from __future__ import annotations

from pathlib import Path

from worldtwin.errors import InvalidSpec, Problem
from worldtwin.files.cases import load_cases
from worldtwin.files.document.loading import load_document, read_file


def is_cases(path: str | Path) -> bool:
    """Whether the YAML at `path` is a list, as that of cases is. Raises `InvalidSpec` when it cannot be read."""
    return isinstance(read_file(path).data, list)


def check(path: str | Path) -> tuple[Problem, ...]:
    """Everything that is wrong with the YAML of a world, and of the cases that it names, or with a file of cases alone.

    Nothing when all is right.
    """
    try:
        if is_cases(path):
            load_cases(path)
            return ()
        document = load_document(path)
        if document.cases_path is not None:
            load_cases(document.cases_path, document.spec)
    except InvalidSpec as error:
        return error.problems
    return ()
