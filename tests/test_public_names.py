"""The public surface: every name is there, no sub-package hides a function, and importing costs next to nothing."""

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import worldtwin

FUNCTIONS = [
    "digest", "distil", "draft_spec", "evaluate", "fit", "improve", "is_better", "iterate", "judge", "load_cases",
    "load_simulator", "load_spec", "load_task", "make_env", "make_sb3", "make_vec", "param", "readiness", "recorded",
    "remember", "rollout", "save",
]  # fmt: skip


OPTIONAL = {"worldtwin.environments.baselines"}
"""Modules that need a library which is not among the extras of `all`."""


def test_every_function_is_still_one_after_all_modules_are_imported() -> None:
    for module in pkgutil.walk_packages(worldtwin.__path__, "worldtwin."):
        if module.name not in OPTIONAL:
            importlib.import_module(module.name)
    for name in FUNCTIONS:
        assert inspect.isfunction(getattr(worldtwin, name)), name
    for name in worldtwin.__all__:
        assert getattr(worldtwin, name) is not None, name


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no public name `simulate`"):
        worldtwin.simulate  # noqa: B018


@pytest.mark.parametrize("module", ["worldtwin", "worldtwin.judging"])
def test_importing_the_kernel_loads_no_heavy_library(module: str) -> None:
    heavy = {"jax", "pyarrow", "gymnasium", "cmaes", "sklearn", "ruamel", "jsonschema", "pint", "typer"}
    script = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & {name.partition(".")[0] for name in loaded}
    assert "worldtwin.world" not in loaded or module != "worldtwin"
