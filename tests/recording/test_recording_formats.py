"""CSV, JSON Lines and Parquet are one thing: rows with names. What is wrong in them is said with its place."""

import json
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import csv, parquet

from worldtwin.errors import InvalidValue, TracesError
from worldtwin.recording import draft_spec, import_file, open_traces
from worldtwin.recording.tables import json_lines, limits
from worldtwin.recording.tables.numbering import Numbering
from worldtwin.recording.tables.reading import read_table
from worldtwin.traces import Traces
from worldtwin.world import Spec

ROW = {"heat": 20.0, "mode": "idle", "doors": ["n", "s"], "press": "start", "noise": 1.5}
FORMATS = ["csv", "jsonl", "parquet"]


def write(folder: Path, rows: list[dict], kind: str, name: str = "log") -> Path:
    """`rows`, whose sets are lists, as a file of this kind."""
    path = folder / f"{name}.{kind}"
    if kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path
    joined = [{k: "|".join(v) if isinstance(v, list) else v for k, v in row.items()} for row in rows]
    table = pa.Table.from_pylist(joined, schema=_texts_for_lists(pa.Table.from_pylist(rows).schema))
    (parquet.write_table if kind == "parquet" else csv.write_csv)(table, path)
    return path


def _texts_for_lists(schema: pa.Schema) -> pa.Schema:
    return pa.schema([(field.name, pa.string() if pa.types.is_list(field.type) else field.type) for field in schema])


def stored(traces: Traces) -> dict[str, list[Any]]:
    table = traces.rows().drop_columns(["writer"])
    return {name: table.column(name).to_pylist() for name in table.column_names}


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "heat": st.none() | st.floats(-50, 150).map(lambda value: round(value, 3)),
            "mode": st.sampled_from(["idle", "on", "broken"]),
            "doors": st.lists(st.sampled_from(["n", "s"]), unique=True, max_size=2),
            "press": st.sampled_from(["start", "stop"]),
            "noise": st.none() | st.integers(0, 12).map(float),
            "terminated": st.booleans(),
        }
    ),
    min_size=1,
    max_size=12,
)


@given(rows=ROWS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_rows_mean_the_same_in_every_format(
    tmp_path_factory: pytest.TempPathFactory, press: Spec, rows: list[dict]
) -> None:
    folder = tmp_path_factory.mktemp("formats")
    first, second, third = (
        Numbering(lambda _: 0, kind).numbered(read_table(write(folder, rows, kind), press)).to_pylist()
        for kind in FORMATS
    )
    assert first == second == third
    assert len(first) == len(rows)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_log_is_drafted_and_then_fits_its_draft(tmp_path: Path, kind: str) -> None:
    rows = [
        {"Oil temp.": i / 7, "mode": "ab"[i % 2], "open": i % 3 == 0, "action": "xyz"[i % 3], "reward": i + 0.5,
         "truncated": i % 10 == 9}
        for i in range(40)
    ]  # fmt: skip
    path = write(tmp_path, rows, kind)
    draft = draft_spec(path)
    assert draft.spec.state.names == ("Oil_temp", "mode", "open")
    assert draft.plan.traces == str(path)
    found = open_traces(path, draft.spec).transitions()
    assert len(found.transitions) == 36
    assert len(set(found.transitions.episodes.tolist())) == 4
    assert draft_spec(write(tmp_path, rows, "csv", "other"), name="log").spec == draft.spec


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    ("extra", "episodes"),
    [
        ({"terminated": [0, 1, 0, 0]}, [0, 0, 1, 1]),
        ({"truncated": [False, False, True, False]}, [0, 0, 0, 1]),
        ({"done": [1, 1, None, 1]}, [0, 1, 2, 2]),
        ({"step": [0, 1, 0, 0]}, [0, 0, 1, 2]),
        ({"time": [5.0, 6.5, 1.0, 1.0]}, [0, 0, 1, 1]),
        ({"timestamp": ["2026-01-31 12:00:01", "2026-01-31 12:00:02", "2026-01-31 12:00:00", None]}, [0, 0, 1, 1]),
        ({"time": ["2026-01-31T12:00:01Z", "2026-01-31T12:00:00Z", None, "2026-01-31T12:00:01Z"]}, [0, 1, 1, 1]),
        ({"episode": [7, 3, 7, 3]}, [0, 1, 0, 1]),
    ],
)
def test_where_an_episode_ends_no_row_leads_to_the_next(
    tmp_path: Path, press: Spec, kind: str, extra: dict[str, list], episodes: list[int]
) -> None:
    ((name, values),) = extra.items()
    rows = [{**ROW, "heat": 10.0 * number, name: value} for number, value in enumerate(values)]
    traces = Traces(tmp_path / "a.traces", press)
    import_file(write(tmp_path, rows, kind), traces)
    assert traces.rows().column("episode").to_pylist() == episodes
    assert "state.time" not in traces.names
    found = traces.transitions().transitions
    heats = [10.0 * number for number in range(4)]
    led = {(heats[i], heats[j]) for i in range(4) for j in range(i + 1, 4) if j == next(
        (k for k in range(i + 1, 4) if episodes[k] == episodes[i]), -1)}  # fmt: skip
    unit = 2.0 ** -press.state.fields[0].exponent  # pyright: ignore[reportAttributeAccessIssue]
    assert {(a * unit, b * unit) for a, b in zip(found.states[:, 0], found.nexts[:, 0], strict=True)} == led


def test_pieces_of_a_file_are_numbered_as_one(tmp_path: Path, press: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{**ROW, "heat": float(i % 90), "terminated": i % 7 == 6} for i in range(50)]
    whole, parted = Traces(tmp_path / "whole.traces", press), Traces(tmp_path / "parted.traces", press)
    path = write(tmp_path, rows, "jsonl")
    import_file(path, whole)
    monkeypatch.setattr(json_lines, "PIECE_ROWS", 5)
    import_file(path, parted)
    assert stored(whole) == stored(parted)


def line(**values: object) -> str:
    return json.dumps({**ROW, **values})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (line(heat="warm"), r"log\.jsonl:3: column `heat`: 'warm' is no number"),
        (
            line(heat={"a": 1}),
            r"log\.jsonl:3: `heat` holds an object: give each part a name of its own, such as `heat_a`",
        ),
        (line(heat=[1, 2]), r"log\.jsonl:3: `heat` holds a list that is not of names.*`heat_0`"),
        (line(doors=[["n"]]), r"log\.jsonl:3: `doors` holds a list that is not of names"),
        (line(mode=["on"]), r"log\.jsonl:3: column `mode`: '\[\"on\"\]' is no name"),
        (line(heet=1), r"log\.jsonl:3: unknown field `heet`: did you mean `heat`"),
        (line(episode=1.5), r"log\.jsonl:3: column `episode`: 1\.5 is no whole number"),
        (line(heat=10**400), r"log\.jsonl:3: column `heat`: 1000.* is no number"),
        (line(mode="\ud800"), r"log\.jsonl:3: column `mode`: '\\ud800' is no text that can be stored"),
        (line(mode="x" * 5000), r"log\.jsonl:3: column `mode`: 'xxx.* is no text that can be stored"),
        ("[1]", r"log\.jsonl:3: \[1\] is no object: write a line as"),
        ('{"heat": 1', r"log\.jsonl:3: it is no JSON"),
        ('{"heat": 1, "heat": 2}', r"log\.jsonl:3: `heat` appears twice"),
        ('{"heat": ' + "[" * 100_000, r"log\.jsonl:3: (too deeply nested|it is no JSON)"),
        ('{"heat": ' + "1" * 5000 + "}", r"log\.jsonl:3: "),
        ('{"mode": "' + "x" * (2 << 20) + '"}', r"log\.jsonl:3: the line has more than 1,048,576 bytes"),
    ],
)
def test_what_is_wrong_in_a_line_has_its_number_and_a_name(
    tmp_path: Path, press: Spec, text: str, message: str
) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(f"{line()}\n\n{text}\n")
    traces = Traces(tmp_path / "a.traces", press)
    with pytest.raises(TracesError, match=message):
        import_file(path, traces)
    assert len(traces) == 0


def test_a_column_of_a_log_keeps_its_sort(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"x": 1, "action": "on"}\n{"x": 2.5, "action": "on"}\n{"x": "warm", "action": "on"}\n')
    with pytest.raises(TracesError, match=r"log\.jsonl:3: column `x` has held numbers so far, this is 'warm'"):
        import_file(path, Traces(tmp_path / "a.traces"))


def test_a_reading_that_is_not_a_number_is_kept_and_marked(tmp_path: Path, press: Spec) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(f"{line()}\n{line(heat=math.nan)}\n{line(heat=300)}\n{line()}\n")
    traces = Traces(tmp_path / "a.traces", press)
    assert import_file(path, traces) == 4
    assert traces.rows().column("marked").to_pylist()[1:3] == [
        "reading state.heat is not a number",
        "reading state.heat is outside of [0, 100]",
    ]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("heat", ["warm", "cold"], r"column `heat` holds string values, row 1 the first: numbers are needed"),
        ("heat", [{"a": 1}] * 2, r"column `heat` holds struct<a: int64> values: a column is of numbers, texts"),
        ("heat", [[1.0]] * 2, r"column `heat` holds list<element: double> values"),
        ("doors", [["n"], ["s"]], r"column `doors` holds list<.*> values: .*; write a set as one text, `a\|b`"),
        ("heat", [b"1"] * 2, r"column `heat` holds binary values"),
        ("mode", ["on", "x" * 5000], r"column `mode` has a text of more than 4,096 characters"),
        ("episode", [1.0, 1.5], r"column `episode`: row 2: 1\.5: whole numbers are needed"),
        ("episode", [1, None], r"row 2 has no episode"),
        ("heet", [1, 2], r"log\.parquet: column 6: unknown field `heet`: did you mean `heat`"),
        ("time", ["noon", "late"], r"column `time` holds string values, no times"),
    ],
)
def test_what_is_wrong_in_a_parquet_file_has_a_column_and_a_row(
    tmp_path: Path, press: Spec, name: str, values: list, message: str
) -> None:
    columns = {key: [value] * 2 for key, value in {**ROW, "doors": "n|s"}.items()} | {name: values}
    parquet.write_table(pa.table(columns), tmp_path / "log.parquet")
    traces = Traces(tmp_path / "a.traces", press)
    with pytest.raises(TracesError, match=message):
        import_file(tmp_path / "log.parquet", traces)
    assert len(traces) == 0


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.99])
def test_a_parquet_file_that_was_cut_off_is_one_sentence(tmp_path: Path, press: Spec, kept: float) -> None:
    path = write(tmp_path, [ROW] * 500, "parquet")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(TracesError, match=r"log\.parquet: cannot be read: not a whole Parquet file"):
        import_file(path, Traces(tmp_path / "a.traces", press))


def test_damage_inside_of_a_parquet_file_is_one_sentence_or_other_values(tmp_path: Path, press: Spec) -> None:
    path = write(tmp_path, [{**ROW, "heat": float(i)} for i in range(90)], "parquet")
    content = path.read_bytes()
    refused = 0
    for at in range(4, len(content), 7):
        path.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        try:
            assert len(read_table(path, press).to_pylist()) <= 90
        except TracesError:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize("kind", FORMATS)
def test_too_many_columns_are_refused_at_once(tmp_path: Path, kind: str) -> None:
    rows = [{f"x{i}": 1.0 for i in range(limits.MOST_COLUMNS + 1)}]
    with pytest.raises(TracesError, match=rf"log\.{kind}: more than 4,096 columns"):
        import_file(write(tmp_path, rows, kind), Traces(tmp_path / "a.traces"))


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_hundred_thousand_names_are_not_compared_with_each_other(tmp_path: Path, kind: str) -> None:
    names = [f"x{i}" for i in range(60_000)]
    names += names[-1:]
    path = tmp_path / f"log.{kind}"
    path.write_text(",".join(names) + "\n" if kind == "csv" else "{" + ",".join(f'"{n}":1' for n in names) + "}\n")
    with pytest.raises(TracesError, match=r"more than 4,096 columns" if kind == "csv" else "`x59999` appears twice"):
        import_file(path, Traces(tmp_path / "a.traces"))


def test_a_file_of_names_and_no_rows_adds_nothing(tmp_path: Path, press: Spec) -> None:
    row = {**ROW, "doors": "n"}
    (tmp_path / "log.csv").write_text(",".join(row) + "\n")
    parquet.write_table(pa.table({name: [value] for name, value in row.items()}).slice(0, 0), tmp_path / "log.parquet")
    for name in ("log.csv", "log.parquet"):
        assert len(open_traces(tmp_path / name, press)) == 0


def test_a_first_line_without_end_is_no_csv(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("x" * (2 << 20))
    with pytest.raises(TracesError, match=r"log\.csv:1: the line has more than 1,048,576 bytes"):
        import_file(tmp_path / "log.csv", Traces(tmp_path / "a.traces"))


def test_two_names_of_one_column_are_refused(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("oil temp,oil_temp,action\n1,2,3\n")
    with pytest.raises(TracesError, match=r"log\.csv:1: column 2: `oil_temp` and `oil temp` are both state\.oil_temp"):
        import_file(tmp_path / "log.csv", Traces(tmp_path / "a.traces"))


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.xlsx").write_text("")
    with pytest.raises(InvalidValue, match=r"log\.xlsx: rows are read from FILE\.csv, FILE\.jsonl, FILE\.parquet"):
        import_file(tmp_path / "log.xlsx", Traces(tmp_path / "a.traces"))


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_file_that_has_grown_replaces_what_it_said(tmp_path: Path, press: Spec, kind: str) -> None:
    traces = Traces(tmp_path / "a.traces", press)
    for count in (3, 5, 9):
        import_file(write(tmp_path, [{**ROW, "heat": float(i)} for i in range(count)], kind), traces)
        assert len(traces.transitions().transitions) == count - 1
    assert import_file(tmp_path / f"log.{kind}", traces) == 0


def test_a_file_that_was_changed_is_added_with_a_warning(
    tmp_path: Path, press: Spec, caplog: pytest.LogCaptureFixture
) -> None:
    traces = Traces(tmp_path / "a.traces", press)
    import_file(write(tmp_path, [ROW] * 3, "csv"), traces)
    assert not caplog.records
    import_file(write(tmp_path, [{**ROW, "heat": 3.0}] * 3, "csv"), traces)
    assert "log.csv: another file of this name was imported before" in caplog.text
    assert len(traces.transitions().transitions) == 4
