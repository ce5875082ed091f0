"""What exactness costs and what JAX gives: rollouts on both backends, and exact networks against float32."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from timing import medians, table

import worldtwin as wt
from worldtwin.accelerate import networks
from worldtwin.exact import Feature, Key, Layer
from worldtwin.exact.network import INPUT_LIMIT, require_exact, stack
from worldtwin.simulation import Confidence, Polynomial, Regressor, Simulator, count, outcomes
from worldtwin.world import Angle, Category, Integer, Space, Spec, StartRange, Transitions, real

STATES, EDGES, EPISODES, HORIZON = 1000, 16_000, 16_384, 192
WIDTHS = (6, 200, 200, 200, 200, 3)
STEPS = 16
"""Applications of a network in one compiled call, each fed by the one before: no call is measured, only networks."""

Forward = Callable[[Array], Array]


def line() -> Simulator:
    """1,000 places, four actions, some 16,000 edges."""
    spec = Spec(
        name="line",
        state=Space(("place",), (Integer(low=0, high=STATES - 1),)),
        action=Space(("move",), (Category(("n", "e", "s", "w")),)),
        start={"place": StartRange(0, STATES - 1)},
        reward="1 if next.place == 7 else 0",
        horizon=HORIZON,
        returns=(0.0, float(HORIZON)),
    )
    chance, n = np.random.default_rng(1), 8 * EDGES
    states = chance.integers(0, STATES, (n, 1))
    data = Transitions(
        states=states,
        actions=chance.integers(0, 4, (n, 1)),
        nexts=(states + chance.integers(-2, 2, (n, 1))) % STATES,
        outputs=np.zeros((n, 0), dtype=np.int64),
        episodes=np.zeros(n, dtype=np.int64),
        steps=np.arange(n),
        synthetic=np.zeros(n, dtype=np.bool_),
    )
    return Simulator(spec, observed=count(spec, data))


def cart() -> Simulator:
    """A cart-pole-like polynomial: 5 members of 84 monomials for 4 fields."""
    spec = Spec(
        name="cart",
        state=Space(("x", "v", "a", "w"), (real(-4.8, 4.8), real(-10, 10), Angle(), real(-10, 10))),
        action=Space(("push",), (Category(("left", "right")),)),
        start={name: StartRange(-(1 << 16), 1 << 16) for name in ("x", "v", "a", "w")},
        horizon=64,
    )
    features = (
        Feature(column=0, kind="real", shift=2),
        Feature(column=1, kind="real", shift=1),
        Feature(column=2, kind="angle"),
        Feature(column=3, kind="real", shift=1),
        Feature(column=4, kind="category", count=2),
    )
    terms = [term for size in range(4) for term in itertools.combinations_with_replacement(range(6), size)]
    model = Regressor(
        features=features,
        functions=(
            Polynomial(
                terms=np.array([[*term, *[-1] * (3 - len(term))] for term in terms]),
                weights=np.random.default_rng(1).integers(-(1 << 17), 1 << 17, size=(5, len(terms), 4)),
                shifts=np.full((5, 4), 15),
            ),
        ),
        targets=(0, 1, 2, 3),
        bases=(0, 1, 2, 3),
        lows=np.full(4, -(1 << 27)),
        highs=np.full(4, 1 << 27),
        tolerances=np.full(4, 1 << 24),
        confidence=Confidence(edges=np.array([0]), levels=np.array([50_000])),
    )
    return Simulator(spec, predictors=(model,))


def rollouts(simulator: Simulator, task: wt.Task, episodes: int) -> tuple[int, dict[str, float]]:
    """The steps of some episodes, and the median seconds that each backend takes for them."""
    keys = Key.of(1).episodes(np.arange(episodes))
    starts = simulator.start_states(keys)
    backend, horizon = wt.JaxBackend(), simulator.spec.horizon

    def lived(where: wt.JaxBackend | None) -> np.ndarray:
        return outcomes(task, simulator, starts=starts, keys=keys, horizon=horizon, backend=where).final

    assert (lived(None) == lived(backend)).all()
    return episodes * horizon, medians({"numpy": lambda: lived(None), "jax": lambda: lived(backend)})


def exact_layers(widths: Sequence[int]) -> list[Layer]:
    """A network with weights of 16 bits, as it is published."""
    chance, shapes = np.random.default_rng(1), list(itertools.pairwise(widths))
    layers = [
        Layer(
            weights=np.rint(np.clip(chance.normal(0.0, 1.4 / np.sqrt(before), (before, after)), -3, 3) * 8192).astype(
                int
            ),
            bias=np.zeros(after, dtype=np.int64),
            shift=13,
            clip=INPUT_LIMIT if number < len(shapes) - 1 else 0,
        )
        for number, (before, after) in enumerate(shapes)
    ]
    require_exact(layers)
    return layers


def chained(forward: Forward, dtype: type) -> Callable[[Array], Array]:
    """`STEPS` applications, each input moved by the output before it."""

    def step(inputs: Array, _: None) -> tuple[Array, None]:
        return inputs.at[:, : WIDTHS[-1]].set(forward(inputs).astype(dtype)), None

    return jax.jit(lambda inputs: lax.scan(step, inputs, None, length=STEPS)[0])


def forwards() -> dict[str, Callable[[Array], Array]]:
    """The same network as whole numbers in float64, and in floats of 32 and 64 bits."""
    layers = exact_layers(WIDTHS)
    stacked = stack([layers])
    numbers = [tuple(jnp.asarray(part[0]) for part in layer) for layer in networks.carried_stack(stacked)]
    curves = networks.curves(stacked)

    def plain(dtype: type) -> Forward:
        weights = [jnp.asarray(layer.weights / 8192.0, dtype=dtype) for layer in layers]

        def forward(values: Array) -> Array:
            for weight in weights[:-1]:
                values = jnp.clip(values @ weight, 0, 8)
            return values @ weights[-1]

        return forward

    return {
        "exact": chained(lambda inputs: networks.evaluate(curves, numbers, inputs), jnp.int64),
        "float64": chained(plain(jnp.float64), jnp.float64),
        "float32": chained(plain(jnp.float32), jnp.float32),
    }


def network_rows() -> list[tuple[str, ...]]:
    """Milliseconds of an application, and the ratios, by batch."""
    found: list[tuple[str, ...]] = [
        ("batch", "exact, ms", "float64, ms", "float32, ms", "exact/float32", "exact/float64")
    ]
    with jax.enable_x64(True):
        runs = forwards()
        for batch in (1, 64, 1024, 4096, 16_384):
            inputs = np.random.default_rng(2).integers(-4096, 4096, (batch, WIDTHS[0]))
            own = {"exact": jnp.asarray(inputs), "float64": jnp.asarray(inputs / 4096.0)}
            own["float32"] = own["float64"].astype(jnp.float32)
            times = medians({name: lambda run=runs[name], own=own[name]: run(own).block_until_ready() for name in runs})
            cells = [f"{1e3 * times[name] / STEPS:.3f}" for name in runs]
            ratios = [f"{times['exact'] / times[other]:.2f}" for other in ("float32", "float64")]
            found.append((f"{batch:,}", *cells, *ratios))
    return found


def main() -> None:
    """Print the figures."""
    world, rows = line(), [("", "NumPy", "JAX", "JAX is")]
    chance = np.random.default_rng(3)
    tasks = {
        "a table task": wt.Task.table(world.spec, np.arange(STATES)[:, None], chance.integers(0, 4, (STATES, 1))),
        "a network task of 8 neurons": wt.Task.network(world.spec, hidden=(8,), key=1),
    }
    for name, task in tasks.items():
        steps, times = rollouts(world, task, EPISODES)
        rates = {where: steps / seconds / 1e6 for where, seconds in times.items()}
        rows.append((name, f"{rates['numpy']:.1f}", f"{rates['jax']:.1f}", f"{rates['jax'] / rates['numpy']:.1f}x"))
    table("rollouts of a table, million steps a second (targets: NumPy at least 2, JAX at least 10)", rows)
    rows = [("episodes", "NumPy", "JAX", "JAX is")]
    twin = cart()
    for episodes in (64, 4096):
        steps, times = rollouts(twin, wt.Task.network(twin.spec, hidden=(8,), key=1), episodes)
        each = {where: 1e6 * seconds / steps for where, seconds in times.items()}
        rows.append(
            (f"{episodes:,}", f"{each['numpy']:.2f}", f"{each['jax']:.2f}", f"{each['numpy'] / each['jax']:.1f}x")
        )
    table("rollouts of a polynomial (5 members, 84 monomials, 4 fields), microseconds a row and step", rows)
    table(f"a network {WIDTHS} in JAX: whole numbers against floats (target: at most 2.7 x float32)", network_rows())
    print(
        "  what bounds it: the product in float64; float32 puts twice as many numbers into a register and a cache line"
    )


if __name__ == "__main__":
    main()
