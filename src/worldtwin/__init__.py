"""Watch a program run, build a twin of the world it runs in, rehearse there until the program is better, and prove it.

Public names load when they are first used (PEP 562), so that importing `worldtwin` costs a verifier next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from worldtwin.environments import evaluate, make_env, make_vec
    from worldtwin.errors import InvalidSpec, UnknownTransition, WorldtwinError
    from worldtwin.exact import Key
    from worldtwin.files import load_cases, load_simulator, load_spec, load_task, save
    from worldtwin.improving import improve, iterate
    from worldtwin.judging import Case, Cases, Verdict, is_better, judge, readiness
    from worldtwin.learning import fit
    from worldtwin.recording import RecordEnv, draft_spec, recorded
    from worldtwin.script import param
    from worldtwin.simulation import Prediction, Session, Simulator, rollout
    from worldtwin.tasks import LocalTask, Task
    from worldtwin.traces import Run, Traces
    from worldtwin.world import Action, Spec, State, digest

__all__ = [
    "Action", "Case", "Cases", "InvalidSpec", "Key", "LocalTask", "Prediction", "RecordEnv", "Run", "Session", "Simulator",
    "Spec", "State", "Task", "Traces", "UnknownTransition", "Verdict", "WorldtwinError", "digest", "draft_spec",
    "evaluate", "fit", "improve", "is_better", "iterate", "judge", "load_cases", "load_simulator", "load_spec",
    "load_task", "make_env", "make_vec", "param", "readiness", "recorded", "rollout", "save",
]  # fmt: skip

_HOMES = {
    "environments": ("evaluate", "make_env", "make_vec"),
    "errors": ("InvalidSpec", "UnknownTransition", "WorldtwinError"),
    "exact": ("Key",),
    "files": ("load_cases", "load_simulator", "load_spec", "load_task", "save"),
    "improving": ("improve", "iterate"),
    "judging": ("Case", "Cases", "Verdict", "is_better", "judge", "readiness"),
    "learning": ("fit",),
    "recording": ("RecordEnv", "draft_spec", "recorded"),
    "script": ("param",),
    "simulation": ("Prediction", "Session", "Simulator", "rollout"),
    "tasks": ("LocalTask", "Task"),
    "traces": ("Run", "Traces"),
    "world": ("Action", "Spec", "State", "digest"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """The public value called `name`, imported from the package where it lives."""
    if name not in _HOME_OF:
        raise AttributeError(f"module `worldtwin` has no public name `{name}`")
    value = getattr(importlib.import_module(f"worldtwin.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
