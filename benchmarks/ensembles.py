"""Rollouts of an ensemble, 5 members of 3 x 200, one member a row: ours against mbrl-lib and a plain PyTorch loop.

The rivals live in environments of their own and run as processes, so that every round times each contender once.
On a busy machine run `taskset --cpu-list 0 python benchmarks/ensembles.py`: on one core, no thread waits for another.
"""

from __future__ import annotations

import contextlib
import functools
import os
import statistics
from collections.abc import Callable

import jax
import numpy as np
from msgspec.structs import replace
from rivals.environment import NotMeasured, rival
from timing import medians, seconds, table, told

import worldtwin as wt
from exact import exact_layers
from worldtwin.exact import Feature, Key
from worldtwin.exact.network import stack
from worldtwin.simulation import Backend, Confidence, Ensemble, NumpyBackend, Regressor, Simulator, outcomes
from worldtwin.world import Space, Spec, StartRange, real

MEMBERS, ROWS, STEPS = 5, 1280, 50
STATE, ACTION = 4, 1
WIDTHS = (STATE + ACTION, 200, 200, 200, 2 * STATE)
RIVALS = ("mbrl_rollouts", "torch_rollouts")
TARGETS = {"mbrl_rollouts: fixed_model, sampled": 0.7}
"""At least so many times the steps a second of these."""
STEP_TARGET = 300

Turn = Callable[[], float]


def world(*, swish: bool = False) -> Simulator:
    """Four numbers and one action, predicted by an ensemble that says means and noise, as the rivals do."""
    names = ("a", "b", "c", "d")
    fine = real(-8, 8, resolution=2.0**-16)
    start = StartRange(-(1 << 16), 1 << 16)
    spec = Spec(
        name="ensemble",
        state=Space(names, (fine,) * STATE),
        action=Space(("push",), (fine,) * ACTION),
        start=dict.fromkeys(names, start),
        reward="next.a",
        horizon=STEPS,
        returns=(-8.0 * STEPS, 8.0 * STEPS),
    )
    layers = stack([exact_layers(WIDTHS)] * MEMBERS)
    if swish:
        layers = (*(replace(layer, clip=0, swish=True) for layer in layers[:-1]), layers[-1])
    model = Regressor(
        features=tuple(Feature(column=column, kind="real", shift=-4) for column in range(WIDTHS[0])),
        functions=(Ensemble(layers=layers),),
        targets=(0, 1, 2, 3),
        bases=(0, 1, 2, 3),
        lows=np.full(STATE, -(1 << 20)),
        highs=np.full(STATE, 1 << 20),
        quiet=np.full(STATE, 8 << 8),
        loud=np.full(STATE, 14 << 8),
        tolerances=np.full(STATE, 1 << 10),
        confidence=Confidence(edges=np.array([0]), levels=np.array([1])),
    )
    return Simulator(spec, predictors=(model,))


def ours(simulator: Simulator, backend: Backend) -> Turn:
    """The seconds a step of whole rollouts: a linear task acts, noise is drawn, rewards are paid."""
    task = wt.Task.network(simulator.spec, hidden=(), key=1)
    keys = Key.of(1).episodes(np.arange(ROWS))
    starts = simulator.start_states(keys)

    def roll() -> None:
        lived = outcomes(task, simulator, starts=starts, keys=keys, horizon=STEPS, backend=backend)
        assert lived.steps.sum() == ROWS * STEPS

    return lambda: seconds(roll) / STEPS


def joined(name: str, stack: contextlib.ExitStack) -> dict[str, Turn]:
    """The turns of each variant of a rival that runs until `stack` closes; none, and a line why, if it cannot run."""
    try:
        process = stack.enter_context(rival(name))
    except NotMeasured as reason:
        print(f"{name}: not measured: {reason}")
        return {}
    versions = ", ".join(f"{package} {version}" for package, version in process.greeting.versions.items())
    print(f"{name}: {versions}; {process.greeting.threads} threads")

    def turn(variant: str) -> float:
        figures = process.run(variant)
        assert (figures.rows, figures.steps) == (ROWS, STEPS)
        return figures.seconds_per_step

    return {f"{name}: {variant}": functools.partial(turn, variant) for variant in process.greeting.variants}


def figures(times: dict[str, list[float]], own: str) -> list[tuple[str, ...]]:
    """Each contender's medians and best, what `own` is beside them, and whether the medians meet a target."""
    found: list[tuple[str, ...]] = [("", "ms a step", "million rows/s", "best, ms", "ours is", "by the best", "target")]
    for name, each in times.items():
        median, best = statistics.median(each), min(each)
        ratios = (median / statistics.median(times[own]), best / min(times[own]))
        cells = (f"{1e3 * median:.2f}", f"{ROWS / median / 1e6:.2f}", f"{1e3 * best:.2f}")
        target = TARGETS.get(name)
        verdict = "" if target is None else f"at least {target}: {'met' if ratios[0] >= target else 'missed'}"
        found.append((name, *cells, *(f"{ratio:.2f}x" for ratio in ratios), verdict))
    return found


def step_microseconds(simulator: Simulator) -> float:
    """What one `session.step` takes."""
    session = wt.Session(simulator, key=1)
    return 1e6 * medians({"step": lambda: [session.step({"push": 0.1}) for _ in range(50)]})["step"] / 50


def main() -> None:
    """Print the figures."""
    own = "ours"
    print(f"ours: jax {jax.__version__}; load {os.getloadavg()[0]:.1f} before the start")
    with contextlib.ExitStack() as stack:
        turns: dict[str, Turn] = {
            own: ours(world(), wt.JaxBackend()),
            "ours, with swish": ours(world(swish=True), wt.JaxBackend()),
            "ours, in NumPy": ours(world(), NumpyBackend()),
        }
        for name in RIVALS:
            turns |= joined(name, stack)
        times = told(turns)
    rows = figures(times, own)
    table(f"rollouts of an ensemble {MEMBERS} x {WIDTHS}, {ROWS:,} rows, {STEPS} steps", rows)
    steps = [("", "microseconds"), ("clipped ReLU", f"{step_microseconds(world()):.0f}")]
    steps.append(("swish", f"{step_microseconds(world(swish=True)):.0f}"))
    print("  PyTorch's threads wait for each other: other work on the machine slows it far more than it slows JAX,")
    print("  so look at the best repeats too; ratios are steadiest on one core")
    table(f"one `session.step` on it (target: below {STEP_TARGET})", steps)


if __name__ == "__main__":
    main()
