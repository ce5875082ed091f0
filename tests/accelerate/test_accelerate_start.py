"""Starting a backend: it is checked, changes no setting of the process, and names the extra that it needs."""

from __future__ import annotations

import os
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


SETTINGS = [
    {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"},
    {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true"},
    {"OPENBLAS_CORETYPE": "Nehalem", "OPENBLAS_NUM_THREADS": "1"},
]
PROGRAM = """
import numpy as np
import worldtwin as wt
from worldtwin.simulation import Confidence, Feature, Polynomial, Regressor, Simulator
from worldtwin.world import Category, Space, Spec, StartRange, real

start = StartRange(-9999, 9999)
spec = Spec(name="hill", state=Space(("x", "v"), (real(-2, 2), real(-2, 2))),
            action=Space(("go", ), (Category(("l", "r")),)), start={"x": start, "v": start}, horizon=70)
features = (Feature(column=0, kind="real"), Feature(column=1, kind="real"),
            Feature(column=2, kind="category", count=2))
terms = np.array([[-1, -1, -1], [0, -1, -1], [0, 1, 2], [0, 0, 1], [1, 1, -1], [2, -1, -1]])
weights = np.random.default_rng(1).integers(-(1 << 20), 1 << 20, (3, 6, 2))
polynomial = Polynomial(terms=terms, weights=weights, shifts=np.full((3, 2), 20))
model = Regressor(features=features, functions=(polynomial,), targets=(0, 1), bases=(0, 1),
                  lows=np.full(2, -(1 << 24)), highs=np.full(2, 1 << 24), tolerances=np.full(2, 256),
                  confidence=Confidence(edges=np.array([0]), levels=np.array([9])))
simulator = Simulator(spec, predictors=(model,))
task = wt.Task.network(spec, hidden=(64, 64), key=1)
for backend in (None, wt.JaxBackend()):
    print(wt.rollout(task, simulator, episodes=300, key=1, backend=backend).digest)
"""


@pytest.mark.slow
def test_settings_of_libraries_do_not_matter() -> None:
    found: set[str] = set()
    for settings in ({}, *SETTINGS):
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env={**os.environ, **settings}
        )
        found.update(run.stdout.split())
    assert len(found) == 1
