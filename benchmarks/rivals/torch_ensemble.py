"""A plain ensemble in PyTorch: 5 networks of 2 x 200 with swish tell the normalised changes of what is observed."""

from __future__ import annotations

import itertools
import time

import torch
from answering import Json, answer_all
from torch import Tensor

MEMBERS, WIDTH = 5, 200
BATCH, RATE = 256, 1e-3


def features(values: Tensor, angles: Tensor) -> Tensor:
    """Cosine and sine of each angle, and the others: (n, features)."""
    return torch.cat([values[:, angles].cos(), values[:, angles].sin(), values[:, ~angles]], dim=1)


class Ensemble:
    """Networks that learn from draws with replacement, one each."""

    def __init__(self, inputs: Tensor, targets: Tensor, *, epochs: int) -> None:
        self._center, self._spread = inputs.mean(0), inputs.std(0) + 1e-8
        self._mean, self._scale = targets.mean(0), targets.std(0) + 1e-8
        widths = (inputs.shape[1], WIDTH, WIDTH, targets.shape[1])
        self._layers = [
            (
                (torch.randn(MEMBERS, before, after) / before**0.5).requires_grad_(),
                torch.zeros(MEMBERS, 1, after, requires_grad=True),
            )
            for before, after in itertools.pairwise(widths)
        ]
        self._learn((inputs - self._center) / self._spread, (targets - self._mean) / self._scale, epochs)

    def changes(self, inputs: Tensor) -> Tensor:
        """The mean of all members (n, outputs)."""
        with torch.no_grad():
            rows = ((inputs - self._center) / self._spread).expand(MEMBERS, -1, -1)
            return self._forward(rows).mean(0) * self._scale + self._mean

    def _forward(self, values: Tensor) -> Tensor:
        for weights, bias in self._layers[:-1]:
            values = torch.nn.functional.silu(torch.baddbmm(bias, values, weights))
        return torch.baddbmm(self._layers[-1][1], values, self._layers[-1][0])

    def _learn(self, inputs: Tensor, targets: Tensor, epochs: int) -> None:
        drawn = torch.randint(len(inputs), (MEMBERS, len(inputs)))
        optimizer = torch.optim.Adam([part for layer in self._layers for part in layer], lr=RATE)
        slower = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        for _ in range(epochs):
            order = torch.stack([draw[torch.randperm(len(inputs))] for draw in drawn])
            for rows in order.split(BATCH, dim=1):
                optimizer.zero_grad()
                (self._forward(inputs[rows]) - targets[rows]).square().mean().mul(MEMBERS).backward()
                optimizer.step()
            slower.step()


class Observed:
    """A world that is observed as features: what an ensemble says of its next fields."""

    def __init__(self, question: Json) -> None:
        self._angles = torch.tensor(question["angles"])
        self._lows, self._highs = (torch.tensor(question[name])[~self._angles] for name in ("lows", "highs"))
        seen, following = (features(torch.tensor(question[name]), self._angles) for name in ("before", "after"))
        inputs = torch.cat([seen, torch.tensor(question["actions"])], dim=1)
        self._ensemble = Ensemble(inputs, following - seen, epochs=question["epochs"])

    def next(self, values: Tensor, actions: Tensor) -> Tensor:
        """The next fields (n, fields), the others than angles in their range."""
        seen, count = features(values, self._angles), int(self._angles.sum())
        told = seen + self._ensemble.changes(torch.cat([seen, actions], dim=1))
        values = torch.empty_like(values)
        values[:, self._angles] = torch.atan2(told[:, count : 2 * count], told[:, :count])
        values[:, ~self._angles] = told[:, 2 * count :].clamp(self._lows, self._highs)
        return values


def ensemble(question: Json) -> Json:
    """What the ensemble says after one step and at the end of each course."""
    torch.manual_seed(1)
    began = time.perf_counter()
    world = Observed(question)
    seconds = time.perf_counter() - began
    states = torch.tensor(question["starts"])
    for actions in torch.tensor(question["course"]).swapaxes(0, 1):
        states = world.next(states, actions)
    ahead = world.next(torch.tensor(question["from"]), torch.tensor(question["by"]))
    note = f"{question['epochs']} passes"
    return {"seconds": seconds, "note": note, "ahead": ahead.tolist(), "reached": states.tolist()}


def main() -> None:
    """Answer, on one thread: for batches so small others only wait."""
    torch.set_num_threads(1)
    answer_all(ensemble, threads=torch.get_num_threads(), packages=("torch",))


if __name__ == "__main__":
    main()
