"""Publish the JSON Schemas in docs/reference: `python tests/vectors/files/schemas.py`."""

from __future__ import annotations

import json
from pathlib import Path

from worldtwin.files import cases_schema, world_schema

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"

if __name__ == "__main__":
    for name, schema in {"worldtwin": world_schema(), "worldtwin-cases": cases_schema()}.items():
        (REFERENCE / f"{name}.schema.json").write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
