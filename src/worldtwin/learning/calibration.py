"""How far a prediction can be trusted: learned on held-out rows, stored as integers."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from worldtwin.simulation import Confidence
from worldtwin.world import Lattice

ONE: Final = 1 << 16
MAX_STEPS: Final = 64
BINS: Final = 10
FADING: Final = np.array([[3, 2], [4, 4], [6, 9], [8, 16], [16, 64]])
"""At half of so many times the highest score that was seen, the confidence is divided by so much."""

UNKNOWN: Final = Confidence(edges=np.zeros(1, dtype=np.int64), levels=np.full(1, ONE // 2, dtype=np.int64))


def calibrated(scores: Lattice, right: NDArray[np.bool_]) -> Confidence:
    """The confidence that fits held-out `scores` (n,) of which those in `right` (n,) were good enough.

    Isotonic regression: a higher score never deserves more. Never quite 0 or 1: n rows cannot show that. Scores above
    all of these deserve ever less: nothing was seen there.
    """
    if not len(scores):
        return UNKNOWN
    margin = 1 / (len(scores) + 2)
    model = IsotonicRegression(increasing=False, y_min=margin, y_max=1 - margin, out_of_bounds="clip")
    starts = np.unique(np.quantile(scores, np.linspace(0, 1, MAX_STEPS, endpoint=False), method="lower"))
    step = np.searchsorted(starts, scores, side="right") - 1
    counts = np.bincount(step, minlength=len(starts))
    good = np.bincount(step, weights=right, minlength=len(starts))
    levels = model.fit_transform(np.arange(len(starts)), good / counts, sample_weight=counts)
    whole = np.rint(levels * ONE).astype(np.int64)
    new = np.r_[True, np.diff(whole) != 0]
    edges, fading = max(1, int(scores.max())) * FADING[:, 0] // 2, whole[-1] // FADING[:, 1]
    return Confidence(
        edges=np.concatenate([starts[new].astype(np.int64), edges]), levels=np.concatenate([whole[new], fading])
    )


def shares(confidence: Confidence, scores: Lattice) -> NDArray[np.float64]:
    """What `scores` (n,) deserve, as shares of 1."""
    return confidence.level(scores) / ONE


def calibration_error(scores: Lattice, right: NDArray[np.bool_], parts: NDArray[np.int64]) -> float | None:
    """How far confidence is from the truth on average, each half of the `parts` (n,) calibrated on the other.

    None with fewer than two parts.
    """
    confidence = crossed(scores, right, parts)
    return None if confidence is None else mean_gap(confidence, right)


def crossed(scores: Lattice, right: NDArray[np.bool_], parts: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """What `scores` (n,) deserve, each half of the `parts` (n,) as the other says; None with fewer than two parts."""
    names, part = np.unique(parts, return_inverse=True)
    if len(names) < 2 or len(scores) < 2 * BINS:
        return None
    odd = part % 2 == 1
    confidence = np.zeros(len(scores))
    for half in (odd, ~odd):
        confidence[half] = shares(calibrated(scores[~half], right[~half]), scores[half])
    return confidence


def mean_gap(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """How far `confidence` (n,) is from the share that was `right` (n,), on average over ten equal groups."""
    groups = [group for group in np.array_split(np.argsort(confidence, kind="stable"), BINS) if len(group)]
    gaps = [len(group) * abs(float(confidence[group].mean()) - float(right[group].mean())) for group in groups]
    return sum(gaps) / len(confidence)
