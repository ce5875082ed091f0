"""The published JSON Schemas are the ones that files are checked with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from worldtwin.files import cases_schema, world_schema

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "worldtwin.schema.json": world_schema,
    "worldtwin-cases.schema.json": cases_schema,
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_published_schema_is_current(name: str) -> None:
    """Make it again: `python tests/vectors/files/schemas.py`."""
    assert json.loads((REFERENCE / name).read_text()) == json.loads(json.dumps(SCHEMAS[name]()))


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_published_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name]())
