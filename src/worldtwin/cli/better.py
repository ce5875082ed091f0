"""`improve`, `iterate`, `evaluate` and `judge`: a better task, and whether it really is."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from msgspec import to_builtins
from msgspec.structs import replace

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
from worldtwin.cli.output import emit, progress_bar
from worldtwin.errors import InvalidValue
from worldtwin.improving import Finding, Improvement, Iteration, compare
from worldtwin.judging import Cases
from worldtwin.script import Parameter, Program
from worldtwin.simulation import Simulator
from worldtwin.tasks import LocalTask, Task
from worldtwin.world import Spec, shown

SHOWN_PARAMETERS = 8

Reality = Annotated[str, typer.Argument(metavar="ENV", help="the real environment, such as gym:CartPole-v1")]
CasesFile = Annotated[Path | None, typer.Option("--cases", help="a case file (default: the YAML's)")]


def improve(
    task_name: TaskName,
    simulator_file: SimulatorFile,
    cases_file: CasesFile = None,
    evaluations: Annotated[
        int | None, typer.Option(min=1, help="how many candidates to try (default: to a plateau)")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="stop after so long, whatever was found")] = None,
    backend: WhatComputes = Arithmetic.NUMPY,
    output: Annotated[Path, typer.Option("-o", "--output", help="where to write the better task")] = Path("better.wtt"),
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Search for a better task inside of a simulator. Exit code 1 when none was found.

    Example: worldtwin improve network:8 cart.yaml -o better.wtt
    """
    simulator = simulator_of(simulator_file)
    task = task_of(task_name, simulator)
    with progress_bar("improve") as bar:
        found = wt.improving.search(
            task,
            simulator,
            cases=cases_of(cases_file, simulator_file, simulator),
            evaluations=evaluations,
            seconds=seconds,
            key=key_of(seed),
            progress=lambda now: bar(now.fraction, now.text),
            backend=backend_of(backend),
        )
    better = found.decision.better
    lines = found.text.splitlines()
    lines[1:1] = each_step(found, simulator.spec)
    if better:
        wt.save(found.task, output)
        check = reality_check(task_name, output, simulator_file.with_suffix(".yaml"))
        lines += changes(task, found.task)
        lines += [f"wrote {output}", f"try it in reality before you believe it: {check}"]
    result = {"command": "improve", "better": better, "before": found.before, "after": found.after,
              "sources": dict(found.sources), "evaluations": found.evaluations, "decision": to_builtins(found.decision),
              "task": str(output) if better else None, "warning": found.warning}  # fmt: skip
    emit(result, [f"     {line}" for line in lines], as_json=as_json)
    if not better:
        raise typer.Exit(1)


def iterate(
    spec_file: SpecFile,
    reality: Reality,
    task_name: Annotated[str, typer.Option("--task", help="the task to begin with")] = "network",
    real_steps: Annotated[int, typer.Option(min=1, help="how many steps in reality at most")] = 3000,
    rounds: Annotated[int, typer.Option(min=1, help="how many rounds at most")] = 3,
    propose: Annotated[
        list[str] | None, typer.Option(help="another task to try; read again each round, so edit it meanwhile")
    ] = None,
    folder: Annotated[Path | None, typer.Option("--run", help="write what happened to this folder")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="where to write the better task")] = Path("better.wtt"),
    seed: Seed = None,
    backend: WhatComputes = Arithmetic.NUMPY,
    as_json: AsJson = False,
) -> None:
    """Improve, try in reality, record, learn again, until it is done or no longer gets better.

    What was recorded before is used. Exit code 1 unless reality gave evidence that the task is better.

    Example: worldtwin iterate cart.yaml gym:CartPole-v1 --real-steps 20000 --propose mine.py
    """
    document = files.load_document(spec_file)
    simulator = simulator_of(spec_file)
    task, spec = task_of(task_name, simulator), replace(document.spec, state=simulator.spec.state)
    with (
        progress_bar("iterate") as bar,
        wt.environments.opened(reality) as env,
        wt.Run(folder, spec, kind="improvement") if folder else nullcontext() as run,
    ):
        found = wt.iterate(
            task,
            spec,
            reality=env,
            real_steps=real_steps,
            rounds=rounds,
            traces=wt.recording.open_traces(document.traces_path, spec),
            cases=cases_of(None, spec_file, Simulator(spec=spec)),
            propose=propose or (),
            key=key_of(seed),
            progress=lambda now: bar(now.fraction, f"{now.phase} · {now.text}"),
            backend=backend_of(backend),
            run=run,
        )
    written = None if found.task is task else output
    if written:
        wt.save(found.task, written)
    emit(facts(found, written), told(found, written), as_json=as_json)
    if not found.better:
        raise typer.Exit(1)


def facts(found: Iteration, written: Path | None) -> dict[str, object]:
    """What came of an iteration, for programs; its task was written to `written`, if it was."""
    return {"command": "iterate", "better": found.better, "comparison": to_builtins(found.comparison),
            "rounds": [{**to_builtins(one), "gap": one.gap} for one in found.rounds], "stop": str(found.stop),
            "real_steps": found.real_steps, "task": str(written) if written else None,
            "refused": wt.readiness(found.simulator).refused}  # fmt: skip


def told(found: Iteration, written: Path | None) -> list[str]:
    """What came of an iteration, whether to believe its simulator, and where its task was written, if it was."""
    lines = found.text.splitlines()
    if refused := wt.readiness(found.simulator).refused:
        lines.append(f"do not believe its simulator: {refused}")
    if written:
        lines.append(f"wrote {written}" + ("" if found.better else ", which is promising and no more than that"))
    return lines


def evaluate(
    task_name: TaskName,
    reality: Reality,
    spec_file: Annotated[Path, typer.Option("--spec", help="the world's YAML")],
    against: Annotated[str | None, typer.Option(help="another task, on the same seeds")] = None,
    episodes: Annotated[int, typer.Option(min=1, help="how many episodes")] = 100,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Run a task in reality. With --against, exit code 1 unless there is evidence that it is better there.

    Example: worldtwin evaluate better.wtt gym:CartPole-v1 --spec cart.yaml --episodes 100
    """
    simulator = simulator_of(spec_file)
    key = key_of(seed)
    names = [task_name] if against is None else [against, task_name]
    returns: list[list[float]] = []
    lines: list[str] = []
    for name in names:
        with wt.environments.opened(reality) as env:
            real = wt.evaluate(task_of(name, simulator), env, episodes=episodes, key=key)
        returns.append(real.returns.tolist())
        lines.append(
            f"{name}: return {shown(float(real.returns.mean()))} in reality (worst {shown(float(real.returns.min()))})"
        )
    means = [sum(each) / len(each) for each in returns]
    result: dict[str, object] = {"command": "evaluate", "returns": dict(zip(names, means, strict=True))}
    good = True
    if against is not None:
        comparison = compare(returns[0], returns[1], simulator.spec)
        result["comparison"] = to_builtins(comparison)
        lines.append(comparison.text)
        good = comparison.finding is Finding.BETTER
    emit(result, lines, as_json=as_json)
    if not good:
        raise typer.Exit(1)


def judge(
    task_name: TaskName,
    simulator_file: SimulatorFile,
    cases_file: CasesFile = None,
    against: Annotated[str | None, typer.Option(help="another task: is TASK better than this one?")] = None,
    backend: WhatComputes = Arithmetic.NUMPY,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Put the cases to a task. Exit code 1 when a required case fails, or, with --against, when it is not better.

    Example: worldtwin judge better.wtt cart.yaml --cases cases.yaml --against balance.py
    """
    simulator = simulator_of(simulator_file)
    task, key = task_of(task_name, simulator), key_of(seed)
    cases = cases_of(cases_file, simulator_file, simulator)
    if not cases and against is None:
        raise InvalidValue("there is nothing to judge by: give --cases FILE, `cases:` in the YAML, or --against TASK")
    where = backend_of(backend)
    verdict = wt.judge(task, simulator, cases, key=key, backend=where)
    result: dict[str, object] = {"command": "judge", "passed": verdict.passed, "answers": to_builtins(verdict.answers)}
    lines = [verdict.text] if cases else []
    good = verdict.passed
    if against is not None:
        decision = wt.is_better(task, task_of(against, simulator), simulator, cases, key=key, backend=where)
        result["decision"] = to_builtins(decision)
        lines.append(decision.text)
        good = good and decision.better
    emit(result, lines, as_json=as_json)
    if not good:
        raise typer.Exit(1)


def each_step(found: Improvement, spec: Spec) -> list[str]:
    """`a step: 490 → 22,574` where every episode has the same many steps, so that the reward's own unit is seen."""
    if spec.reward is None or spec.ends != "False" or spec.horizon == 1:
        return []
    return [f"a step: {shown(found.before / spec.horizon)} → {shown(found.after / spec.horizon)}"]


def reality_check(task_name: str, output: Path, spec_file: Path) -> str:
    """What to do to see a better task at work: in the program that its function is from, or in an environment."""
    file, _, function = task_name.rpartition(".py:")
    if file and function.isidentifier():
        return f'in your program, {function}(..., **worldtwin.load_task("{output}").knobs)'
    return f"worldtwin evaluate {output} gym:... --spec {spec_file}"


def changes(before: Task | LocalTask, after: Task | LocalTask) -> list[str]:
    """`gain 0.2 → 1.617` for each declared parameter of a script that changed, when there are not too many."""
    if not isinstance(before, Task) or not isinstance(after, Task):
        return []
    if not isinstance(before.program, Program) or not isinstance(after.program, Program):
        return []
    pairs = zip(before.program.parameters, after.program.parameters, strict=True)
    said = [f"{old.name} {_values(old)} → {_values(new)}" for old, new in pairs if old != new]
    return [" · ".join(said)] if 0 < len(said) <= SHOWN_PARAMETERS else []


def _values(parameter: Parameter) -> str:
    if isinstance(parameter.plain, str):
        return parameter.plain
    numbers = ", ".join(shown(value) for value in parameter.values)
    return f"[{numbers}]" if parameter.array else numbers


def cases_of(path: Path | None, simulator_file: Path, simulator: Simulator) -> Cases:
    """The cases that were asked for, or those that the YAML names, if any."""
    if path is not None:
        return wt.load_cases(path, simulator.spec)
    if simulator_file.suffix not in {".yaml", ".yml"}:
        return ()
    document = files.load_document(simulator_file)
    return wt.load_cases(document.cases_path, simulator.spec) if document.cases_path is not None else ()
