"""How a rival plays what it learned: one step ahead, and on its own along recorded actions, in the declared ranges."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from answering import Json
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Predict = Callable[[Floats, Floats], Floats]
"""The next fields (n, fields) after `before` (n, fields) and `actions` (n, columns)."""


class Shape:
    """The fields of a state: which are `angles` (fields,), in radians; the others lie between `lows` and `highs`."""

    def __init__(self, angles: list[bool], lows: list[float], highs: list[float]) -> None:
        self._angles, self._lows, self._highs = np.array(angles), np.array(lows), np.array(highs)

    def features(self, values: Floats) -> Floats:
        """Cosine and sine of each angle, and the others: (n, features)."""
        turned = values[:, self._angles]
        return np.concatenate([np.cos(turned), np.sin(turned), values[:, ~self._angles]], axis=1)

    def values(self, features: Floats) -> Floats:
        """The fields (n, fields) that have such `features`, of any length."""
        count = int(self._angles.sum())
        values = np.empty((len(features), len(self._angles)))
        values[:, self._angles] = np.arctan2(features[:, count : 2 * count], features[:, :count])
        values[:, ~self._angles] = features[:, 2 * count :]
        return values

    def difference(self, one: Floats, other: Floats) -> Floats:
        """How far `one` (n, fields) is from the `other`: for angles the short way round."""
        apart = one - other
        return np.where(self._angles, (apart + np.pi) % (2 * np.pi) - np.pi, apart)

    def inside(self, values: Floats) -> Floats:
        """`values` (n, fields) as a state: angles between -pi and pi, the others in their range."""
        known = np.nan_to_num(values)
        turned = (known + np.pi) % (2 * np.pi) - np.pi
        return np.where(self._angles, turned, np.clip(known, self._lows, self._highs))


def shape_of(question: Json) -> Shape:
    """The shape that a question tells."""
    return Shape(question["angles"], question["lows"], question["highs"])


def one_step_error(predict: Predict, shape: Shape, before: Floats, actions: Floats, after: Floats) -> float:
    """The largest of all fields' root mean squared errors, each over the spread of its change."""
    missed = shape.difference(shape.inside(predict(before, actions)), after)
    spread = shape.difference(after, before).std(axis=0)
    return float((np.sqrt(np.square(missed).mean(axis=0)) / spread).max())


def played(predict: Predict, shape: Shape, question: Json) -> Json:
    """`ahead` (n, fields): one step after `from`, by `by`; `reached` (m, fields): after all of each `course`."""
    first, by = np.array(question["from"], dtype=float), np.array(question["by"], dtype=float)
    states = np.array(question["starts"], dtype=float)
    for actions in np.array(question["course"], dtype=float).swapaxes(0, 1):
        states = shape.inside(predict(states, actions))
    return {"ahead": shape.inside(predict(first, by)).tolist(), "reached": states.tolist()}
