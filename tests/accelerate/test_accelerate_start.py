"""Starting a backend: it is checked, changes no setting of the process, and names the extra that it needs."""

from __future__ import annotations

import subprocess
import sys

import jax
import pytest

import worldtwin as wt
from worldtwin.accelerate import JaxBackend
from worldtwin.accelerate.engines import JaxEngines
from worldtwin.errors import InexactBackend
from worldtwin.exact import require_conformance


def test_the_engines_are_exact_with_64_bits(backend: JaxBackend) -> None:
    with jax.enable_x64(True):
        require_conformance(backend.engines)


@pytest.mark.filterwarnings("ignore:.*requested.*:UserWarning")
def test_engines_of_32_bits_are_refused() -> None:
    with jax.enable_x64(False), pytest.raises(InexactBackend, match="a network"):
        require_conformance(JaxEngines())


def test_the_process_keeps_its_settings(backend: JaxBackend) -> None:
    assert backend.together > 0
    assert not jax.config.jax_enable_x64


def test_the_public_name_is_the_backend() -> None:
    assert wt.JaxBackend is JaxBackend


@pytest.mark.slow
def test_without_jax_the_error_names_the_command() -> None:
    script = "import sys; sys.modules['jax'] = None\nimport worldtwin as wt\nwt.JaxBackend"
    failed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert "MissingExtra" in failed.stderr
    assert "pip install 'worldtwin[accelerate]'" in failed.stderr
