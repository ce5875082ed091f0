"""Trees that LightGBM grows from the parts of recorded rows (Ke et al., 2017)."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import lightgbm
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.exact import Key
from worldtwin.world import Lattice

Floats: TypeAlias = NDArray[np.float64]

MOST_ROUNDS: Final = 120
MOST_TREES: Final = 400
PATIENCE: Final = 10
LEAVES: Final = 31
DEPTH: Final = 8


class Examples(Struct, frozen=True, kw_only=True, eq=False):
    """What to learn: the `parts` (parts, n), whole numbers of 2^-20, and what is `wanted` (n,) there.

    Trees are grown until the rows `aside` (a mask, n) are no longer better predicted; they are not learned from.
    """

    parts: Floats
    wanted: Floats | Lattice
    aside: NDArray[np.bool_]


def numbers_grown(
    examples: Examples, *, key: Key, rounds: int = MOST_ROUNDS, base: lightgbm.Booster | None = None
) -> lightgbm.Booster:
    """Trees whose sum is the `wanted` number, grown on top of `base`."""
    return _grown(examples, {"objective": "regression", "metric": "l2"}, rounds, key, base)


def names_grown(
    examples: Examples, choices: int, *, key: Key, rounds: int | None = None, base: lightgbm.Booster | None = None
) -> lightgbm.Booster:
    """Trees whose sums are logarithms of how likely each `wanted` choice, 0 to `choices` - 1, is; at least two choices.

    Of two choices there is one sum: what the second has more than the first.
    """
    objective: dict[str, object] = {"objective": "binary", "metric": "binary_logloss"}
    if choices > 2:
        objective = {"objective": "multiclass", "metric": "multi_logloss", "num_class": choices}
    return _grown(examples, objective, rounds or most_rounds(choices), key, base)


def most_rounds(choices: int) -> int:
    """How often trees of so many choices are added at most: a row should not have to pass more than 400 trees."""
    return max(10, min(MOST_ROUNDS, MOST_TREES // choices)) if choices > 2 else MOST_ROUNDS


def _grown(
    examples: Examples, objective: dict[str, object], rounds: int, key: Key, base: lightgbm.Booster | None
) -> lightgbm.Booster:
    rows = examples.parts.T
    train = _data(rows[~examples.aside], examples.wanted[~examples.aside])
    stops: list[Any] = []
    valid: list[lightgbm.Dataset] = []
    if examples.aside.any():
        valid = [_data(rows[examples.aside], examples.wanted[examples.aside], train)]
        stops = [lightgbm.early_stopping(PATIENCE, verbose=False)]
    options = {
        **objective,
        "num_leaves": LEAVES,
        "max_depth": DEPTH,
        "learning_rate": 0.1 if rounds > MOST_ROUNDS // 2 else 0.2,
        "min_data_in_leaf": max(2, min(20, len(rows) // 200)),
        "seed": key.low & 0x7FFFFFFF,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbosity": -1,
    }
    return lightgbm.train(options, train, rounds, valid_sets=valid, callbacks=stops, init_model=base)


def _data(rows: Floats, wanted: Floats | Lattice, like: lightgbm.Dataset | None = None) -> lightgbm.Dataset:
    options = {
        "min_data_in_bin": 1,
        "feature_pre_filter": False,
        "use_missing": False,
        "num_threads": 1,
        "verbosity": -1,
    }
    return lightgbm.Dataset(rows, wanted, reference=like, params=options)
