"""`@recorded`: the program runs as before, and nothing it does is lost."""

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import worldtwin as wt
from worldtwin.errors import InvalidValue
from worldtwin.recording import RecordedFunction, recorded
from worldtwin.traces import Traces
from worldtwin.world import Integer, Space, Spec, real


def batching(traces: Path | Traces, *, durable: bool = False) -> RecordedFunction:
    @recorded(traces, state=["queue", "last_ms"], action="size", outputs=["rows_per_s"], durable=durable)
    def choose_batch(queue: int, last_ms: float, size=wt.param(64, low=1, high=1024)) -> int:  # noqa: ANN001, ARG001, B008
        return size + queue

    return choose_batch


BATCHING = Spec(
    name="batching",
    state=Space(names=("queue", "last_ms"), fields=(Integer(low=0, high=99), real(0, 100))),
    action=Space(names=("size",), fields=(Integer(low=0, high=2000),)),
    outputs=Space(names=("rows_per_s",), fields=(real(0, 1e4),)),
)


@pytest.mark.parametrize("durable", [False, True])
def test_calls_become_transitions_with_their_outputs(tmp_path: Path, durable: bool) -> None:  # noqa: FBT001
    choose = batching(tmp_path / "b.traces", durable=durable)
    for queue in range(3):
        assert choose(queue, last_ms=queue / 2) == 64 + queue
        choose.outputs(rows_per_s=10.0 * queue)
    choose.end()
    choose(7, 1.0)
    choose(8, 1.0)
    found = choose.traces.transitions(BATCHING)
    assert found.transitions.states[:, 0].tolist() == [0, 1]
    assert found.transitions.actions[:, 0].tolist() == [64, 65]
    assert found.transitions.nexts[:, 0].tolist() == [1, 2]
    assert (found.transitions.outputs[:, 0] * 2.0 ** -BATCHING.outputs.fields[0].exponent).tolist() == [0.0, 10.0]
    assert found.excluded == {"outputs.rows_per_s is missing": 1}
    assert choose.dropped == 0


def test_a_recorded_function_is_still_itself(tmp_path: Path) -> None:
    choose = batching(tmp_path / "b.traces")
    assert choose.__name__ == "choose_batch"
    assert choose(1, 2.0, 3) == 4
    assert choose(queue=1, last_ms=2.0, size=5) == 6


def test_what_the_function_raises_passes_through_and_the_call_is_marked(tmp_path: Path) -> None:
    @recorded(tmp_path / "f.traces", state=["x"])
    def invert(x: float) -> float:
        return 1 / x

    invert(1.0)
    with pytest.raises(ZeroDivisionError):
        invert(0.0)
    invert(2.0)
    invert(4.0)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        invert()
    table = invert.traces.rows()
    assert table.column("marked").to_pylist() == ["", "", "", "raised ZeroDivisionError", "raised TypeError"]
    spec = Spec(
        name="w",
        state=Space(names=("x",), fields=(real(0, 9),)),
        action=Space(names=("action",), fields=(real(0, 9),)),
    )
    found = invert.traces.transitions(spec)
    assert found.transitions.steps.tolist() == [0, 2]
    assert found.excluded["raised ZeroDivisionError"] == 1


def test_arguments_with_parts_are_copied_when_they_are_seen(tmp_path: Path) -> None:
    @recorded(tmp_path / "f.traces", state=["where", "exits", "load"], action="wheels")
    def drive(where: list, exits: set, load: dict) -> np.ndarray:
        where[0] = 99.0
        return np.array([1.0, len(exits) + len(load)])

    drive([1.0, 2.0], {"n", "e"}, {"cpu": 0.5})
    row = drive.traces.rows().to_pylist()[0]
    assert {name: row[name] for name in row if "." in name} == {
        "state.where_0": 1.0,
        "state.where_1": 2.0,
        "state.exits": ["e", "n"],
        "state.load_cpu": 0.5,
        "action.wheels_0": 1.0,
        "action.wheels_1": 3.0,
    }


def test_a_method_is_recorded_like_a_function(tmp_path: Path) -> None:
    class Pump:
        @recorded(tmp_path / "f.traces", state=["level"], action="open", outputs=["flow"])
        def decide(self, level: float) -> bool:
            return level > 1

    pump = Pump()
    pump.decide(2.0)
    pump.decide.outputs(flow=3)
    assert Pump.decide.traces.rows().column("action.open").to_pylist() == [1]
    assert Pump.decide.traces.rows().column("outputs.flow").to_pylist() == [3]


@pytest.mark.parametrize(
    ("names", "message"),
    [(["queu"], "`queu` is no argument of the function: did you mean `queue`"), ([], "`state` names no argument")],
)
def test_wrong_names_are_refused_when_decorating(tmp_path: Path, names: list[str], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        recorded(tmp_path / "f.traces", state=names)(lambda queue: queue)


def test_wrong_uses_are_refused_in_one_sentence(tmp_path: Path) -> None:
    async def wait(queue: int) -> int:
        return queue

    with pytest.raises(InvalidValue, match="`wait` is asynchronous"):
        recorded(tmp_path / "f.traces", state=["queue"])(wait)
    with pytest.raises(InvalidValue, match=r"ends in \.traces"):
        recorded(tmp_path / "f.csv", state=["queue"])(lambda queue: queue)
    choose = batching(tmp_path / "b.traces")
    with pytest.raises(InvalidValue, match="unknown output `rows`: known are rows_per_s"):
        choose.outputs(rows=1)


def test_each_thread_lives_its_own_episodes(tmp_path: Path) -> None:
    choose = batching(tmp_path / "b.traces")

    def live(name: int) -> None:
        for step in range(50):
            choose(name, float(step))

    threads = [threading.Thread(target=live, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spec = Spec(name="batching", state=BATCHING.state, action=BATCHING.action)
    found = choose.traces.transitions(spec).transitions
    assert len(found) == 4 * 49
    assert len(np.unique(found.episodes)) == 4
    assert (found.states[:, 0] == found.nexts[:, 0]).all()


def test_a_store_that_fails_never_breaks_the_program(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    choose = batching(tmp_path / "file" / "b.traces", durable=True)
    with caplog.at_level(logging.WARNING):
        assert [choose(queue, 1.0) for queue in range(5)] == [64, 65, 66, 67, 68]
    assert len(caplog.records) == 1
    assert "b.traces: recording fails, the program goes on: b.traces: cannot be written" in caplog.text


def test_calls_wait_while_the_store_fails_and_are_not_lost(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    folder.write_text("")
    choose = batching(folder / "b.traces", durable=True)
    choose(1, 1.0)
    folder.unlink()
    choose(2, 1.0)
    assert choose.traces.rows().column("state.queue").to_pylist() == [1, 2]


def test_outputs_without_a_call_are_counted_as_dropped(tmp_path: Path) -> None:
    choose = batching(tmp_path / "b.traces")
    choose.outputs(rows_per_s=1.0)
    assert choose.dropped == 1


def test_reading_the_store_sees_every_call_so_far(tmp_path: Path) -> None:
    traces = Traces(tmp_path / "b.traces", BATCHING)
    choose = batching(traces)
    choose(1, 1.0)
    assert len(traces) == 1
    choose(2, 1.0)
    assert len(traces) == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_records_its_own_calls_and_only_those(tmp_path: Path) -> None:
    choose = batching(tmp_path / "b.traces")
    choose(1, 1.0)
    child = multiprocessing.get_context("fork").Process(target=lambda: choose(2, 1.0))
    child.start()
    child.join()
    choose(3, 1.0)
    table = choose.traces.rows()
    rows = sorted(zip(table.column("state.queue").to_pylist(), table.column("episode").to_pylist(), strict=True))
    assert [queue for queue, _ in rows] == [1, 2, 3]
    assert rows[0][1] == rows[2][1] != rows[1][1]


PROGRAM = """
import sys, time
import worldtwin as wt

@wt.recorded(sys.argv[1], state=["number"], action="seen")
def see(number):
    return time.monotonic_ns()

number = 0
while number < int(sys.argv[2]):
    see(number)
    number += 1
    if sys.argv[3] == "pace":
        time.sleep(0.0005)
print("done", flush=True)
"""


@pytest.mark.slow
def test_a_normal_exit_loses_nothing(tmp_path: Path) -> None:
    for count in (1, 20_000):
        path = tmp_path / f"{count}.traces"
        subprocess.run([sys.executable, "-c", PROGRAM, path, str(count), "run"], check=True, capture_output=True)
        assert Traces(path).rows().column("state.number").to_pylist() == list(range(count))


@pytest.mark.slow
def test_a_kill_loses_at_most_the_last_moments(tmp_path: Path) -> None:
    """The promise is 100 ms; a busy machine may be late, so that 300 ms are forgiven here."""
    path = tmp_path / "k.traces"
    program = subprocess.Popen([sys.executable, "-c", PROGRAM, path, "1000000", "pace"], stdout=subprocess.DEVNULL)
    while not path.exists():
        time.sleep(0.01)
    time.sleep(0.5)
    killed = time.monotonic_ns()
    os.kill(program.pid, signal.SIGKILL)
    program.wait()
    table = Traces(path).rows()
    numbers, seen = table.column("state.number").to_pylist(), table.column("action.seen").to_pylist()
    assert numbers == list(range(len(numbers)))
    assert killed - seen[-1] < 300e6


def test_a_function_that_ends_its_own_episode_belongs_to_the_one_it_was_called_in(tmp_path: Path) -> None:
    @recorded(tmp_path / "a.traces", state=["x"])
    def double(x: int) -> int:
        if x == 1:
            double.end()
        return 2 * x

    for x in range(4):
        double(x)
    table = double.traces.rows()
    assert table.column("episode").to_pylist() == [0, 0, 1, 1]
    assert table.column("step").to_pylist() == [0, 1, 0, 1]


def test_outputs_after_a_call_that_raised_are_not_given_to_the_one_before(tmp_path: Path) -> None:
    @recorded(tmp_path / "a.traces", state=["x"], outputs=["cost"])
    def inverse(x: int) -> float:
        return 1 / x

    inverse(2)
    inverse.outputs(cost=7)
    with pytest.raises(ZeroDivisionError):
        inverse(0)
    inverse.outputs(cost=9)
    found = inverse.traces.rows().select(["state.x", "outputs.cost"]).to_pylist()
    assert sorted((row["state.x"], row["outputs.cost"]) for row in found) == [(0, 9), (2, 7)]


def test_a_value_that_cannot_be_stored_holds_up_no_other(tmp_path: Path) -> None:
    @recorded(tmp_path / "a.traces", state=["name"])
    def greet(name: str) -> str:
        return name

    for name in ("a", "\udc80", "b"):
        greet(name)
    assert len(greet.traces) == 3
    assert greet.dropped == 0
