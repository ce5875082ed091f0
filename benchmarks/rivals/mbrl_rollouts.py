"""Rollouts of an ensemble by mbrl-lib: `ModelEnv.step` on its own Gaussian networks, 5 members of 3 x 200."""

from __future__ import annotations

import functools

import gymnasium
import numpy as np
import torch
from mbrl.models import GaussianMLP, ModelEnv, OneDTransitionRewardModel
from turns import serve

MEMBERS, HIDDEN, WIDTH = 5, 3, 200
STATE, ACTION = 4, 1
ROWS, STEPS = 1280, 50


class Cart(gymnasium.Env):
    """The spaces that `ModelEnv` copies."""

    observation_space = gymnasium.spaces.Box(-5, 5, (STATE,), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (ACTION,), np.float32)


def never(_: torch.Tensor, nexts: torch.Tensor) -> torch.Tensor:
    """No row has ended: (rows, 1)."""
    return torch.zeros(len(nexts), 1, dtype=torch.bool)


def reward(_: torch.Tensor, nexts: torch.Tensor) -> torch.Tensor:
    """The rewards (rows, 1)."""
    return -nexts[:, :1].abs()


def environment(propagation: str) -> ModelEnv:
    """An ensemble as `ModelEnv`: `fixed_model` keeps a row's member for its episode, `random_model` draws it anew.

    `num_layers` counts the hidden layers; the layer of means and variances comes on top.
    """
    model = GaussianMLP(
        STATE + ACTION,
        STATE,
        "cpu",
        num_layers=HIDDEN,
        ensemble_size=MEMBERS,
        hid_size=WIDTH,
        propagation_method=propagation,
    )
    shapes = [tuple(weights.shape[1:]) for weights in model.parameters() if weights.ndim == 3 and weights.shape[1] > 1]
    assert shapes == [(STATE + ACTION, WIDTH), *[(WIDTH, WIDTH)] * (HIDDEN - 1), (WIDTH, 2 * STATE)]
    wrapped = OneDTransitionRewardModel(model, target_is_delta=True, learned_rewards=False)
    return ModelEnv(Cart(), wrapped, never, reward)


def rollout(world: ModelEnv, actions: torch.Tensor, sampled: bool) -> None:  # noqa: FBT001 - as `step` takes it
    """One episode for each row: `actions` (steps, rows, action)."""
    state = world.reset(np.zeros((ROWS, STATE), dtype=np.float32), return_as_np=False)
    for each in actions:
        *_, state = world.step(each, state, sample=sampled)


def main() -> None:
    """Serve both ways to draw members, without and with the noise that the networks predict."""
    torch.manual_seed(1)
    actions = torch.rand(STEPS, ROWS, ACTION) * 2 - 1
    variants = {
        f"{propagation}, {noise}": functools.partial(rollout, world, actions, noise == "sampled")
        for propagation, world in ((name, environment(name)) for name in ("fixed_model", "random_model"))
        for noise in ("deterministic", "sampled")
    }
    packages = ("mbrl", "torch", "gymnasium", "hydra-core", "numpy")
    serve(variants, rows=ROWS, steps=STEPS, threads=torch.get_num_threads(), packages=packages)


if __name__ == "__main__":
    main()
