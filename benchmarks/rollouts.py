"""Batched rollouts of a learned table against the real environment's own step loop (Gymnasium's FrozenLake)."""

from __future__ import annotations

import gymnasium
import numpy as np
from timing import medians, table

import worldtwin as wt
from worldtwin.simulation import Simulator, count
from worldtwin.world import Category, Integer, Space, Spec, StartValues, Transitions

STEPS = 20_000
EPISODES = 4096
HORIZON = 100


def world() -> Spec:
    """FrozenLake as a world of 16 places."""
    return Spec(
        name="lake",
        state=Space(("place",), (Integer(low=0, high=15),)),
        action=Space(("go",), (Category(("left", "down", "right", "up")),)),
        start={"place": StartValues((0,))},
        reward="1 if next.place == 15 else 0",
        ends="next.place == 15 or next.place == 5 or next.place == 7 or next.place == 11 or next.place == 12",
        horizon=HORIZON,
        returns=(0.0, 1.0),
    )


def recorded() -> Transitions:
    """Steps of the real environment at random."""
    env = gymnasium.make("FrozenLake-v1")
    env.action_space.seed(1)
    rows, episode, place = [], 0, env.reset(seed=1)[0]
    for _ in range(STEPS):
        action = int(env.action_space.sample())
        after, _, terminated, truncated, _ = env.step(action)
        rows.append((place, action, after, episode))
        place = after
        if terminated or truncated:
            episode, place = episode + 1, env.reset()[0]
    columns = np.array(rows, dtype=np.int64)
    return Transitions(
        states=columns[:, [0]],
        actions=columns[:, [1]],
        nexts=columns[:, [2]],
        outputs=np.zeros((STEPS, 0), dtype=np.int64),
        episodes=columns[:, 3],
        steps=np.arange(STEPS),
        synthetic=np.zeros(STEPS, dtype=np.bool_),
    )


def main() -> None:
    """Print steps a second of both, and the ratio."""
    spec = world()
    simulator = Simulator(spec, observed=count(spec, recorded()))
    task = wt.Task.network(spec, hidden=(), key=1)
    lived = int(wt.rollout(task, simulator, episodes=EPISODES, key=1).steps.sum())
    env = gymnasium.make("FrozenLake-v1")
    times = medians(
        {
            "rollout": lambda: wt.rollout(task, simulator, episodes=EPISODES, key=1),
            "real": lambda: wt.evaluate(task, env, episodes=200, key=1, spec=spec),
            "bare": lambda: bare_loop(env),
        }
    )
    real = int(wt.evaluate(task, env, episodes=200, key=1, spec=spec).steps.sum())
    rates = {"rollout": lived / times["rollout"], "real": real / times["real"], "bare": STEPS / times["bare"]}
    rows = [("", "steps/s", "rollout is")]
    rows.append(("rollout of a table", f"{rates['rollout']:,.0f}", ""))
    rows.append(
        (
            "the environment's own step loop, no task",
            f"{rates['bare']:,.0f}",
            f"{rates['rollout'] / rates['bare']:.0f}x",
        )
    )
    rows.append(
        ("`evaluate`: the task in the environment", f"{rates['real']:,.0f}", f"{rates['rollout'] / rates['real']:.0f}x")
    )
    table("batched table rollouts against reality (FrozenLake)", rows)


def bare_loop(env: gymnasium.Env) -> None:
    """`STEPS` steps with constant actions."""
    env.reset(seed=1)
    for number in range(STEPS):
        _, _, terminated, truncated, _ = env.step(number & 3)
        if terminated or truncated:
            env.reset()


if __name__ == "__main__":
    main()
