"""Equations by PySINDy in discrete time: polynomials of degree 3, thresholded least squares."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pysindy
from answering import Json, answer_all
from courses import Shape, one_step_error, played, shape_of
from numpy.typing import NDArray

Floats = NDArray[np.float64]
DEFAULT = 0.1
THRESHOLDS = (0.1, 0.01, 0.001, 0.0001, 0.0)
ASIDE = 0.15


class Equations:
    """What PySINDy makes of `way`: raw values, features (cosine and sine), or changes told by features."""

    def __init__(self, shape: Shape, way: str, threshold: float) -> None:
        self._shape, self._way = shape, way
        library = pysindy.PolynomialLibrary(degree=3)
        self._model = pysindy.DiscreteSINDy(pysindy.STLSQ(threshold=threshold), library)

    def learn(self, before: Floats, actions: Floats, after: Floats) -> None:
        """Fit the transitions: `before` and `after` (n, fields), `actions` (n, columns)."""
        inputs, target = self._seen(before), self._seen(after)
        if self._way == "changes":
            target = self._shape.difference(after, before)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a threshold may leave nothing of an equation
            self._model.fit([inputs], 1, x_next=[target], u=[actions])

    def predict(self, before: Floats, actions: Floats) -> Floats:
        """The next fields (n, fields)."""
        told = np.asarray(self._model.predict(self._seen(before), u=actions))
        if self._way == "changes":
            return before + told
        return self._shape.values(told) if self._way == "features" else told

    def _seen(self, values: Floats) -> Floats:
        return values if self._way == "raw" else self._shape.features(values)


def equations(question: Json) -> Json:
    """What the equations say after one step and at the end of each course; `variant` is a way and a threshold."""
    shape, (way, threshold) = shape_of(question), question["variant"].split(", ")
    before, actions, after = (np.array(question[name], dtype=float) for name in ("before", "actions", "after"))
    began = time.perf_counter()
    chosen = DEFAULT if threshold == "default" else _tuned(shape, way, before, actions, after)
    model = Equations(shape, way, chosen)
    model.learn(before, actions, after)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "note": f"threshold {chosen:g}", **played(model.predict, shape, question)}


def _tuned(shape: Shape, way: str, before: Floats, actions: Floats, after: Floats) -> float:
    """The threshold that is best one step ahead on the last rows, learned from the others."""
    kept = round((1 - ASIDE) * len(before))
    errors = []
    for threshold in THRESHOLDS:
        model = Equations(shape, way, threshold)
        model.learn(before[:kept], actions[:kept], after[:kept])
        errors.append(one_step_error(model.predict, shape, before[kept:], actions[kept:], after[kept:]))
    return THRESHOLDS[int(np.argmin(errors))]


def main() -> None:
    """Answer."""
    answer_all(equations, threads=1, packages=("pysindy", "scikit-learn", "numpy"))


if __name__ == "__main__":
    main()
