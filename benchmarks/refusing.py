"""What refusing hostile files takes, through the loaders: the whole list of tests/files (target: 2 ms in the middle).

Processor time, so that other programs on the machine do not count.
"""

from __future__ import annotations

import runpy
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from timing import table

import worldtwin as wt

LIST = Path(__file__).resolve().parent.parent / "tests" / "files" / "test_files_hostile.py"
TARGET_MS = 2.0
ROUNDS = 3
SHOWN = 8


def refusal_ms(attack: Any, path: Path) -> float:  # noqa: ANN401 - the list of the tests has no static type
    """The median milliseconds of processor time until the file at `path` is refused."""
    path.write_bytes(attack.content)
    times: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        try:
            attack.load(path)
        except wt.WorldtwinError:
            times.append(1e3 * (time.process_time() - began))
    assert len(times) == ROUNDS, f"{path} was not refused"
    return statistics.median(times)


def main() -> None:
    """Print the slowest ones, and the middle of all."""
    attacks: dict[str, Any] = runpy.run_path(str(LIST))["ATTACKS"]
    with tempfile.TemporaryDirectory() as folder:
        found = {name: refusal_ms(attack, Path(folder, "x")) for name, attack in attacks.items()}
    slowest = sorted(found, key=lambda name: found[name], reverse=True)[:SHOWN]
    rows = [("attack", "KiB", "ms")]
    rows += [(name, f"{len(attacks[name].content) / 1024:.1f}", f"{found[name]:.2f}") for name in slowest]
    rows += [(f"the middle of all {len(found)}", "", f"{statistics.median(found.values()):.2f}")]
    table(f"refusing hostile files, the slowest first (target: at most {TARGET_MS:g} ms in the middle)", rows)


if __name__ == "__main__":
    main()
