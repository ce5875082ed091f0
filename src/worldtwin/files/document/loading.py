"""A world's YAML from disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from worldtwin.errors import InvalidSpec, Problem
from worldtwin.files.document.assemble import assemble
from worldtwin.files.document.document import Document
from worldtwin.files.reading.content import read_text
from worldtwin.files.reading.tree import Tree, read_tree
from worldtwin.world import Spec

_DRAFTED: Final = "not the YAML of a world: `worldtwin new --from {} > NAME.yaml` writes a first one"
_NO_WORLDS: Final = {
    ".csv": _DRAFTED,
    ".jsonl": _DRAFTED,
    ".parquet": _DRAFTED,
    ".traces": _DRAFTED,
    ".wts": "a simulator, not the YAML of a world: give the YAML that lies beside it",
    ".wtt": "a task, not the YAML of a world: give the YAML of the world that it acts in",
    ".py": "a program, not the YAML of a world: the world's YAML is another argument",
}
"""What a file of another kind is, by its suffix, and what to give instead."""


def load_document(path: str | Path) -> Document:
    """The spec and the plan in the YAML at `path`. Raises `InvalidSpec` with all its problems and their lines."""
    spec, plan = assemble(read_file(path))
    return Document(path=Path(path), spec=spec, plan=plan)


def load_spec(path: str | Path) -> Spec:
    """The spec in the YAML at `path`. Raises `InvalidSpec` with all its problems and their lines."""
    return load_document(path).spec


def read_file(path: str | Path) -> Tree:
    """The values in the YAML at `path` with their lines. Raises `InvalidSpec`."""
    file = Path(path)
    if file.suffix in _NO_WORLDS and file.exists():
        raise InvalidSpec([Problem(path="", message=_NO_WORLDS[file.suffix].format(file), file=str(path))])
    return read_tree(read_text(file), str(path))
