"""What needs libraries too heavy for the environment of all tests runs in one of its own, not against fakes."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

import worldtwin as wt
from worldtwin.errors import MissingExtra
from worldtwin.simulation import Simulator
from worldtwin.world import Category, Integer, Space, Spec

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of the environment that `scripts/setup-sb3` makes."""
    made = subprocess.run([ROOT / "scripts/setup-sb3"], capture_output=True, text=True, check=False)
    if made.returncode == 3:
        pytest.skip(made.stderr.splitlines()[-1])
    assert made.returncode == 0, made.stderr
    return ROOT / ".venv-sb3/bin/python"


@pytest.mark.slow
def test_what_needs_stable_baselines3_passes_where_it_is_installed(python: Path, tmp_path: Path) -> None:
    files = sorted((ROOT / "tests").rglob("*_sb3.py"))

    one_thread = {"OMP_NUM_THREADS": "1"}  # PyTorch's threads wait for each other on a busy machine
    environment = {**os.environ, **one_thread, "SB3_LOGDIR": str(tmp_path)}
    command = [python, "-m", "pytest", "-q", *files]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert files
    assert ran.returncode == 0, ran.stdout[-8000:]
    assert "skipped" not in ran.stdout


@pytest.mark.skipif(find_spec("stable_baselines3") is not None, reason="Stable-Baselines3 is installed here")
def test_without_stable_baselines3_the_command_that_installs_it_is_named() -> None:
    spec = Spec(
        name="world", state=Space(("a",), (Integer(low=0, high=1),)), action=Space(("b",), (Category(("c", "d")),))
    )

    with pytest.raises(MissingExtra, match=r"stable_baselines3: pip install 'worldtwin\[sb3\]'"):
        wt.make_sb3(Simulator(spec), 4)
