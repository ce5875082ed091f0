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
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from rivals.environment import NotMeasured, rival
from timing import seconds, table, told

from exact import exact_layers
from worldtwin.accelerate import networks
from worldtwin.exact.network import ACTIVATION_ONE, INPUT_LIMIT, stack

MEMBERS, ROWS, STEPS = 5, 1280, 50
STATE, ACTION = 4, 1
WIDTHS = (STATE + ACTION, 200, 200, 200, 2 * STATE)
RIVALS = ("mbrl_rollouts", "torch_rollouts")
TARGETS = {"mbrl_rollouts: fixed_model, sampled": 0.7}
"""At least so many times the steps a second of these."""

Turn = Callable[[], float]


def ours(rows: int, steps: int) -> float:
    """The seconds a step of one rollout of `rows` episodes of `steps` steps, compiled when first called.

    A stand-in: the exact networks of an ensemble in JAX, rows grouped by member, without a simulator around them; what
    the networks say of the spread is added, not drawn from.
    """
    with jax.enable_x64(True):
        run, states = _walk(rows, steps), jnp.zeros((MEMBERS, rows // MEMBERS, STATE), dtype=jnp.int64)
        return seconds(lambda: run(states).block_until_ready()) / steps


@functools.cache
def _walk(rows: int, steps: int) -> Callable[[Array], Array]:
    layers = stack([exact_layers(WIDTHS)] * MEMBERS)
    clips = tuple(layer.clip for layer in layers)
    numbers = [tuple(jnp.asarray(part) for part in layer) for layer in networks.carried_stack(layers)]
    shape = (steps, MEMBERS, rows // MEMBERS, ACTION)
    actions = jnp.asarray(np.random.default_rng(1).integers(-ACTIVATION_ONE, ACTIVATION_ONE, shape))

    def step(states: Array, action: Array) -> tuple[Array, None]:
        outputs = networks.evaluate(clips, numbers, jnp.concatenate([states, action], axis=-1))
        moved = states + outputs[..., :STATE] + (outputs[..., STATE:] >> 4)
        return jnp.clip(moved, -INPUT_LIMIT, INPUT_LIMIT), None

    return jax.jit(lambda states: lax.scan(step, states, actions)[0])


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
    """Each contender's medians and best, what `own` is beside them, and whether a target is met by both."""
    found: list[tuple[str, ...]] = [("", "ms a step", "million rows/s", "best, ms", "ours is", "by the best", "target")]
    for name, each in times.items():
        median, best = statistics.median(each), min(each)
        ratios = (median / statistics.median(times[own]), best / min(times[own]))
        cells = (f"{1e3 * median:.2f}", f"{ROWS / median / 1e6:.2f}", f"{1e3 * best:.2f}")
        target = TARGETS.get(name)
        verdict = "" if target is None else f"at least {target}: {'met' if min(ratios) >= target else 'missed'}"
        found.append((name, *cells, *(f"{ratio:.2f}x" for ratio in ratios), verdict))
    return found


def main() -> None:
    """Print the figures."""
    own = "ours, the networks alone"
    print(f"ours: jax {jax.__version__}; load {os.getloadavg()[0]:.1f} before the start")
    with contextlib.ExitStack() as stack:
        turns: dict[str, Turn] = {own: lambda: ours(ROWS, STEPS)}
        for name in RIVALS:
            turns |= joined(name, stack)
        times = told(turns)
    rows = figures(times, own)
    table(f"rollouts of an ensemble {MEMBERS} x {WIDTHS}, {ROWS:,} rows, {STEPS} steps", rows)
    print("  PyTorch's threads wait for each other: other work on the machine slows it far more than it slows JAX,")
    print("  so a target must be met by the best repeats too; ratios are steadiest on one core")


if __name__ == "__main__":
    main()
