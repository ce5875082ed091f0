"""The claims of the first milestone, shown; a planted fault must be caught. Exit code 1 when one fails.

make accept-01
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from accepting import Check, accept
from msgspec.structs import replace

import worldtwin as wt
from worldtwin import examples
from worldtwin.simulation import Regressor, Simulator

ROOT = Path(__file__).resolve().parent.parent
KEYS = (1, 2, 3, 4, 5)
WANTED_RETURN = 475.0
KERNELS = ("Nehalem", "Sandybridge", "Haswell", "SkylakeX")
THREADS = ("1", "2")


def main() -> int:
    """Run all checks, print a line for each, and say how many failed."""
    if sys.argv[1:2] == ["digest"]:
        print(digest_of(Path(sys.argv[2]), Path(sys.argv[3])))
        return 0
    return accept(checks)


def checks(folder: Path) -> list[Check]:
    """What is claimed, and how it is shown."""
    first = folder / f"cart-{KEYS[0]}"
    return [
        (
            f"cart-pole: real return at least {WANTED_RETURN:g} in the worst of {len(KEYS)} keys",
            lambda: cart_pole(folder),
        ),
        ("maze: the shortest way out", lambda: maze(folder)),
        ("the life cycle script: its six steps", lambda: life_cycle(folder)),
        ("one rollout has one digest on every BLAS kernel and number of threads", lambda: same_everywhere(first)),
        ("a planted fault is caught: one weight of the published simulator changed", lambda: planted_fault(first)),
    ]


def cart_pole(folder: Path) -> str:
    """The demo with each key."""
    returns: list[float] = []
    for key in KEYS:
        done = examples.demo("cart-pole", folder / f"cart-{key}", key=key, echo=lambda _: None)
        returns.append(min(float(value) for value in done.result["after"].values()))
    assert min(returns) >= WANTED_RETURN, f"{returns}"
    return ", ".join(f"{value:g}" for value in returns)


def maze(folder: Path) -> str:
    """The demo of the maze finds a way as short as breadth-first search on the real map."""
    result = examples.demo("maze", folder / "maze", key=KEYS[0], echo=lambda _: None).result
    assert result["steps"] == result["shortest"], f"{result['steps']} steps instead of {result['shortest']}"
    return f"{result['steps']} steps"


def life_cycle(folder: Path) -> str:
    """`examples/lifecycle/run.sh` on a copy."""
    copy = folder / "lifecycle"
    shutil.copytree(ROOT / "examples" / "lifecycle", copy)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    ran = subprocess.run(["bash", "run.sh"], cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
    steps = [line for line in ran.stdout.splitlines() if line.startswith("== ")]
    assert len(steps) == 6, f"{len(steps)} steps instead of 6"
    return f"{len(steps)} steps"


def digest_of(simulator_file: Path, task_file: Path) -> str:
    """The digest of one rollout."""
    simulator, task = wt.load_simulator(simulator_file), wt.load_task(task_file)
    return wt.rollout(task, simulator, episodes=64, horizon=100, key=7).digest


def same_everywhere(folder: Path) -> str:
    """The same rollout in fresh processes with other OpenBLAS kernels and numbers of threads."""
    digests = {
        one_digest(folder / "cart-pole.wts", folder / "four-gains.wtt", kernel, n)
        for kernel in KERNELS
        for n in THREADS
    }
    assert len(digests) == 1, f"{len(digests)} different digests"
    return f"{digests.pop()[:16]} on {len(KERNELS)} kernels x {len(THREADS)} numbers of threads"


def one_digest(simulator_file: Path, task_file: Path, kernel: str, threads: str) -> str:
    """The digest of one rollout in a process of its own."""
    environment = {**os.environ, "OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": threads}
    command = [sys.executable, str(Path(__file__)), "digest", str(simulator_file), str(task_file)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


def planted_fault(folder: Path) -> str:
    """A simulator with one weight changed has another digest and gives another run; a changed byte is refused."""
    file, task = folder / "cart-pole.wts", folder / "four-gains.wtt"
    faulty = folder / "faulty.wts"
    right = wt.load_simulator(file)
    assert with_one_weight_changed(right, by=1).digest != right.digest, "the digest did not notice"
    wt.save(with_one_weight_changed(right, by=1 << 16), faulty)
    assert digest_of(faulty, task) != digest_of(file, task), "the rollout did not notice"
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    faulty.write_bytes(bytes(body))
    try:
        wt.load_simulator(faulty)
    except wt.WorldtwinError as error:
        return f"by the digests, and by the file itself ({str(error).replace(str(folder), '')})"
    raise AssertionError("a simulator with a changed byte was loaded")


def with_one_weight_changed(simulator: Simulator, by: int) -> Simulator:
    """The simulator with the largest weight of its first polynomial smaller `by` some steps of its 2^31."""
    at = next(i for i, model in enumerate(simulator.predictors) if isinstance(model, Regressor))
    model = simulator.predictors[at]
    polynomial = model.functions[0]
    weights = polynomial.weights.copy()
    largest = np.unravel_index(np.argmax(np.abs(weights)), weights.shape)
    weights[largest] -= np.sign(weights[largest]) * by
    model = replace(model, functions=(replace(polynomial, weights=weights), *model.functions[1:]))
    changed = (*simulator.predictors[:at], model, *simulator.predictors[at + 1 :])
    return replace(simulator, predictors=changed)


if __name__ == "__main__":
    sys.exit(main())
