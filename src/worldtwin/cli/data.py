"""`record` and `traces`: what happened, and what was made up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

import worldtwin as wt
from worldtwin import files
from worldtwin.cli.options import AsJson, Seed, SpecFile, key_of, simulator_of, task_of
from worldtwin.cli.output import emit, progress_bar
from worldtwin.errors import InvalidValue
from worldtwin.exact import Key
from worldtwin.files import Document

traces = typer.Typer(help="Look into recorded data.", no_args_is_help=True, rich_markup_mode=None)

Store = Annotated[Path, typer.Argument(metavar="SPEC", help="the world's YAML, or a .traces file")]


def record(
    spec_file: SpecFile,
    source: Annotated[
        str | None, typer.Argument(help="gym:ID, FILE.csv|.jsonl|.parquet, or nothing: the YAML's `synthetic`")
    ] = None,
    task_name: Annotated[str | None, typer.Option("--task", help="who acts (default: chance)")] = None,
    steps: Annotated[int, typer.Option(min=1, help="how many steps of an environment, at most")] = 1000,
    random: Annotated[float, typer.Option(min=0, max=1, help="the share of the actions that chance takes")] = 0.3,
    seed: Seed = None,
    as_json: AsJson = False,
) -> None:
    """Add to the traces: steps of an environment, rows of a file, or the synthetic data that the YAML names.

    Examples: worldtwin record cart.yaml gym:CartPole-v1 --task balance.py · worldtwin record cart.yaml
    """
    document = files.load_document(spec_file)
    with wt.recording.open_traces(document.traces_path, document.spec) as store:
        before, start = len(store), store.version
        if source is None:
            _add_synthetic(document, store)
        elif source.endswith((".csv", ".jsonl", ".parquet")):
            with progress_bar("record") as bar:
                wt.recording.import_file(source, store, document.spec, progress=bar.rows)
        else:
            _live(document, store, source, task_name, steps, random if task_name else 1.0, key_of(seed))
        added, version, place = len(store) - before, store.version, store.path
        tellable = added and not document.spec.state.pictures
        excluded = store.transitions(since=start).excluded if tellable else {}
    result = {"command": "record", "added": added, "rows": before + added, "version": version, "excluded": excluded}
    lines = [f"{place}: {added:,} transitions added, {before + added:,} in all"]
    lines += [f"{count:,} rows left out: {reason}" for reason, count in excluded.items()]
    emit(result, lines, as_json=as_json)


def _add_synthetic(document: Document, store: wt.Traces) -> None:
    if not document.plan.synthetic:
        raise InvalidValue(f"{document.path}: names no `synthetic` data: add it, or say what to record, such as gym:ID")
    for entry in document.plan.synthetic:
        wt.recording.add_synthetic(entry, store, document.spec, folder=document.path.parent)


def _live(
    document: Document, store: wt.Traces, source: str, task_name: str | None, steps: int, random: float, seed: int
) -> None:
    simulator = simulator_of(document.path)
    task = task_of(task_name or "network:", simulator)
    key = Key.of(seed).child("after", len(store)) if len(store) else Key.of(seed)
    done = number = 0
    with progress_bar("record") as bar, wt.environments.opened(source) as env:
        while done < steps:
            spec = replace(simulator.spec.declared, state=simulator.spec.state)
            spec = replace(spec, horizon=min(spec.horizon, steps - done))
            own = key.child("record", number)
            lived = wt.evaluate(task, env, episodes=1, key=own, spec=spec, traces=store, noise=random)
            done, number = done + int(lived.steps.sum()), number + 1
            bar(done / steps)


@traces.command()
def show(store_file: Store, as_json: AsJson = False) -> None:
    """Say what a store holds, and whether it is as it was written.

    Example: worldtwin traces show cart.yaml
    """
    with _opened(store_file) as store:
        store.verify()
        rows, version, names = len(store), store.version, store.names
        recorded = store.transitions() if store.spec is not None and not store.spec.state.pictures else None
    lines = [f"{rows:,} rows · version {version[:16]} · {', '.join(names)}"]
    result: dict[str, object] = {"command": "traces show", "rows": rows, "version": version, "columns": list(names)}
    if recorded is not None:
        made_up = int(recorded.transitions.synthetic.sum())
        lines.append(f"{len(recorded.transitions):,} transitions ({made_up:,} synthetic)")
        lines += [f"{count:,} rows left out: {reason}" for reason, count in recorded.excluded.items()]
        result |= {"transitions": len(recorded.transitions), "synthetic": made_up, "excluded": recorded.excluded}
    emit(result, lines, as_json=as_json)


@traces.command()
def gaps(
    store_file: Store,
    rows: Annotated[int, typer.Option(min=1, help="how many pairs")] = 100,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="default: standard output")] = None,
) -> None:
    """Write the least-known pairs of state and action as a CSV, to be filled in and recorded as synthetic data.

    Example: worldtwin traces gaps cart.yaml -o gaps.csv
    """
    with _opened(store_file) as store:
        text = wt.recording.gaps_csv(store, rows=rows)
    if output is None:
        emit({}, [text.rstrip()], as_json=False)
    else:
        output.write_text(text, encoding="utf-8")


@traces.command("import")
def import_rows(
    store_file: Store,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="rows: .csv, .jsonl or .parquet")],
    synthetic: Annotated[bool, typer.Option("--synthetic", help="the rows are made up")] = False,
    as_json: AsJson = False,
) -> None:
    """Add the rows of a CSV, JSONL or Parquet file.

    Example: worldtwin traces import cart.yaml gaps.csv --synthetic
    """
    with _opened(store_file) as store:
        if synthetic:
            added = wt.recording.synthetic_file(file, store)
        else:
            with progress_bar("import") as bar:
                added = wt.recording.import_file(file, store, progress=bar.rows)
    emit({"command": "traces import", "added": added}, [f"{added:,} rows added"], as_json=as_json)


def _opened(path: Path) -> wt.Traces:
    """The store of a YAML, made when missing, or the one at a path, which must be there."""
    if path.suffix in {".yaml", ".yml"}:
        document = files.load_document(path)
        return wt.recording.open_traces(document.traces_path, document.spec)
    if not path.exists():
        raise InvalidValue(f"{path}: there is no such store")
    return wt.Traces(path)
