"""Who only checks needs little: the kernel's libraries are enough, and importing loads no other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIGHT = {"msgspec", "typing_extensions"}
"""msgspec imports typing_extensions where it is installed."""
KERNEL = LIGHT | {"cbor2", "numpy"}
"""wasmtime comes with the first batch of a script."""
IMPORTED = """
import sys
before = set(sys.modules)
{statement}
files = {{name: getattr(sys.modules[name], "__file__", None) or "" for name in set(sys.modules) - before}}
print(*{{name.partition(".")[0] for name, file in files.items() if "site-packages" in file}})
"""


def said(script: str) -> str:
    """What a fresh process prints."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_verdicts_are_the_same_where_only_the_kernels_libraries_are_installed() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "kernel_alone.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)

    assert found["strangers"] == []
    assert found["there"] == found["here"]
    assert set(found["here"]) == {"network", "script", "table", "text"}
    assert len(set(found["here"].values())) == 3  # a script and its text are one task


@pytest.mark.parametrize(
    ("statement", "libraries"),
    [
        ("import worldtwin", LIGHT),
        ("import worldtwin.judging", KERNEL),
        ("import worldtwin.simulation", KERNEL),
        ("from worldtwin import judge, load_simulator, load_task, rollout, save", KERNEL),
    ],
)
def test_importing_loads_no_library_that_checking_does_not_need(statement: str, libraries: set[str]) -> None:
    loaded = set(said(IMPORTED.format(statement=statement)).split())

    assert "msgspec" in loaded
    assert loaded <= libraries


def test_a_library_that_is_missing_is_named_with_the_command_that_installs_it() -> None:
    script = """
import sys
sys.modules.update(dict.fromkeys(("ruamel", "jsonschema", "pint")))
import worldtwin as wt
from worldtwin.files.reading.quantity import seconds
for ask in (lambda: wt.load_spec, lambda: wt.load_cases, lambda: seconds("20 ms")):
    try:
        ask()
    except wt.WorldtwinError as error:
        print(type(error).__name__, error)
"""
    lines = said(script).splitlines()

    assert len(lines) == 3
    assert all(line.startswith("MissingExtra") and line.endswith(": pip install worldtwin") for line in lines), lines
