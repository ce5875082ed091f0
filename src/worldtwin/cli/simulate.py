"""`fit`, `session` and `run`: a simulator from recorded data, and running it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

import worldtwin as wt
from worldtwin import files
from worldtwin.cli.options import (
    Arithmetic,
    AsJson,
    Seed,
    SimulatorFile,
    SpecFile,
    TaskName,
    WhatComputes,
    backend_of,
    key_of,
    simulator_of,
    task_of,
)
from worldtwin.cli.output import emit, percent, progress_bar
from worldtwin.cli.report import report_lines, report_result
from worldtwin.errors import InvalidValue, UnknownTransition
from worldtwin.world import shown


class Sources(Enum):
    """What to learn from."""

    AUTO = "auto"
    RECORDED = "recorded"
    SYNTHETIC = "synthetic"


def fit(
    spec_file: SpecFile,
    sources: Annotated[Sources | None, typer.Option(help="what to learn from (default: the YAML's)")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="default: NAME.wts beside the YAML")] = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Learn a simulator from the recorded traces, say how good it is, and write it beside the YAML.

    Example: worldtwin fit cart.yaml
    """
    document = files.load_document(spec_file)
    plan = document.plan
    traces = wt.recording.open_traces(document.traces_path, document.spec)
    began = time.perf_counter()
    with progress_bar("fit") as bar:
        simulator = wt.fit(
            document.spec,
            traces,
            key=plan.learn.key if seed is None else seed,
            sources=sources.value if sources else plan.learn.sources,
            progress=bar,
        )
    took = time.perf_counter() - began
    target = output or document.simulator_path
    wt.save(simulator, target)
    result = {"command": "fit", "simulator": str(target), "digest": simulator.digest, **report_result(simulator)}
    emit(result, [*report_lines(simulator, took), f"     wrote {target}"], as_json=as_json)


def session(
    simulator_file: SimulatorFile,
    actions: Annotated[list[str] | None, typer.Argument(help="actions and commands (default: from stdin)")] = None,
    start: Annotated[str | None, typer.Option(help="a start, such as angle=0.1,position=0")] = None,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Step through a simulation: one action a line; also `rewind 5`, `seek 0`, `state`, `possible`.

    Example: worldtwin session cart.wts left left right "rewind 2" state --key 7
    """
    simulator = simulator_of(simulator_file)
    first = _mapping(start) if start else None
    running = wt.Session(simulator, key=key_of(seed), start=first)
    lines: Iterable[str] = actions or (line.strip() for line in sys.stdin)
    for line in lines:
        if line:
            _obey(running, line, as_json=as_json)


def _obey(running: wt.Session, line: str, *, as_json: bool) -> None:
    word, _, rest = line.partition(" ")
    match word:
        case "rewind":
            running.rewind(_whole(rest))
        case "seek":
            running.seek(_whole(rest))
        case "state":
            pass
        case "possible":
            emit({"time": running.time, "possible": running.possible},
                 [f"{running.time:>5}  possible: {', '.join(running.possible)}"], as_json=as_json)  # fmt: skip
            return
        case _:
            _step(running, line, as_json=as_json)
            return
    emit({"time": running.time, "state": dict(running.state)}, [f"{running.time:>5}  {running.state}"], as_json=as_json)


def _step(running: wt.Session, line: str, *, as_json: bool) -> None:
    try:
        step = running.step(_mapping(line) if "=" in line else _value(line))
    except UnknownTransition as error:
        emit({"time": running.time, "unknown": str(error)}, [f"{running.time:>5}  unknown: {error}"], as_json=as_json)
        raise typer.Exit(1) from error
    source = step.source.name.lower()
    result = {"time": running.time, "state": dict(step.next), "outputs": dict(step.outputs), "reward": step.reward,
              "ended": step.ended, "source": source}  # fmt: skip
    outputs = f" → {step.outputs}" if len(step.outputs) else ""
    reward = f"  reward {shown(step.reward)}" if step.reward is not None else ""
    ended = "  ended" if step.ended else ""
    emit(result, [f"{running.time:>5}  {line:<10} {step.next}{outputs}{reward}  {source}{ended}"], as_json=as_json)


def run(
    task_name: TaskName,
    simulator_file: SimulatorFile,
    episodes: Annotated[int, typer.Option(help="how many episodes", min=1)] = 100,
    horizon: Annotated[int | None, typer.Option(min=1, help="steps an episode (default: the spec's)")] = None,
    folder: Annotated[Path | None, typer.Option("--run", help="write the run to this folder")] = None,
    seed: Seed = None,
    backend: WhatComputes = Arithmetic.NUMPY,
    as_json: AsJson = False,
) -> None:
    """Run a task in a simulator, and say what it got and how much of it was guessed.

    Example: worldtwin run balance.wtt cart.wts --episodes 100 --key 7
    """
    simulator = simulator_of(simulator_file)
    task = task_of(task_name, simulator)
    where = backend_of(backend)
    with (
        wt.Run(folder, simulator.spec, kind="simulated", simulator=simulator.digest)
        if folder
        else nullcontext() as sink
    ):
        played = wt.rollout(
            task, simulator, episodes=episodes, horizon=horizon, key=key_of(seed), backend=where, run=sink
        )
    mean = float(played.returns.mean())
    shares = played.sources
    result = {"command": "run", "return": mean, "worst": float(played.returns.min()), "steps": int(played.steps.sum()),
              "sources": shares, "digest": played.digest}  # fmt: skip
    mix = ", ".join(f"{percent(share)} {name}" for name, share in shares.items() if share)
    lines = [
        f"return {shown(mean)} (worst {shown(result['worst'])}) · {result['steps']:,} steps · {mix}",
        f"digest {played.digest}",
    ]
    emit(result, lines, as_json=as_json)


def _mapping(text: str) -> dict[str, object]:
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name and sign for name, sign, _ in pairs):
        raise InvalidValue(f"`{text}` is not a list like name=value,name=value")
    return {name.strip(): _value(value.strip()) for name, _, value in pairs}


def _value(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidValue(f"`{text}` is not a whole number of steps") from None
