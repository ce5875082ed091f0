"""The rival: Stable-Baselines3 with its defaults on the same real steps, without any simulator. Prints one JSON object.

Runs in `.venv-sb3`: python without_twin.py ROW KEY STEPS
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from realities import REALITIES
from rows import ROWS
from stable_baselines3 import PPO, SAC

BATCH = 64
ROLLOUT = 2048


def main() -> None:
    """Learn from so many steps, then live on seeds that nothing was learned with."""
    name, key, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    row = next(row for row in ROWS if row.name == name)
    env = REALITIES[row.name]()
    began = time.perf_counter()
    if row.rival == "SAC":
        model = SAC("MlpPolicy", env, seed=key, device="cpu")
    else:  # whole rollouts only, so that no step is used beyond those that are allowed
        rollout = steps // -(-steps // ROLLOUT) // BATCH * BATCH
        model = PPO("MlpPolicy", env, n_steps=rollout, batch_size=BATCH, seed=key, device="cpu")
    model.learn(steps // model.n_steps * model.n_steps if isinstance(model, PPO) else steps)
    seconds = time.perf_counter() - began
    returns = [_lived(model, env, 1_000_000 * (key + 1) + number) for number in range(row.episodes)]
    print(json.dumps({"after": float(np.mean(returns)), "seconds": seconds}))


def _lived(model: PPO | SAC, env, seed: int) -> float:  # noqa: ANN001 - whatever REALITIES makes
    """The return of one episode."""
    shown, _ = env.reset(seed=seed)
    total, over = 0.0, False
    while not over:
        action, _ = model.predict(shown, deterministic=True)
        shown, reward, ended, cut, _ = env.step(action if np.ndim(action) else int(action))
        total, over = total + float(reward), ended or cut
    return total


if __name__ == "__main__":
    main()
