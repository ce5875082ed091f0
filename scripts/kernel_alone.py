"""Judge tasks where only the kernel's libraries are installed: the verdicts must be those of the full environment.

.venv/bin/python scripts/kernel_alone.py

Prints one line of JSON: `here` and `there`, the digests of the verdicts on a network, a table, a script and its text;
`strangers`, the other libraries that can be imported there. Exit code 1 when digests differ or there is a stranger.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import worldtwin as wt
from worldtwin.judging import Case
from worldtwin.simulation import count
from worldtwin.world import (
    Category,
    Integer,
    Set,
    Space,
    StartRange,
    StartValues,
    Transitions,
    canonical,
    decode_canonical,
    typed,
)

ROOT = Path(__file__).resolve().parent.parent
KERNEL = ("cbor2", "msgspec", "numpy", "wasmtime")
"""All that a verifier installs, with what it needs itself."""
STRANGERS = (
    "cmaes", "gymnasium", "jax", "jsonschema", "pint", "pyarrow", "ruamel", "scipy", "sklearn", "torch", "typer",
)  # fmt: skip
"""What makes simulators and tasks, reads YAML or talks to people: no verifier needs it."""

HALL = wt.Spec(
    name="hall",
    state=Space(("place", "doors"), (Integer(low=0, high=20), Set(("left", "right", "up", "down", "wait")))),
    action=Space(("go",), (Category(("left", "right")),)),
    outputs=Space(("noise",), (Integer(low=0, high=99),)),
    start={"place": StartRange(low=5, high=15), "doors": StartValues((3, 19, 31))},
    reward="next.place / 20 - outputs.noise / 1000",
    returns=(-10.0, 40.0),
    horizon=40,
)
TEXT = """\
gain = param(0.75, low=-4, high=4)
memory = remember(sum=0.0)


def act(state, memory):
    memory.sum = 0.5 * memory.sum + gain * (state.place - 10)
    return "left" if memory.sum > 0 and "up" in state.doors or state.place > 15 else "right"
"""
CASES = (
    Case(name="far", check="ret > 18", episodes=64, needed=1),
    Case(name="inside", check="low.place > 2 and high.place < 19", start={"place": (6, 12)}, episodes=48),
    Case(name="driven", check="final.place >= 8", driver=("right", "left", "right"), episodes=20, kind="goal"),
)


def main() -> int:
    """Print what was found here and there, or with `judge FOLDER` what this environment says of the files there."""
    if sys.argv[1:2] == ["judge"]:
        print(json.dumps(verdicts(Path(sys.argv[2]))))
        return 0
    with tempfile.TemporaryDirectory(prefix="worldtwin-kernel-") as name:
        found = compared(Path(name))
    print(json.dumps(found))
    return int(found["here"] != found["there"] or bool(found["strangers"]))


def compared(folder: Path) -> dict[str, dict[str, str] | list[str]]:
    """The digests here and in a fresh environment made in `folder`, and the strangers that are there."""
    python = environment(folder / "environment")
    files = folder / "files"
    files.mkdir()
    write(files)
    there = json.loads(ran([python, "-I", __file__, "judge", files]))
    source = Path(there.pop("source"))
    assert source.is_relative_to(folder / "environment"), f"{source} is not what was installed"
    here = verdicts(files)
    del here["source"], here["strangers"]
    return {"here": here, "strangers": there.pop("strangers").split(), "there": there}


def environment(folder: Path) -> Path:
    """The Python of a fresh environment in `folder`: the wheel of this checkout, the kernel's libraries, no more."""
    folder.mkdir(parents=True)
    ran([uv(), "build", "--wheel", "--quiet", "--out-dir", folder / "wheel", ROOT])
    pins = folder / "kernel.txt"
    pins.write_text("".join(pinned(KERNEL)))
    ran([uv(), "venv", "--quiet", "--python", sys.executable, folder / "venv"])
    python = folder / "venv" / "bin" / "python"
    install: list[str | Path] = [uv(), "pip", "install", "--quiet", "--python", python]
    ran([*install, "--require-hashes", "--requirement", pins])
    ran([*install, "--no-deps", *(folder / "wheel").glob("*.whl")])
    return python


def pinned(names: tuple[str, ...]) -> list[str]:
    """The parts of requirements.lock that are about `names`: versions and hashes."""
    lines = (ROOT / "requirements.lock").read_text().splitlines(keepends=True)
    first = [i for i, line in enumerate(lines) if not line.startswith((" ", "#"))]
    parts = ["".join(lines[begin:end]) for begin, end in zip(first, [*first[1:], len(lines)], strict=True)]
    wanted = [part for part in parts if part.partition("==")[0] in names]
    assert {part.partition("==")[0] for part in wanted} == set(names), "requirements.lock lacks one of them"
    return wanted


def write(folder: Path) -> None:
    """Write a simulator, three tasks and cases to `folder`, as one would send them."""
    simulator = hall()
    states = HALL.start_rows(np.stack([np.arange(21), np.full(21, 31)], axis=1))
    tasks = {
        "network": wt.Task.network(HALL, hidden=(8, 5), key=4),
        "script": wt.Task.script(TEXT, HALL),
        "table": wt.Task.table(HALL, states, (states[:, :1] < 12).astype(np.int64)),
    }
    wt.save(simulator, folder / "hall.wts")
    for name, task in tasks.items():
        wt.save(task, folder / f"{name}.wtt")
    (folder / "text.py").write_text(TEXT)
    (folder / "cases.cbor").write_bytes(canonical(CASES))


def hall() -> wt.Simulator:
    """A hall of 21 places: mostly one goes where one wants to go, and doors open and close."""
    chance, n = np.random.default_rng(1), 20_000
    place, doors, action = chance.integers(0, 21, n), chance.choice([3, 19, 31], n), chance.integers(0, 2, n)
    step = np.where(chance.random(n) < 0.9, 2 * action - 1, 0)
    return wt.Simulator(
        spec=HALL,
        observed=count(
            HALL,
            Transitions(
                states=np.stack([place, doors], axis=1),
                actions=action[:, None],
                nexts=np.stack([np.clip(place + step, 0, 20), chance.choice([3, 19, 31], n)], axis=1),
                outputs=chance.integers(0, 3, (n, 1)),
                episodes=np.zeros(n, dtype=np.int64),
                steps=np.arange(n),
                synthetic=np.zeros(n, dtype=np.bool_),
            ),
        ),
    )


def verdicts(folder: Path) -> dict[str, str]:
    """The digests of the verdicts on all tasks in `folder`, from their files; and what this environment is."""
    simulator = wt.load_simulator(folder / "hall.wts")
    cases = typed(decode_canonical((folder / "cases.cbor").read_bytes()), tuple[Case, ...])
    tasks = {path.stem: wt.load_task(path) for path in sorted(folder.glob("*.wtt"))}
    tasks["text"] = wt.load_task(folder / "text.py", simulator.spec)
    digests = {name: wt.digest(wt.judge(task, simulator, cases, key=7)) for name, task in tasks.items()}
    with tempfile.TemporaryDirectory() as copy:
        wt.save(simulator, Path(copy, "hall.wts"))
        wt.save(tasks["script"], Path(copy, "script.wtt"))
        for path in Path(copy).iterdir():
            assert path.read_bytes() == (folder / path.name).read_bytes(), f"{path.name} is saved as other bytes"
    strangers = [name for name in STRANGERS if importlib.util.find_spec(name)]
    return {**digests, "source": str(Path(wt.__file__)), "strangers": " ".join(strangers)}


def uv() -> str:
    """The installer that scripts/setup uses."""
    found = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    assert Path(found).exists(), "uv is missing: run scripts/setup"
    return found


def ran(command: list[str | Path]) -> str:
    """What `command` prints."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
