"""The store: durable, chained, shared, and never of two worlds."""

import multiprocessing
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worldtwin.errors import InvalidValue, TracesError
from worldtwin.traces import GENESIS, Traces


def test_what_was_appended_reads_back_in_the_order_of_arrival(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    store.append({"episode": [4, 4], "step": [0, 1], "state.x": [1.5, 2.5], "action.a": ["l", "r"]})
    store.append({"episode": [4], "step": [2], "state.x": [3.5], "action.a": ["l"], "outputs.cost": [7]})
    table = Traces(tmp_path / "a.traces").rows()
    assert table.column("state.x").to_pylist() == [1.5, 2.5, 3.5]
    assert table.column("outputs.cost").to_pylist() == [None, None, 7]
    assert table.column("synthetic").to_pylist() == [False] * 3
    assert len(store) == 3
    assert store.names == ("state.x", "action.a", "outputs.cost")


def test_rows_without_an_episode_are_one_new_episode(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    for _ in range(2):
        store.append({"state.x": [1, 2, 3]})
    table = store.rows()
    assert table.column("episode").to_pylist() == [0, 0, 0, 1, 1, 1]
    assert table.column("step").to_pylist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.slow
@given(st.lists(st.lists(st.integers(-9, 9), min_size=1, max_size=3), min_size=1, max_size=4))
@settings(max_examples=8, deadline=None)
def test_a_version_names_the_rows_before_it_and_no_others(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]]
) -> None:
    store = Traces(tmp_path_factory.mktemp("law") / "a.traces")
    versions = [store.version, *[store.append({"state.x": batch}) for batch in batches]]
    assert versions[0] == GENESIS
    assert len(set(versions)) == len(versions)
    for count, version in enumerate(versions):
        table = store.rows(version)
        expected = [value for batch in batches[:count] for value in batch]
        assert (table.column("state.x").to_pylist() if count else []) == expected
    assert [len(table) for table in store.tables(since=versions[1])] == [len(batch) for batch in batches[1:]]


def test_equal_batches_in_equal_order_have_equal_versions(tmp_path: Path) -> None:
    table = {"episode": [0], "step": [0], "state.x": [1.0]}
    first, second = (Traces(tmp_path / f"{name}.traces") for name in "ab")
    assert first.append(table, source="rules 1") == second.append(table, source="rules 1")
    assert first.append(table, source="rules 1") != second.append({**table, "state.x": [2.0]}, source="rules 1")


def test_kinds_that_change_take_the_wider_one(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    store.append({"state.x": [1], "state.y": [1], "state.z": [{"a", "b"}]})
    store.append({"state.x": [1.5], "state.y": ["one"], "state.z": ["c"]})
    table = store.rows()
    assert table.column("state.x").to_pylist() == [1.0, 1.5]
    assert table.column("state.y").to_pylist() == ["1", "one"]
    assert table.column("state.z").to_pylist() == ["a|b", "c"]


def test_columns_of_numpy_and_arrow_are_stored_alike(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    store.append({"state.x": np.array([1, 2], dtype=np.float32), "state.on": np.array([True, False])})
    store.append(pa.table({"state.x": pa.array([3], pa.int8()), "state.on": pa.array([1], pa.uint8())}))
    table = store.rows()
    assert table.column("state.x").to_pylist() == [1.0, 2.0, 3.0]
    assert table.column("state.on").to_pylist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"stat.x": [1]}, r"unknown column `stat.x`: did you mean"),
        ({"state.x": [1], "action.a": [1, 2]}, r"different lengths: state.x 1, action.a 2"),
        ({"state.x": 3}, r"column `state.x` cannot be stored: 3 is no column"),
        ({"episode": [None], "state.x": [1]}, r"column `episode` cannot be stored: 1 of its values are missing"),
        ({"episode": [-1], "state.x": [1]}, r"column `episode` must be whole numbers from 0"),
    ],
)
def test_columns_that_make_no_sense_are_refused_by_name(tmp_path: Path, columns: dict, message: str) -> None:
    store = Traces(tmp_path / "a.traces")
    with pytest.raises(TracesError, match=message):
        store.append(columns)
    assert len(store) == 0


def test_a_store_is_called_traces(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"ends in \.traces: try a\.traces"):
        Traces(tmp_path / "a.db")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.traces").write_text("no database, but long enough to be read as one" * 50)
    with pytest.raises(TracesError, match=r"is not a trace store: use another file"):
        Traces(tmp_path / "text.traces")
    with sqlite3.connect(tmp_path / "other.traces") as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(TracesError, match=r"is not a trace store: use another file"):
        Traces(tmp_path / "other.traces")


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TracesError, match=r"a\.traces: cannot be written"):
        Traces(tmp_path / "file" / "a.traces")


def test_a_changed_byte_is_found_and_the_batch_is_named(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    for value in range(3):
        store.append({"state.x": [value]})
    store.verify()
    store.close()
    with sqlite3.connect(tmp_path / "a.traces") as connection:
        (body,) = connection.execute("SELECT body FROM batches WHERE number = 2").fetchone()
        flipped = bytes([*body[:-9], body[-9] ^ 1, *body[-8:]])
        connection.execute("UPDATE batches SET body = ? WHERE number = 2", (flipped,))
    connection.close()
    with pytest.raises(TracesError, match=r"a\.traces: batch 2 is corrupt: restore"):
        Traces(tmp_path / "a.traces").verify()
    with pytest.raises(TracesError, match=r"batch 2 is corrupt"):
        Traces(tmp_path / "a.traces").rows()


def test_a_batch_that_was_taken_out_is_missed(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    for value in range(3):
        store.append({"state.x": [value]})
    store.close()
    with sqlite3.connect(tmp_path / "a.traces") as connection:
        connection.execute("DELETE FROM batches WHERE number = 2")
    connection.close()
    with pytest.raises(TracesError, match="batch 2 is missing"):
        Traces(tmp_path / "a.traces").verify()


def test_a_version_of_another_store_is_refused(tmp_path: Path) -> None:
    first, second = (Traces(tmp_path / f"{name}.traces") for name in "ab")
    version = first.append({"state.x": [1]})
    with pytest.raises(TracesError, match=r"b\.traces has no version"):
        second.rows(version)


def test_a_full_disk_is_one_sentence_and_nothing_half(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    version = store.append({"state.x": [1.0]})
    store.limit_bytes(1 << 20)
    chance = np.random.default_rng(1)
    with pytest.raises(TracesError, match=r"a\.traces: the disk is full: free some space"):
        store.append({"state.x": chance.normal(size=200_000)})
    assert store.version == version
    store.append({"state.x": [2.0]})
    store.verify()
    assert store.rows().column("state.x").to_pylist() == [1.0, 2.0]


def test_an_append_waits_for_the_disk_and_a_reserved_number_does_not(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    waits = []
    for act in (store.begin, lambda: store.append({"state.x": [1.0], "episode": [0]})):
        act()
        with store._journal._connection() as connection:
            waits += [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]
    assert waits == [1, "wal", 2, "wal"]


def test_threads_lose_nothing_and_share_no_episode(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")

    def write(name: int) -> None:
        for step in range(5):
            store.append({"episode": [store.begin()], "step": [0], "state.x": [10 * name + step]})

    threads = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    table = store.rows()
    assert sorted(table.column("state.x").to_pylist()) == sorted(
        10 * name + step for name in range(4) for step in range(5)
    )
    assert len(set(table.column("episode").to_pylist())) == 20
    store.verify()


WRITER = """
import sys
from worldtwin.traces import Traces
store = Traces(sys.argv[1])
for step in range(10):
    store.append({"episode": [store.begin()], "step": [0], "state.x": [100 * int(sys.argv[2]) + step]})
store.close()
"""


@pytest.mark.slow
def test_processes_that_start_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.traces"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, path, str(name)]) for name in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    store = Traces(path)
    store.verify()
    table = store.rows()
    assert sorted(table.column("state.x").to_pylist()) == sorted(100 * n + step for n in range(4) for step in range(10))
    assert len(set(table.column("episode").to_pylist())) == 40
    assert len(set(table.column("writer").to_pylist())) == 4


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_store_that_was_open_survives_a_fork(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    store.append({"state.x": [1]})
    child = multiprocessing.get_context("fork").Process(target=lambda: store.append({"state.x": [2]}))
    child.start()
    child.join()
    store.append({"state.x": [3]})
    assert store.rows().column("state.x").to_pylist() == [1, 2, 3]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_what_a_child_appends_outlives_that_the_parent_closes_the_store(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    store.append({"state.x": [0]})
    context = multiprocessing.get_context("fork")
    closed = context.Event()
    ready = context.Event()

    def append_before_and_after() -> None:
        store.append({"state.x": [1]})
        ready.set()
        closed.wait(20)
        store.append({"state.x": [2]})

    child = context.Process(target=append_before_and_after)
    child.start()
    ready.wait(20)
    store.close()
    Traces(tmp_path / "a.traces").close()
    closed.set()
    child.join()
    assert store.rows().column("state.x").to_pylist() == [0, 1, 2]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_forked_while_a_thread_writes_can_write_at_once(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    over = threading.Event()

    def keep_writing() -> None:
        while not over.is_set():
            store.append({"state.x": [0]})

    writer = threading.Thread(target=keep_writing)
    writer.start()
    children = [multiprocessing.get_context("fork").Process(target=store.append, args=({"state.x": [n]},))
                for n in (1, 2, 3)]  # fmt: skip
    for child in children:
        child.start()
        child.join(20)
    over.set()
    writer.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert {1, 2, 3} <= set(store.rows().column("state.x").to_pylist())


def test_a_text_that_no_file_can_hold_is_written_as_its_escape(tmp_path: Path) -> None:
    store = Traces(tmp_path / "a.traces")
    store.append({"state.x": ["a", "\ud800", None]})
    assert store.rows().column("state.x").to_pylist() == ["a", "\\ud800", None]


def test_synthetic_rows_of_a_changed_source_replace_the_older_ones(store: Traces, rows: object) -> None:
    store.append(rows([1.0, 1.5]), source="synthetic/corner.py aa")
    assert store.sources == {"synthetic/corner.py": "aa"}
    before = store.version
    store.append(rows([0.0, 0.5]), source="synthetic/corner.py bb")
    found = store.transitions().transitions
    assert found.synthetic.all()
    assert len(found) == 1
    assert len(store) == 4
    assert len(store.transitions(version=before).transitions) == 1
    with pytest.raises(TracesError, match="synthetic data that were read before were replaced"):
        store.transitions(since=before)
