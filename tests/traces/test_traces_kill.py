"""A writer that is killed loses nothing that was acknowledged, and shows nothing half-written."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from worldtwin.traces import Traces

WRITER = """
import sys
from worldtwin.traces import Traces
store, number = Traces(sys.argv[1]), int(sys.argv[2])
while True:
    store.append({"state.x": [number] * 50, "action.a": [number] * 50})
    print(number, flush=True)
    number += 1
"""


@pytest.mark.slow
def test_twenty_kills_in_mid_append_lose_nothing_acknowledged(tmp_path: Path) -> None:
    path, acknowledged = tmp_path / "a.traces", 0
    for kill in range(20):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path, str(acknowledged)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        lines = [writer.stdout.readline()]
        time.sleep(0.0137 * (kill % 5))
        writer.send_signal(signal.SIGKILL)
        lines += [line for line in writer.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
        writer.wait()
        writer.stdout.close()
        last = int(lines[-1])
        store = Traces(path)
        store.verify()
        found = [table.column("state.x").to_pylist() for table in store.tables()]
        assert [len(rows) for rows in found] == [50] * len(found)
        assert [rows[0] for rows in found] == list(range(len(found)))
        assert last < len(found) <= last + 2
        acknowledged = len(found)
        store.close()
