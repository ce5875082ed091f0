"""Arguments and options that several commands share, and the values they stand for."""

from __future__ import annotations

import secrets
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

import worldtwin as wt
from worldtwin import files
from worldtwin.cli.output import note
from worldtwin.errors import InvalidValue
from worldtwin.files import Document
from worldtwin.simulation import Backend, Simulator
from worldtwin.tasks import Task

AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object")]
Seed = Annotated[int | None, typer.Option("--key", help="the key of all chance (default: drawn, and named on stderr)")]
SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="the world's YAML")]
SimulatorFile = Annotated[Path, typer.Argument(metavar="SIM", help="a .wts file, or the YAML that it lies beside")]
TaskName = Annotated[str, typer.Argument(metavar="TASK", help="FILE.wtt, FILE.py[:FUNCTION], table, or network[:8,8]")]


class Arithmetic(Enum):
    """What computes: the bits are the same."""

    NUMPY = "numpy"
    JAX = "jax"


WhatComputes = Annotated[Arithmetic, typer.Option("--backend", help="what computes it; equal bits")]

LEARNED_PARTS = ("name", "state", "action", "outputs", "history", "stateless", "latent")
"""What of a spec a simulator is learned for."""


def key_of(seed: int | None) -> int:
    """The key that was asked for, or a fresh one that stderr names."""
    if seed is not None:
        return seed
    drawn = secrets.randbelow(2**32)
    note(f"worldtwin: drew --key {drawn}")
    return drawn


def backend_of(arithmetic: Arithmetic) -> Backend | None:
    """The backend that was asked for; None is NumPy's."""
    return wt.JaxBackend() if arithmetic is Arithmetic.JAX else None


def simulator_of(path: Path) -> Simulator:
    """The simulator in a .wts file or beside a YAML; when nothing was learned yet, one that knows only its bounds."""
    if path.suffix not in {".yaml", ".yml"}:
        return wt.load_simulator(path)
    document = files.load_document(path)
    if not document.simulator_path.exists():
        return Simulator(spec=document.spec)
    return _under(document, wt.load_simulator(document.simulator_path))


def _under(document: Document, simulator: Simulator) -> Simulator:
    """`simulator` with the YAML's present spec: reward, ends and the like need no learning, other fields do."""
    learned, path = simulator.spec, document.path
    if any(getattr(document.spec, part) != getattr(learned.declared, part) for part in LEARNED_PARTS):
        raise InvalidValue(
            f"{document.simulator_path} was learned from an older {path}: run `worldtwin fit {path}` again"
        )
    return replace(simulator, spec=replace(document.spec, latent=learned.latent, state=learned.state))


def task_of(name: str, simulator: Simulator) -> Task:
    """The task called `name`: a file, a function in a file, or a fresh table or network for the simulator's world."""
    kind, _, sizes = name.partition(":")
    if kind == "network":
        return wt.Task.network(simulator, hidden=_sizes(sizes), key=1)
    if name == "table":
        return wt.Task.table(simulator.spec)
    return wt.load_task(name, simulator.spec)


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in text.split(",") if size)
    except ValueError:
        raise InvalidValue(f"`{text}` is no list of layer sizes: write network, network:8 or network:32,32") from None
