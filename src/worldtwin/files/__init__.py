"""Values on disk: the YAML of worlds and cases, simulators and tasks."""

from worldtwin.files.cases import cases_schema, load_cases
from worldtwin.files.compatibility import Compatibility, Wire, compatible
from worldtwin.files.document.document import Document, load_document, load_spec
from worldtwin.files.document.sections import world_schema
from worldtwin.files.problems import check, is_cases
from worldtwin.files.stored.store import load, load_simulator, save
from worldtwin.files.tasks import load_program, load_task
from worldtwin.files.writing.document_text import document_text

__all__ = [
    "Compatibility", "Document", "Wire", "cases_schema", "check", "compatible", "document_text", "is_cases", "load",
    "load_cases", "load_document", "load_program", "load_simulator", "load_spec", "load_task", "save", "world_schema",
]  # fmt: skip
