"""The claims of the exact core, shown; planted faults must be caught. Exit code 1 when one fails.

make accept-02
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from accepting import Check, accept
from msgspec.structs import replace

import worldtwin as wt
from worldtwin.errors import InexactBackend
from worldtwin.exact import NumpyEngines, StackedLayer, require_conformance
from worldtwin.exact.network import INPUT_LIMIT
from worldtwin.simulation import Ensemble, NumpyBackend, Regressor, Simulator

ROOT = Path(__file__).resolve().parent.parent
VECTORS = ROOT / "tests" / "vectors" / "files"
SETTINGS: tuple[dict[str, str], ...] = (
    *(
        {"OPENBLAS_CORETYPE": kernel, "OPENBLAS_NUM_THREADS": threads}
        for kernel in ("Nehalem", "Sandybridge", "Haswell", "SkylakeX")
        for threads in ("1", "2")
    ),
    {"XLA_FLAGS": ""},
    {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"},
    {"XLA_FLAGS": "--xla_cpu_enable_fast_math=true"},
)
ATTACKS = (
    "tests/script/test_script_attacks.py",
    "tests/script/test_script_hostile.py",
    "tests/files/test_files_hostile.py",
)
FAULTS = {
    "polynomials": ("exact/rounding.py", "np.floor((sums + halves) * scales)", "np.rint(sums * scales)"),
    "networks": (
        "exact/network.py",
        "        np.floor(sums, out=sums)\n        if",
        "        np.rint(sums - 0.5, out=sums)\n        if",
    ),
    "polynomials in JAX": ("accelerate/seeing.py", "jnp.floor((sums + halves) * scales)", "jnp.rint(sums * scales)"),
}
"""Where floor(x + 1/2) becomes round-half-to-even: the file, what stands there, and what is put in its place."""


def main() -> int:
    """Run all checks, print a line for each, and say how many failed."""
    if sys.argv[1:2] == ["digests"]:
        print(json.dumps(digests()))
        return 0
    if sys.argv[1:2] == ["conform"]:
        print(conforms())
        return 0
    return accept(checks)


def checks(folder: Path) -> list[Check]:
    """What is claimed, and how it is shown."""
    return [
        ("one digest on every backend, BLAS kernel, number of threads, batch and XLA flag", same_everywhere),
        ("a GPU, where there is one, gives the same digests", on_a_gpu),
        ("every attack is refused or trapped", attacks),
        ("tasks are judged where only the kernel's libraries are", lambda: kernel_alone(folder / "kernel")),
        ("figures", figures),
        *(
            (f"a planted fault is caught: round-half-to-even in {where}", lambda where=where: planted(folder, where))
            for where in FAULTS
        ),
    ]


def digests() -> dict[str, list[str]]:
    """The different digests of the same rollouts, by name: on every backend of this process, in several batches."""
    numpy = [NumpyBackend(), NumpyBackend(together=7)]
    both = "OPENBLAS_CORETYPE" not in os.environ
    backends = [*numpy, wt.JaxBackend()] if both else numpy
    return {
        name: sorted(
            {wt.rollout(task, simulator, episodes=96, horizon=70, key=7, backend=each).digest for each in backends}
        )
        for name, task, simulator in rollouts()
    }


def rollouts() -> Iterator[tuple[str, wt.Task, Simulator]]:
    """Tables, polynomials, ensembles, trees, noise and names, with networks, tables and a script."""
    for name in ("lamp", "cart", "truck"):
        simulator = wt.load_simulator(VECTORS / f"{name}.wts")
        yield f"{name}, network", wt.Task.network(simulator.spec, hidden=(16,), key=1), simulator
        yield f"{name}, table", wt.Task.table(simulator.spec), simulator
    cart, truck = (wt.load_simulator(VECTORS / f"{name}.wts") for name in ("cart", "truck"))
    yield "cart, script", wt.load_task(VECTORS / "script.wtt"), cart
    for swish in (False, True):
        wide = with_ensemble(truck, swish=swish)
        yield f"5 x 2 x 64 networks, {'swish' if swish else 'clipped'}", wt.Task.network(wide.spec, key=2), wide


def with_ensemble(simulator: Simulator, *, swish: bool) -> Simulator:
    """`simulator` with larger networks instead of the functions of its first predictor."""
    model = simulator.predictors[0]
    assert isinstance(model, Regressor)
    chance, widths = np.random.default_rng(1), (4, 64, 64, 4)
    layers = [
        StackedLayer(
            weights=chance.integers(-(1 << 13), 1 << 13, (5, before, after)),
            bias=chance.integers(-(1 << 24), 1 << 24, (5, after)),
            shifts=np.full((5, after), 10 if after == 4 else 14),
            clip=0 if swish or after == 4 else INPUT_LIMIT,
            swish=swish and after != 4,
        )
        for before, after in pairwise(widths)
    ]
    own = replace(model, functions=(Ensemble(layers=tuple(layers)),))
    return replace(simulator, predictors=(own, *simulator.predictors[1:]))


def same_everywhere() -> str:
    """The same rollouts in fresh processes with other settings."""
    found: dict[str, set[str]] = {}
    for settings in SETTINGS:
        for name, own in json.loads(child("digests", settings)).items():
            found.setdefault(name, set()).update(own)
    differing = [name for name, own in found.items() if len(own) > 1]
    assert not differing, f"different digests of {', '.join(differing)}"
    return f"{len(found)} rollouts, {len(SETTINGS)} settings, NumPy and JAX, batches of 7 and all"


def on_a_gpu() -> str:
    """The digests where JAX finds a GPU; said when there is none."""
    import jax  # noqa: PLC0415 - the other checks set its flags in processes of their own

    try:
        jax.devices("gpu")
    except RuntimeError:
        return "there is none on this machine, so this was not shown"
    here, there = (json.loads(child("digests", {"JAX_PLATFORMS": platform})) for platform in ("cpu", "cuda"))
    assert here == there, "the GPU computes other bits"
    return f"{len(here)} rollouts"


def attacks() -> str:
    """The tests of hostile programs, tasks, simulators and YAML."""
    command = [sys.executable, "-m", "pytest", "-q", *ATTACKS]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-2000:]
    return ran.stdout.strip().splitlines()[-1]


def kernel_alone(folder: Path) -> str:
    """The verdicts of an environment that was installed with only the kernel's libraries."""
    folder.mkdir()
    command = [sys.executable, str(ROOT / "scripts" / "kernel_alone.py")]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr[-2000:]}"
    return f"{len(json.loads(ran.stdout)['there'])} verdicts, the same as here"


def figures() -> str:
    """Ratios and rates, measured here and now; one that is twice as bad as its target fails."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import ensembles  # noqa: PLC0415 - benchmarks are scripts
    import scripts  # noqa: PLC0415 - the same

    import exact  # noqa: PLC0415 - the same

    steps, times = exact.rollouts(exact.line(), table_task(exact.line(), exact.STATES), exact.EPISODES)
    network = next(row for row in exact.network_rows() if row[0] == "4,096")
    texts = {"12 lines": scripts.SHORT, "loop, angles": scripts.SWING, "100 lines": scripts.long_text()}
    bare = {name: float(scripts.compare(name, text)[3]) for name, text in texts.items()}
    found = {
        "million table steps/s in NumPy": (steps / times["numpy"] / 1e6, 2.0, True),
        "million table steps/s in JAX": (steps / times["jax"] / 1e6, 10.0, True),
        "exact over float32 network": (float(network[4]), 2.7, False),
        "us for a session.step on 5 x 3 x 200 networks": (ensembles.step_microseconds(ensembles.world()), 300.0, False),
        "script row over a bare call in CPython, 12 lines": (bare["12 lines"], 0.1, False),
        "ms to compile 100 lines": (scripts.compile_ms(scripts.long_text())[0], 50.0, False),
    }
    lines = [f"{value:.3g} {name} (target {target:g})" for name, (value, target, _) in found.items()]
    bad = [name for name, (value, target, more) in found.items() if (target / value if more else value / target) > 2]
    assert not bad, f"far from the target: {', '.join(bad)}; {'; '.join(lines)}"
    missed = ", ".join(f"{name} {ratio:.2f}" for name, ratio in bare.items() if ratio > 0.1)
    lines += [f"missed, and why in docs/decisions/0005: script row over a bare call, {missed}"] if missed else []
    return "; ".join([*lines, "rivals: python benchmarks/ensembles.py"])


def table_task(simulator: Simulator, states: int) -> wt.Task:
    """A table with a rule for every state."""
    actions = np.random.default_rng(3).integers(0, 4, (states, 1))
    return wt.Task.table(simulator.spec, np.arange(states)[:, None], actions)


def conforms() -> str:
    """Whether this process computes exactly: what is refused, and by which case."""
    for start in (lambda: require_conformance(NumpyEngines()), wt.JaxBackend):
        try:
            start()
        except InexactBackend as error:
            return str(error).split(" differs")[0]
    return "exact"


def planted(folder: Path, where: str) -> str:
    """A copy of the sources with one rounding changed must be refused, and its rollouts must have other digests."""
    file, right, wrong = FAULTS[where]
    copy = folder / where.replace(" ", "-")
    shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
    text = (copy / "worldtwin" / file).read_text()
    assert text.count(right) == 1, f"{file} no longer holds {right!r}: adapt the fault"
    (copy / "worldtwin" / file).write_text(text.replace(right, wrong))
    said = child("conform", {"PYTHONPATH": str(copy)})
    assert said.startswith("this backend is not exact"), f"the faulty copy was taken for exact: {said}"
    assert child("conform", {}) == "exact", "the right one was refused"
    return said


def child(command: str, settings: dict[str, str]) -> str:
    """What this script prints in a process of its own with other `settings`."""
    ran = subprocess.run(
        [sys.executable, str(Path(__file__)), command],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, f"{settings}: {ran.stderr[-2000:]}"
    return ran.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    sys.exit(main())
