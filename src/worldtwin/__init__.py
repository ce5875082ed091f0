"""Watch a program run, build a twin of the world it runs in, rehearse there until the program is better, and prove it.

Public names load when they are first used (PEP 562), so that importing `worldtwin` costs a verifier next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from worldtwin.errors import MissingExtra

if TYPE_CHECKING:
    from worldtwin import accelerate, environments, examples, improving, learning, recording, traces
    from worldtwin.accelerate import JaxBackend
    from worldtwin.environments import evaluate, make_env, make_sb3, make_vec
    from worldtwin.errors import InvalidSpec, UnknownTransition, WorldtwinError
    from worldtwin.exact import Key
    from worldtwin.files import load_cases, load_simulator, load_spec, load_task, save
    from worldtwin.improving import improve, iterate
    from worldtwin.improving.distilling import distil
    from worldtwin.judging import Case, Cases, Verdict, is_better, judge, readiness
    from worldtwin.learning import fit
    from worldtwin.recording import RecordEnv, draft_spec, recorded
    from worldtwin.script import param, remember
    from worldtwin.simulation import Prediction, Session, Simulator, rollout
    from worldtwin.tasks import LocalTask, Task
    from worldtwin.traces import Run, Traces
    from worldtwin.world import Action, Spec, State, digest

__all__ = [
    "Action", "Case", "Cases", "InvalidSpec", "JaxBackend", "Key", "LocalTask", "Prediction", "RecordEnv", "Run",
    "Session", "Simulator", "Spec", "State", "Task", "Traces", "UnknownTransition", "Verdict", "WorldtwinError",
    "accelerate", "digest", "distil", "draft_spec", "environments", "evaluate", "examples", "fit", "improve",
    "improving", "is_better", "iterate", "judge", "learning", "load_cases", "load_simulator", "load_spec", "load_task",
    "make_env", "make_sb3", "make_vec", "param", "readiness", "recorded", "recording", "remember", "rollout", "save",
    "traces",
]  # fmt: skip

_HOMES = {
    "accelerate": ("JaxBackend",),
    "environments": ("evaluate", "make_env", "make_sb3", "make_vec"),
    "errors": ("InvalidSpec", "UnknownTransition", "WorldtwinError"),
    "exact": ("Key",),
    "examples": (),
    "files": ("load_cases", "load_simulator", "load_spec", "load_task", "save"),
    "improving": ("improve", "iterate"),
    "improving.distilling": ("distil",),
    "judging": ("Case", "Cases", "Verdict", "is_better", "judge", "readiness"),
    "learning": ("fit",),
    "recording": ("RecordEnv", "draft_spec", "recorded"),
    "script": ("param", "remember"),
    "simulation": ("Prediction", "Session", "Simulator", "rollout"),
    "tasks": ("LocalTask", "Task"),
    "traces": ("Run", "Traces"),
    "world": ("Action", "Spec", "State", "digest"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_EXTRA_OF = {
    "cmaes": "learn",
    "gymnasium": "rl",
    "jax": "accelerate",
    "jaxlib": "accelerate",
    "jsonschema": "",
    "lightgbm": "learn",
    "optax": "learn",
    "pint": "",
    "pyarrow": "learn",
    "ruamel": "",
    "scipy": "learn",
    "sklearn": "learn",
}
"""The extra that brings a library; empty for those that the plain install brings."""


def __getattr__(name: str) -> object:
    """The public value, or the sub-package, called `name`. Raises `MissingExtra` where a library is not installed."""
    if name not in _HOME_OF and name not in _HOMES:
        raise AttributeError(f"module `worldtwin` has no public name `{name}`")
    try:
        value = _found(name)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in _EXTRA_OF:
            raise
        extra = _EXTRA_OF[library]
        command = f"pip install 'worldtwin[{extra}]'" if extra else "pip install worldtwin"
        raise MissingExtra(f"worldtwin.{name} needs the library {library}: {command}") from error
    globals()[name] = value
    return value


def _found(name: str) -> object:
    package = importlib.import_module(f"worldtwin.{_HOME_OF.get(name, name)}")
    return getattr(package, name) if name in _HOME_OF else package


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
