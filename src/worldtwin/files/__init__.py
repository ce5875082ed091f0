"""Values on disk: the YAML of worlds and cases, simulators and tasks.

Names load when they are first used (PEP 562): reading simulators and tasks needs none of the libraries of YAML.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worldtwin.files.cases import cases_schema, load_cases
    from worldtwin.files.compatibility import Compatibility, Wire, compatible
    from worldtwin.files.document.document import Document
    from worldtwin.files.document.loading import load_document, load_spec
    from worldtwin.files.document.sections import world_schema
    from worldtwin.files.problems import check, is_cases
    from worldtwin.files.reading.content import missing
    from worldtwin.files.stored.store import load, load_simulator, save
    from worldtwin.files.tasks import load_program, load_task
    from worldtwin.files.writing.document_text import document_text

__all__ = [
    "Compatibility", "Document", "Wire", "cases_schema", "check", "compatible", "document_text", "is_cases", "load",
    "load_cases", "load_document", "load_program", "load_simulator", "load_spec", "load_task", "missing", "save",
    "world_schema",
]  # fmt: skip

_HOMES = {
    "cases": ("cases_schema", "load_cases"),
    "compatibility": ("Compatibility", "Wire", "compatible"),
    "document.document": ("Document",),
    "document.loading": ("load_document", "load_spec"),
    "document.sections": ("world_schema",),
    "problems": ("check", "is_cases"),
    "reading.content": ("missing",),
    "stored.store": ("load", "load_simulator", "save"),
    "tasks": ("load_program", "load_task"),
    "writing.document_text": ("document_text",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """The public value called `name`."""
    if name not in _HOME_OF:
        raise AttributeError(f"module `worldtwin.files` has no public name `{name}`")
    value = getattr(importlib.import_module(f"worldtwin.files.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value
