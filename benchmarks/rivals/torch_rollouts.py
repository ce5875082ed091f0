"""Rollouts of an ensemble by a plain PyTorch loop in float32: 5 members of 3 x 200, rows grouped by member."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import torch
from torch import Tensor
from turns import serve

MEMBERS = 5
STATE, ACTION = 4, 1
WIDTHS = (STATE + ACTION, 200, 200, 200, 2 * STATE)
ROWS, STEPS = 1280, 50
LIMIT = 8.0

Layers = list[tuple[Tensor, Tensor]]
"""Weights (members, inputs, outputs) and biases (members, 1, outputs)."""
Forward = Callable[[Layers, Tensor], Tensor]


def layers() -> Layers:
    """Random networks."""
    return [
        (torch.randn(MEMBERS, before, after) * 0.7 / before**0.5, torch.zeros(MEMBERS, 1, after))
        for before, after in itertools.pairwise(WIDTHS)
    ]


def batched(network: Layers, inputs: Tensor) -> Tensor:
    """The outputs (members, rows, outputs) by one batched product a layer."""
    values = inputs
    for weights, bias in network[:-1]:
        values = torch.baddbmm(bias, values, weights).clamp_(0, LIMIT)
    weights, bias = network[-1]
    return torch.baddbmm(bias, values, weights)


def apart(network: Layers, inputs: Tensor) -> Tensor:
    """The same by one product a layer and member."""
    outputs = []
    for member, values in enumerate(inputs):
        for weights, bias in network[:-1]:
            values = torch.addmm(bias[member], values, weights[member]).clamp_(0, LIMIT)  # noqa: PLW2901 - a fold
        weights, bias = network[-1]
        outputs.append(torch.addmm(bias[member], values, weights[member]))
    return torch.stack(outputs)


@torch.no_grad()
def rollout(forward: Forward, network: Layers, actions: Tensor, *, sampled: bool) -> Tensor:
    """The rewards (members, rows) of one episode for each row: `actions` (steps, members, rows, action)."""
    states = torch.zeros(*actions.shape[1:3], STATE)
    total = torch.zeros(actions.shape[1:3])
    for each in actions:
        mean, variance = forward(network, torch.cat((states, each), dim=-1)).split(STATE, dim=-1)
        states = states + mean
        if sampled:
            states += torch.randn_like(mean) * variance.clamp(-10.0, 0.5).mul_(0.5).exp_()
        total -= states[..., 0].abs()
    return total


def main() -> None:
    """Serve both ways to multiply, without and with the noise that the networks predict."""
    torch.manual_seed(1)
    network = layers()
    actions = torch.rand(STEPS, MEMBERS, ROWS // MEMBERS, ACTION) * 2 - 1
    variants = {
        f"{name}, {noise}": functools.partial(rollout, forward, network, actions, sampled=noise == "sampled")
        for name, forward in (("batched products", batched), ("a product for each member", apart))
        for noise in ("deterministic", "sampled")
    }
    serve(variants, rows=ROWS, steps=STEPS, threads=torch.get_num_threads(), packages=("torch",))


if __name__ == "__main__":
    main()
