"""`new` and `check`: define a world."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

import worldtwin as wt
from worldtwin import files
from worldtwin.cli.options import AsJson
from worldtwin.cli.output import emit
from worldtwin.errors import InvalidSpec, InvalidValue
from worldtwin.script import FUEL, Parameter, Program
from worldtwin.tasks import Automaton, Network, TablePolicy

_KINDS = {Network: "network", TablePolicy: "table", Automaton: "automaton"}


def new(
    source: Annotated[
        str, typer.Option("--from", help="gym:ID, FILE.csv|.jsonl|.parquet, FILE.traces, or MODULE:FUNCTION")
    ],
    name: Annotated[str | None, typer.Option(help="the world's name (default: from the source)")] = None,
    action: Annotated[list[str] | None, typer.Option(help="a column of the file that says what was done")] = None,
    output: Annotated[list[str] | None, typer.Option(help="a column of the file that says what came of it")] = None,
) -> None:
    """Print a first YAML of a world, made from a look at it. Guesses are marked as guesses.

    Examples: worldtwin new --from gym:CartPole-v1 > cart.yaml · worldtwin new --from log.csv --action button
    """
    draft = wt.draft_spec(source, name=name, action=action or (), outputs=output or ())
    emit({}, [draft.text.rstrip()], as_json=False)


def check(
    first: Annotated[
        Path,
        typer.Argument(
            metavar="A", help="a YAML of a world or of cases, a simulator, or a task: .wtt or FILE.py[:FUNCTION]"
        ),
    ],
    second: Annotated[
        Path | None,
        typer.Argument(metavar="[B]", help="a task for A (.py, .wtt), or another world, to be combined with it"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with a file, all of it at once; whether a task fits a world, or two can be combined.

    Examples: worldtwin check cart.yaml · worldtwin check balance.py · worldtwin check cart.yaml balance.py ·
    worldtwin check arm.yaml belt.yaml
    """
    if second is None:
        _check_one(first, as_json=as_json)
    else:
        _check_pair(first, second, as_json=as_json)


def _check_one(path: Path, *, as_json: bool) -> None:
    try:
        result, line = _describe(path)
    except InvalidSpec as error:
        if not as_json:
            raise
        problems = [{"line": p.line, "path": p.path, "message": p.message} for p in error.problems]
        emit({"command": "check", "ok": False, "problems": problems}, [], as_json=True)
        raise typer.Exit(2) from error
    emit({"command": "check", "ok": True, **result}, [f"{path}: {line}"], as_json=as_json)


def _describe(path: Path) -> tuple[dict[str, object], str]:
    if path.suffix in {".yaml", ".yml"}:
        problems = files.check(path)
        if problems:
            raise InvalidSpec(problems)
        if files.is_cases(path):
            return {"cases": len(files.load_cases(path))}, "ok · cases"
        spec = files.load_spec(path)
        kinds = f"{len(spec.state)} state, {len(spec.action)} action, {len(spec.outputs)} output fields"
        lacks = "" if spec.reward is not None else " · no reward: it can be learned, and improved by cases only"
        return {"name": spec.name, "digest": wt.digest(spec)}, f"ok · {spec.name} {spec.version} · {kinds}{lacks}"
    if path.suffix == ".wts":
        return _describe_simulator(wt.load_simulator(path))
    if path.suffix == ".wtt":
        return _describe_task(wt.load_task(path))
    if path.name.partition(":")[0].endswith(".py"):
        return _describe_program(files.load_program(path))
    raise InvalidValue(
        f"{path}: expected the .yaml of a world or of cases, a .wts simulator, a .wtt task or a .py script"
    )


def _is_task(path: Path) -> bool:
    return path.name.partition(":")[0].endswith((".py", ".wtt"))


def _describe_simulator(simulator: wt.Simulator) -> tuple[dict[str, object], str]:
    """What a simulator has counted and predicts, and what a step costs at most."""
    tables = {"observed": simulator.observed, "synthetic": simulator.synthetic}
    rows = {name: 0 if table is None else len(table) for name, table in tables.items()}
    result = {
        "name": simulator.spec.name,
        "digest": simulator.digest,
        "rows": rows,
        "predictors": len(simulator.predictors),
        "work": simulator.work,
    }
    parts = [f"ok · simulator of {simulator.spec.name}"]
    parts += [f"{count:,} {name} situations" for name, count in rows.items() if count]
    parts.append(f"{len(simulator.predictors)} predictors, at most {simulator.work:,} operations a step")
    return result, " · ".join(parts)


def _describe_task(task: wt.Task) -> tuple[dict[str, object], str]:
    """What a stored task costs at most, sees, and lets be changed, all without a world."""
    if isinstance(task.program, Program):
        return _describe_program(task.program)
    kind, count = _KINDS[type(task.program)], len(task.parameters())
    result = {"kind": kind, "cost": task.fuel, "observes": list(task.observes), "parameters": count}
    parts = [
        f"ok · {kind} · at most {task.fuel:,} fuel a step",
        f"sees {_listed(task.observes)}",
        f"{count} parameters",
    ]
    return result, " · ".join(parts)


def _describe_program(program: Program) -> tuple[dict[str, object], str]:
    """What a script costs at most, sees, remembers, and lets be changed, all without a world."""
    limit = (
        f"at most {program.cost:,} fuel" if program.cost is not None else f"no written limit, stopped at {FUEL:,} fuel"
    )
    parameters = [
        {
            "name": each.name,
            "values": list(each.values),
            "low": _bound(each.low),
            "high": _bound(each.high),
            "integer": each.integer,
            **({"choices": list(each.choices)} if each.choices else {}),
        }
        for each in program.parameters
    ]
    memory = [each.name for each in program.memory]
    result = {
        "function": program.function,
        "cost": program.cost,
        "observes": list(program.observes),
        "parameters": parameters,
        "memory": memory,
    }
    parts = [
        f"ok · {program.function} · {limit} a step",
        f"sees {_listed(program.observes)}",
        f"parameters {_listed(_parameter(each) for each in program.parameters)}",
        f"remembers {_listed(memory)}",
    ]
    return result, " · ".join(parts)


def _parameter(declared: Parameter) -> str:
    count = f"[{len(declared.values)}]" if declared.array else ""
    if declared.choices:
        return f"{declared.name} of {', '.join(declared.choices)}"
    return f"{declared.name}{count} in [{declared.low:g}, {declared.high:g}]"


def _bound(value: float) -> float | None:
    """A limit for JSON, which has no infinity."""
    return value if math.isfinite(value) else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"


def _check_pair(first: Path, second: Path, *, as_json: bool) -> None:
    if _is_task(second):
        wt.load_task(second, files.load_spec(first))
        emit({"command": "check", "ok": True}, [f"{second}: ok · task of {first}"], as_json=as_json)
        return
    answer = files.compatible(files.load_spec(first), files.load_spec(second))
    lines = [*answer.lines, "compatible" if answer.ok else "not compatible"]
    emit({"command": "check", "ok": answer.ok, "lines": list(answer.lines)}, lines, as_json=as_json)
    if not answer.ok:
        raise typer.Exit(1)
