"""The truth table: what the defaults come to in reality, world after world, over many keys, mean and worst.

python benchmarks/truth.py --keys 10                              # hours; what was measured is kept, Ctrl-C and go on
python benchmarks/truth.py --keys 2 --rows cart-pole,pendulum     # some rows
python benchmarks/truth.py --keys 10 --ablation                   # what each defence against exploitation is worth
python benchmarks/truth.py --json

The target of each row: the best published score, with at most a tenth of its steps. It is met when the mean over all
keys, and two standard errors of what chance does to the episodes that measure it, reach that. Rows that miss stay, with
the reason. The rival learns from the same real steps without a simulator: Stable-Baselines3 in `.venv-sb3`, which
scripts/setup-sb3 makes. What the lander needs is installed by the user:
uv pip install --target .rivals/box2d box2d pygame
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from timing import table
from worlds.rows import ROWS, Row

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent
KEPT: Final = HERE / ".truth" / "results.jsonl"
RIVALS: Final = ROOT / ".venv-sb3" / "bin" / "python"
BOX2D: Final = ROOT / ".rivals" / "box2d"
VARIANTS: Final = ("plain", "recorded-starts", "second-round")
ABLATED: Final = ("pendulum", "mountain-car", "acrobot")
"""Where simulators can be exploited: nothing bounds what a network may do in worlds of real numbers."""

Result = dict[str, Any]


def main() -> None:
    """Measure what is missing, then print the table."""
    asked = arguments()
    kept = Kept(code_digest())
    if asked.ablation:
        rows = [row for row in ROWS if row.name in (asked.rows or ABLATED)]
        measure(kept, rows, VARIANTS, asked)
        print_ablation(kept, rows, as_json=asked.json)
        return
    rows = [row for row in ROWS if not asked.rows or row.name in asked.rows]
    measure(kept, rows, ("default",), asked)
    lines = [line_of(row, kept) for row in rows]
    if asked.json:
        print(json.dumps(lines, indent=2))
        return
    table(f"defaults only, {asked.keys} keys; returns in reality", [HEAD, *(shown(line) for line in lines)])
    for line in lines:
        if line["outcome"] not in {"met", "refused, as it must be"} and line["reason"]:
            print(f"  {line['row']}: {line['reason']}")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=10)
    parser.add_argument("--rows", type=lambda text: text.split(","), default=[], help="names, with commas")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ablation", action="store_true", help="compare defences against exploitation instead")
    parser.add_argument("--rival", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--together", type=int, default=1, help="how many processes at a time, each on one core")
    parser.add_argument("--minutes", type=float, default=30, help="how long one key of one row may take")
    asked = parser.parse_args()
    if asked.together < 1:
        parser.error(f"--together {asked.together} measures nothing: give at least 1")
    unknown = set(asked.rows) - {row.name for row in ROWS}
    if unknown:
        parser.error(f"no such rows: {', '.join(sorted(unknown))}; there are {', '.join(row.name for row in ROWS)}")
    return asked


def code_digest() -> str:
    """What makes results comparable: the library, the worlds and how they are measured."""
    whole = hashlib.sha256()
    worlds = [*(HERE / "worlds").glob("*.yaml"), HERE / "worlds/measure.py", HERE / "worlds/realities.py"]
    for path in sorted([*(ROOT / "src").rglob("*.py"), *worlds]):
        whole.update(path.read_bytes())
    whole.update(repr([(row.name, row.steps, row.hidden, row.episodes) for row in ROWS]).encode())
    return whole.hexdigest()[:16]


class Kept:
    """Results as JSON lines, kept for the code that they were measured with; what failed is tried again. Mutable."""

    def __init__(self, code: str) -> None:
        self._code, self._lock = code, threading.Lock()
        lines = KEPT.read_text(encoding="utf-8").splitlines() if KEPT.exists() else []
        found = [json.loads(line) for line in lines]
        self._found = [one for one in found if one["code"] in {code, ""} and "failed" not in one]

    def of(self, row: Row, variant: str) -> list[Result]:
        """The results of one row, by key."""
        mine = [one for one in self._found if (one["row"], one["variant"]) == (row.name, variant)]
        return sorted(mine, key=lambda one: one["key"])

    def lacks(self, row: Row, variant: str, key: int) -> bool:
        """Whether this was not measured yet."""
        return all(one["key"] != key for one in self.of(row, variant))

    def add(self, row: Row, variant: str, key: int, found: Result) -> None:
        """Keep one more. What the rival comes to does not depend on our code."""
        code = "" if variant.startswith("rival") else self._code
        one = {"code": code, "row": row.name, "variant": variant, "key": key, **found}
        KEPT.parent.mkdir(exist_ok=True)
        with self._lock:
            with KEPT.open("a", encoding="utf-8") as file:
                file.write(json.dumps(one) + "\n")
            self._found.append(one)


def measure(kept: Kept, rows: Sequence[Row], variants: Sequence[str], asked: argparse.Namespace) -> None:
    """Measure whatever is missing, key after key; the long rows first, which keeps all processes busy to the end."""
    longest = sorted(rows, key=lambda row: row.effort, reverse=True)
    jobs = [(key, row, variant) for key in range(asked.keys) for row in longest for variant in variants]
    several = ThreadPoolExecutor(asked.together)
    try:
        list(several.map(lambda job: measure_one(kept, *job, asked), jobs))
    finally:
        several.shutdown(cancel_futures=True)


def measure_one(kept: Kept, key: int, row: Row, variant: str, asked: argparse.Namespace) -> None:
    """Measure one key of one row, and what its rival comes to."""
    if why_not(row):
        return
    if kept.lacks(row, variant, key):
        print(f"{row.name}, {variant}, key {key}", file=sys.stderr)
        mine = [] if variant == "default" else [variant]
        command = [sys.executable, HERE / "worlds/measure.py", row.name, key, *mine]
        kept.add(row, variant, key, child(command, asked.minutes))
    if variant == "default" and asked.rival and has_rival(row) and kept.lacks(row, rival_of(row), key):
        command = [RIVALS, HERE / "worlds/without_twin.py", row.name, key, row.steps]
        kept.add(row, rival_of(row), key, child(command, asked.minutes))


def has_rival(row: Row) -> bool:
    """Whether anyone else is asked to learn this."""
    return RIVALS.exists() and row.steps > 0 and not row.refused


def rival_of(row: Row) -> str:
    """The name under which the rival's results are kept."""
    return f"rival {row.rival} {row.steps}"


def child(command: Sequence[object], minutes: float) -> Result:
    """What a process of its own prints; when it fails or takes too long, just why."""
    few = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(BOX2D)}
    try:
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60 * minutes,
            env={**os.environ, **few},
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"took more than {minutes:g} minutes"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no reason given"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def why_not(row: Row) -> str:
    """Why a row is not measured here; empty when it is."""
    if row.name != "lunar-lander" or (BOX2D / "Box2D").exists() or importlib.util.find_spec("Box2D"):
        return ""
    return "not measured: Box2D is not installed (uv pip install --target .rivals/box2d box2d pygame)"


def line_of(row: Row, kept: Kept) -> Result:
    """One row of the table."""
    results = kept.of(row, "default")
    good = [one for one in results if "failed" not in one]
    line: Result = {"row": row.name, "title": row.title, "keys": len(good), "good": row.good, "source": row.source}
    line |= {"model_free_steps": row.model_free, "reason": why_not(row) or row.reason}
    line["failed"] = [one["failed"] for one in results if "failed" in one]
    if good:
        means = np.array([one["after"] for one in good])
        line |= {name: float(np.mean([one[name] for one in good])) for name in ("real_steps", "before", "seconds")}
        line |= {"after": float(means.mean()), "worst": float(means.min())}
        line["error"] = float(np.sqrt(np.mean([one["error"] ** 2 for one in good]) / len(good)))
        line["refused"] = sum(bool(one["refused"]) for one in good)
        others = [one["after"] for one in kept.of(row, rival_of(row)) if "after" in one]
        line["without_simulator"] = float(np.mean(others)) if others else None
    line["outcome"] = outcome(row, line)
    return line


def outcome(row: Row, line: Result) -> str:
    """Whether the row is as it should be."""
    if not line["keys"]:
        return "not measured" + (f": {line['failed'][0]}" if line["failed"] else "")
    if row.refused:
        return "refused, as it must be" if line["refused"] == line["keys"] else "CLAIMED, but must be refused"
    if line["failed"] or line["refused"]:
        return f"{len(line['failed'])} failed, {line['refused']} refused"
    if row.good is None:
        return "better" if line["after"] > line["before"] else "not better"
    enough = row.model_free is None or 10 * line["real_steps"] <= 1.01 * row.model_free
    return "met" if enough and line["after"] + 2 * line["error"] >= row.good else "missed"


HEAD: Final = (
    "world",
    "keys",
    "real steps",
    "before",
    "after",
    "worst key",
    "no simulator",
    "good",
    "its steps",
    "s",
    "",
)


def shown(line: Result) -> tuple[str, ...]:
    """The cells of one row."""

    def number(name: str, digits: int = 4) -> str:
        value = line.get(name)
        return "-" if value is None else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"

    names = ("real_steps", "before", "after", "worst", "without_simulator", "good", "model_free_steps", "seconds")
    return (line["title"], str(line["keys"]), *(number(name) for name in names), line["outcome"])


def print_ablation(kept: Kept, rows: Sequence[Row], *, as_json: bool) -> None:
    """What each defence comes to, in the simulator and in reality."""
    found = list(ablation_lines(kept, rows))
    if as_json:
        print(json.dumps(found, indent=2))
        return
    cells = [
        (
            one["row"],
            one["variant"],
            str(one["keys"]),
            *(f"{one[name]:.4g}" for name in ("simulated", "after", "worst")),
        )
        for one in found
    ]
    table(
        "defences against exploitation, with the same real steps by chance",
        [("world", "defence", "keys", "simulated", "real", "worst key"), *cells],
    )


def ablation_lines(kept: Kept, rows: Sequence[Row]) -> Iterator[Result]:
    """A line for each row and variant that was measured."""
    for row, variant in ((row, variant) for row in rows for variant in VARIANTS):
        good = [one for one in kept.of(row, variant) if "failed" not in one]
        if good:
            after = [one["after"] for one in good]
            yield {
                "row": row.name,
                "variant": variant,
                "keys": len(good),
                "simulated": float(np.mean([one["simulated"] for one in good])),
                "after": float(np.mean(after)),
                "worst": float(np.min(after)),
            }


if __name__ == "__main__":
    main()
