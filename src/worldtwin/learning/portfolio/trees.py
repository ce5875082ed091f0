"""Trees for numbers that have edges, which polynomials and networks blur."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import lightgbm
import numpy as np
from msgspec import Struct

from worldtwin.exact import Key
from worldtwin.exact.features import features
from worldtwin.learning.boosting.growing import MOST_ROUNDS, Examples, numbers_grown
from worldtwin.learning.boosting.publishing import numbers_published, trees_of
from worldtwin.learning.regression.fitting import Lesson, Recorded
from worldtwin.learning.regression.ridge import Floats
from worldtwin.learning.regression.target import changes
from worldtwin.simulation import Forest

MOST_ROWS: Final = 50_000


class Trees(Struct, frozen=True, eq=False):
    """Trees for columns of [next fields | outputs], and how many lattice steps 1 of what they say is."""

    boosters: Mapping[int, lightgbm.Booster]
    scales: Mapping[int, float]

    def function(self, lesson: Lesson, columns: set[int]) -> Forest:
        """What they say of the targets in `columns`; nothing of the lesson's others."""
        mine = [target.column if target.column in columns else -1 for target in lesson.targets]
        boosters = [self.boosters.get(column) for column in mine]
        return numbers_published([boosters], [self.scales.get(column, 1.0) for column in mine])

    def rounds(self, column: int) -> int:
        """How many trees there are for `column`."""
        return trees_of(self.boosters[column])


def tried(lesson: Lesson, columns: list[int], aside: Recorded, key: Key) -> Trees:
    """Trees for the targets in `columns`, grown until the rows kept `aside` are no longer better predicted."""
    return _grown(lesson, dict.fromkeys(columns, MOST_ROUNDS), aside, key)


def regrown(trees: Trees, lesson: Lesson, columns: set[int], key: Key) -> Trees:
    """As many trees for `columns` from all rows of the lesson."""
    rounds = {column: trees.rounds(column) for column in trees.boosters if column in columns}
    return _grown(lesson, rounds, lesson.recorded.at(slice(0)), key)


def _grown(lesson: Lesson, rounds: Mapping[int, int], aside: Recorded, key: Key) -> Trees:
    rows = lesson.recorded.thinned(MOST_ROWS, key.child("rows"))
    every = rows.with_more(aside)
    steps = changes(lesson.targets, every.inputs, every.results).astype(np.float64)
    parts = features(lesson.design.basis.features, every.inputs)
    boosters, scales = dict[int, lightgbm.Booster](), dict[int, float]()
    for place, target in enumerate(lesson.targets):
        if target.column in rounds:
            scales[target.column] = _scale(steps[:, place])
            wanted = steps[:, place] / scales[target.column]
            examples = Examples(parts=parts, wanted=wanted, aside=np.arange(len(every.inputs)) >= len(rows.inputs))
            own = key.child("trees", target.column)
            boosters[target.column] = numbers_grown(examples, key=own, rounds=rounds[target.column])
    return Trees(boosters, scales)


def _scale(steps: Floats) -> float:
    """The spread of `steps` (n,) rounded up to a power of two: LightGBM counts in 24 bits."""
    return float(np.exp2(np.ceil(np.log2(max(1.0, float(steps.std()))))))
