"""A world's YAML from disk."""

from __future__ import annotations

from pathlib import Path

from worldtwin.files.document.assemble import assemble
from worldtwin.files.document.document import Document
from worldtwin.files.reading.content import read_text
from worldtwin.files.reading.tree import Tree, read_tree
from worldtwin.world import Spec


def load_document(path: str | Path) -> Document:
    """The spec and the plan in the YAML at `path`. Raises `InvalidSpec` with all its problems and their lines."""
    spec, plan = assemble(read_file(path))
    return Document(path=Path(path), spec=spec, plan=plan)


def load_spec(path: str | Path) -> Spec:
    """The spec in the YAML at `path`. Raises `InvalidSpec` with all its problems and their lines."""
    return load_document(path).spec


def read_file(path: str | Path) -> Tree:
    """The values in the YAML at `path` with their lines. Raises `InvalidSpec`."""
    return read_tree(read_text(Path(path)), str(path))
