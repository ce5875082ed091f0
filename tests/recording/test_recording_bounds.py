"""Files that are small and become large, or are large from the start: what is in memory of them stays small."""

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from worldtwin.errors import TracesError
from worldtwin.recording.tables import csv_files, json_lines, limits, parquet_files, parquet_pages
from worldtwin.recording.tables.reading import read_pieces, read_table
from worldtwin.world import Spec

READ = """
import json, resource, sys
from pathlib import Path
from worldtwin.errors import TracesError
from worldtwin.recording.tables.reading import read_pieces

Path("first.csv").write_text("x,action\\n1,a\\n")
list(read_pieces(Path("first.csv")))
before, rows, pieces, said = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0, 0, ""
try:
    for table in read_pieces(Path(sys.argv[1])):
        rows, pieces = rows + table.num_rows, pieces + 1
except TracesError as error:
    said = str(error)
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
print(json.dumps({"rows": rows, "pieces": pieces, "said": said, "grown": grown}))
"""
MIB = 1 << 20


def read_apart(path: Path) -> dict:
    """What another process says of the file at `path`: rows, pieces, the error, and by how many bytes it has grown."""
    found = subprocess.run(
        [sys.executable, "-c", READ, path.name], cwd=path.parent, capture_output=True, text=True, check=True
    )
    return json.loads(found.stdout)


def test_a_csv_of_any_length_is_read_a_block_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("x,y,action\n" + "1,0.25,up\n" * 3_000_000)
    found = read_apart(path)
    assert found["rows"] == 3_000_000
    assert found["pieces"] >= path.stat().st_size // csv_files.BLOCK_BYTES
    assert found["grown"] < 64 * MIB


def test_a_csv_of_very_many_names_is_refused_before_anything_is_made_of_them(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(",".join(f"x{i}" for i in range(100_000)) + "\n1\n")
    found = read_apart(path)
    assert "more than 4,096 columns" in found["said"]
    assert found["grown"] < 64 * MIB


CELLS = st.sampled_from(
    ["", "1", "-20", "2.5", "1e3", "true", "False", "up", "NA", "2026-01-31", "2026-01-31 12:00:00", "12:00:00",
     "2026-01-31T12:00:00.5", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5Z", "nan",
     '"two\nlines"', '"7,7,7\n7,7,7"', '"say ""no""\n"', '"\r\n"', '5" wide']
)  # fmt: skip


@given(cells=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12), narrow=st.integers(1, 60))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_column_has_one_type_however_the_file_is_divided(
    tmp_path: Path, cells: list[tuple[str, str]], narrow: int
) -> None:
    path = tmp_path / "log.csv"
    path.write_text("x,y,action\n" + "".join(f"{x},{y},go\n" for x, y in cells))
    whole = list(csv_files.read_csv(path, dict.fromkeys))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_files, "BLOCK_BYTES", narrow)
        parts = list(csv_files.read_csv(path, dict.fromkeys))
    assert len(whole) == 1
    assert repr(pa.concat_tables(parts).to_pydict()) == repr(whole[0].to_pydict())
    assert {part.schema for part in parts} == {whole[0].schema}


def test_numbers_may_be_true_or_false_in_the_whole_column_only(
    tmp_path: Path, press: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_files, "BLOCK_BYTES", 10)
    path = tmp_path / "log.csv"
    names, line = "heat,mode,doors,press,noise\n", "{},on,n,start,1\n"
    path.write_text(names + line.format("") * 3 + line.format("true") + line.format("false"))
    assert read_table(path, press).column("state.heat").to_pylist() == [None, None, None, 1, 0]
    path.write_text(names + line.format("20") * 3 + line.format("true"))
    with pytest.raises(TracesError, match=r"log\.csv:5: column `heat`: 'true' is no number"):
        read_table(path, press)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_text_in_quotes_may_have_two_lines(tmp_path: Path, end: str) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(f'x,action\n1,up\n2,"go\non"{end}'.encode())
    assert read_table(path).column("action.action").to_pylist() == ["up", "go\non"]


@pytest.mark.parametrize("before", [0, 1000])
def test_a_line_without_end_is_no_csv(tmp_path: Path, before: int) -> None:
    path = tmp_path / "log.csv"
    path.write_text("x,action\n" + "1,go\n" * before + "x" * (2 << 20))
    with pytest.raises(TracesError, match=r"log\.csv: after row .*: a line has more than 1,048,576 bytes"):
        read_table(path)


def test_lines_of_nested_lists_are_refused_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(("[" + "[]," * 300_000 + "0]").join(['{"action": 1, "x": ', "}\n"]) * 60)
    found = read_apart(path)
    assert found["said"].startswith("log.jsonl:1: `x` holds a list that is not of names")
    assert found["grown"] < 128 * MIB


def test_few_lines_of_many_names_are_in_memory_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    names = {f"x{i}": 1 for i in range(4000)}
    path.write_text(json.dumps(names | {"action": 1}) + "\n" + '{"action": 1}\n' * 3000)
    tables = list(read_pieces(path))
    assert sum(table.num_rows for table in tables) == 3001
    assert max(table.num_rows * table.num_columns for table in tables) <= json_lines.PIECE_VALUES + len(names) + 1


def test_a_list_in_a_parquet_file_is_not_read(tmp_path: Path) -> None:
    path, count = tmp_path / "log.parquet", 30_000_000
    names = pa.ListArray.from_arrays(
        [0, count], pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), count), ["n"])
    )
    parquet.write_table(pa.table({"x": names, "action": [1]}), path)
    assert path.stat().st_size < 100_000
    found = read_apart(path)
    assert "write a set as one text, `a|b`" in found["said"]
    assert found["grown"] < 64 * MIB


def _as(text: pa.Array, kind: pa.DataType) -> pa.Array:
    return text.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else text.cast(kind)


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]
)
def test_one_text_in_many_rows_is_never_there_in_all_of_them(tmp_path: Path, kind: pa.DataType) -> None:
    path = tmp_path / "log.parquet"
    text = pa.repeat(pa.scalar("x" * limits.LONGEST_TEXT), 10_000)
    schema = pa.schema([(name, kind) for name in ("x1", "x2", "x3", "x4", "x5", "x6", "x7", "action")])
    with parquet.ParquetWriter(path, schema) as writer:
        writer.write_table(pa.table({name: pa.chunked_array([_as(text, kind)] * 6) for name in schema.names}))
    assert path.stat().st_size < MIB
    found = read_apart(path)
    assert found["rows"] == 60_000
    assert found["pieces"] >= 8 * 60_000 * limits.LONGEST_TEXT // parquet_pages.MOST_BYTES
    assert found["grown"] < 8 * parquet_pages.MOST_BYTES


@pytest.mark.parametrize("coded", [True, False])
def test_a_page_that_becomes_large_is_refused_before_it_is_decompressed(tmp_path: Path, *, coded: bool) -> None:
    path = tmp_path / "log.parquet"
    table = pa.table({"x": ["x" * (256 * MIB)], "action": [1]})
    parquet.write_table(table, path, compression="zstd", use_dictionary=coded, write_statistics=False)
    assert path.stat().st_size < MIB
    found = read_apart(path)
    assert "column `x` has a text of more than 4,096 characters" in found["said"]
    assert found["grown"] < 64 * MIB


def test_pages_that_are_large_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.parquet"
    table = pa.table({"x": [float(i) for i in range(1000)], "action": [1] * 1000})
    parquet.write_table(table, path, use_dictionary=False)
    monkeypatch.setattr(parquet_pages, "MOST_OPEN_BYTES", 16_000)
    with pytest.raises(TracesError, match=r"log\.parquet: the largest pages of its columns have more than"):
        read_table(path)
    parquet.write_table(table, path, use_dictionary=False, data_page_size=1000, write_batch_size=100)
    assert read_table(path).num_rows == 1000


def test_texts_that_share_their_beginnings_may_grow_and_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    table = pa.table({"x": ["name" * 9] * 100, "action": [1] * 100})
    parquet.write_table(table, path, use_dictionary=False, column_encoding={"x": "DELTA_BYTE_ARRAY"})
    with pytest.raises(TracesError, match=r"log\.parquet: column `x` is written as DELTA_BYTE_ARRAY"):
        read_table(path)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("coded", [True, False])
@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd"])
def test_the_headers_of_the_pages_say_how_many_values_there_are(
    tmp_path: Path, *, version: str, coded: bool, compression: str
) -> None:
    path = tmp_path / "log.parquet"
    table = pa.table({"x": [f"{i * i}" for i in range(5000)], "action": [None, 1.5] * 2500})
    parquet.write_table(
        table, path, use_dictionary=coded, compression=compression, data_page_version=version, data_page_size=2000,
        write_batch_size=100, row_group_size=2000,
    )  # fmt: skip
    metadata, content = parquet.read_metadata(path), path.read_bytes()
    for group in range(metadata.num_row_groups):
        for column in map(metadata.row_group(group).column, range(2)):
            start = column.dictionary_page_offset or column.data_page_offset
            pages = list(parquet_pages.pages(content, start, start + column.total_compressed_size, path))
            assert sum(page.values for page in pages if not page.is_dictionary) == column.num_values
            assert sum(page.is_dictionary for page in pages) == coded
            assert 0 < sum(page.size for page in pages) < column.total_uncompressed_size
    assert read_table(path).num_rows == 5000


HEADER = bytes.fromhex("1500158002158002 2c 1506 1500 1506 1506 00 00")
"""A data page of 128 bytes and 3 values."""


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("158002158002", "15ffffffff1f158002"),
        ("2c1506", "2c1586808080" + "8001"),
        ("158002158002", "158002158002" + "050415ffff03"),
        ("158002158002", "158002158002" + "0584801015ffff03"),
        ("1500158002", "1508158002"),
        ("150015", "151015"),
        ("2c1506", "1c1506"),
    ],
)
def test_headers_that_can_be_read_in_two_ways_are_refused(tmp_path: Path, was: str, becomes: str) -> None:
    (page,) = parquet_pages.pages(HEADER + bytes(128), 0, len(HEADER) + 128, tmp_path)
    assert page == parquet_pages.Page(size=128, values=3, encoding=0, is_dictionary=False)
    content = bytes.fromhex(HEADER.hex().replace(was, becomes, 1)) + bytes(128)
    assert not content.startswith(HEADER)
    with pytest.raises(TracesError, match="a page has no header"):
        list(parquet_pages.pages(content, 0, 1, tmp_path))


@given(content=st.binary(max_size=60))
def test_any_bytes_are_pages_or_one_sentence(content: bytes) -> None:
    with suppress(TracesError):
        assert len(list(parquet_pages.pages(content, 0, len(content), Path("log.parquet")))) <= len(content)


def test_columns_that_overlap_are_refused(tmp_path: Path) -> None:
    for name, count in (("long", 5000), ("short", 5)):
        parquet.write_table(pa.table({"x": [float(i) for i in range(count)]}), tmp_path / f"{name}.parquet")
    metadata = parquet.read_metadata(tmp_path / "long.parquet")
    with pytest.raises(TracesError, match=r"short\.parquet: .*its columns overlap"):
        parquet_pages.rows_at_a_time(tmp_path / "short.parquet", metadata)


def test_rows_are_counted_whatever_a_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.parquet"
    parquet.write_table(pa.table({"x": [1.0] * 300, "action": [1] * 300}), path)
    said, lie = (bytes([0x16, 2 * count % 128 | 128, 2 * count // 128]) for count in (300, 100))
    content = path.read_bytes()
    assert said in content
    path.write_bytes(content.replace(said, lie, 1))
    assert parquet.read_metadata(path).num_rows == 100
    monkeypatch.setattr(parquet_files, "MOST_ROWS", 200)
    with pytest.raises(TracesError, match="more than 200 rows"):
        read_table(path)
