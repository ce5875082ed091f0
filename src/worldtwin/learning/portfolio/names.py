"""By what each name, and each whole number that is no better computed, is predicted: coarser counts, or trees."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import lightgbm
import numpy as np
from msgspec import Struct

from worldtwin.exact import Key
from worldtwin.exact.features import Feature, features
from worldtwin.learning.boosting.growing import Examples, names_grown
from worldtwin.learning.boosting.publishing import names_published, trees_of
from worldtwin.learning.calibration import UNKNOWN, calibrated
from worldtwin.learning.guessing import guesses, likeliest
from worldtwin.learning.portfolio.numbers import LEAST_ASIDE, LEAST_ROWS
from worldtwin.learning.regression.design import Design
from worldtwin.learning.regression.fitting import Recorded
from worldtwin.learning.regression.ridge import MARGIN, Floats
from worldtwin.simulation import Classifier, Confidence, Table
from worldtwin.world import Lattice, Spec, bounds

MOST_CHOICES: Final = 32
MOST_ROWS: Final = 50_000
SURE: Final = 0.01
"""Counts that lose fewer bits than this need no help."""
SURPRISE: Final = 1 / 1024
"""The share of all values alike that is mixed in: nothing is impossible."""


class Grown(Struct, frozen=True, kw_only=True, eq=False):
    """Trees were better for a column: so many `rounds`, with so much `confidence`."""

    rounds: int
    confidence: Confidence


class Naming(Struct, frozen=True, kw_only=True, eq=False):
    """What predicts one column best, None where nothing can; how, if by trees; held-out `losses`, in bits, by kind."""

    model: Table | Classifier | None
    grown: Grown | None = None
    losses: Mapping[str, float] = {}

    def missed(self, rows: Recorded, column: int) -> float:
        """How far what it says of the inputs of `rows` is from the whole numbers in a `column` of their results.

        The mean continuous ranked probability score (Gneiting and Raftery, JASA 2007); of a table with many values the
        distance of the most likely one, and infinite where it says nothing.
        """
        inputs, truth = rows.inputs, rows.results[:, column]
        if self.model is None or not len(inputs):
            return math.inf
        if isinstance(self.model, Classifier):
            each = self.model.shares(inputs)
            return _ranked(self.model.values, (each / each.sum(axis=2, keepdims=True)).mean(axis=0), truth)
        values, place = np.unique(self.model.values[:, 0], return_inverse=True)
        if len(values) > MOST_CHOICES:
            return float(np.abs(likeliest(self.model, inputs) - truth).mean())
        counts = np.zeros((len(self.model.keys), len(values)))
        counts[np.repeat(np.arange(len(counts)), np.diff(self.model.offsets)), place] = self.model.counts
        row = self.model.lookup(inputs[:, self.model.inputs])
        return _ranked(values, counts[row] / counts[row].sum(axis=1, keepdims=True), truth)


def _ranked(values: Lattice, shares: Floats, truth: Lattice) -> float:
    """The score of `shares` (n, values) of rising `values` when the `truth` (n,) happened."""
    apart = np.abs(values[:, None] - values)
    off = (shares * np.abs(values - truth[:, None])).sum(axis=1) - ((shares @ apart) * shares).sum(axis=1) / 2
    return float(off.mean())


def naming(spec: Spec, design: Design, column: int, train: Recorded, aside: Recorded, key: Key) -> Naming:
    """Coarser counts of `train`, or trees when they lose 2 % fewer bits on the rows kept `aside`."""
    table = guesses(spec, column, train)
    if len(train.inputs) < LEAST_ROWS or len(aside.inputs) < LEAST_ASIDE or not design.basis.features:
        return Naming(model=table)
    values, truth = np.unique(train.results[:, column]), aside.results[:, column]
    size = _size(spec, column)
    counted = math.inf if table is None else _bits(_counted_chances(table, aside, column), size)
    losses = {} if table is None else {"coarser counts": counted}
    if not 2 <= len(values) <= MOST_CHOICES or counted < SURE:
        return Naming(model=table, losses=losses)
    wood = _grown(design, column, train, aside, key)
    classifier = wood.published(UNKNOWN)
    shares = classifier.shares(aside.inputs)
    grown = _bits(_shared_chances(classifier, shares[0], truth), size)
    losses[f"trees ({wood.rounds})"] = grown
    if grown >= MARGIN * counted:
        return Naming(model=table, losses=losses)
    right = classifier.values[shares[0].argmax(axis=1)] == truth
    confidence = calibrated(classifier.scores(shares), right)
    how = Grown(rounds=wood.rounds, confidence=confidence)
    return Naming(model=wood.published(confidence), grown=how, losses=losses)


def named(
    spec: Spec, design: Design, column: int, grown: Grown | None, train: Recorded, key: Key
) -> Table | Classifier | None:
    """What predicts one column, learned from all rows."""
    if grown is None or len(np.unique(train.results[:, column])) < 2:
        return guesses(spec, column, train)
    return _grown(design, column, train, train.at(slice(0)), key, rounds=grown.rounds).published(grown.confidence)


class _Wood(Struct, frozen=True, eq=False):
    """Trees for one column that had these `values`."""

    features: tuple[Feature, ...]
    column: int
    values: Lattice
    booster: lightgbm.Booster

    @property
    def rounds(self) -> int:
        """How often trees were added."""
        return trees_of(self.booster)

    def published(self, confidence: Confidence) -> Classifier:
        """The trees in whole numbers."""
        functions = (names_published([self.booster]),)
        return Classifier(
            features=self.features,
            functions=functions,
            target=self.column,
            values=self.values,
            confidence=confidence,
        )


def _grown(
    design: Design, column: int, train: Recorded, aside: Recorded, key: Key, *, rounds: int | None = None
) -> _Wood:
    """Trees for one column; rows kept `aside` with values that were never seen do not say when to stop."""
    train = train.thinned(MOST_ROWS, key.child("rows"))
    values = np.unique(train.results[:, column])
    every = train.with_more(aside.at(np.isin(aside.results[:, column], values)))
    examples = Examples(
        parts=features(design.basis.features, every.inputs),
        wanted=np.searchsorted(values, every.results[:, column]),
        aside=np.arange(len(every.inputs)) >= len(train.inputs),
    )
    booster = names_grown(examples, len(values), key=key.child("trees"), rounds=rounds)
    return _Wood(design.basis.features, column, values, booster)


def _size(spec: Spec, column: int) -> int:
    """How many values the column could have."""
    low, high = bounds((*spec.state.fields, *spec.outputs.fields)[column])
    return high - low + 1


def _bits(chances: Floats, size: int) -> float:
    """What is lost on average when what happened had these `chances` (n,), out of so many values."""
    return float(-np.log2((1.0 - SURPRISE) * chances + SURPRISE / size).mean())


def _counted_chances(table: Table, aside: Recorded, column: int) -> Floats:
    """What the counts of `table` gave to what happened (n,)."""
    row = table.lookup(aside.inputs[:, table.inputs])
    edges = np.repeat(np.arange(len(table.keys)), np.diff(table.offsets))
    low = int(min(table.values.min(), aside.results[:, column].min()))
    width = int(max(table.values.max(), aside.results[:, column].max())) - low + 1
    place = edges * width + table.values[:, 0] - low
    order = np.argsort(place)
    wanted = row * width + aside.results[:, column] - low
    found = np.minimum(np.searchsorted(place, wanted, sorter=order), len(place) - 1)
    edge = order[found]
    return np.where(place[edge] == wanted, table.counts[edge] / table.edges.totals[row], 0.0)


def _shared_chances(classifier: Classifier, shares: Lattice, truth: Lattice) -> Floats:
    """What the `shares` (n, choices) of a classifier gave to the `truth` (n,)."""
    place = np.minimum(np.searchsorted(classifier.values, truth), len(classifier.values) - 1)
    own = shares[np.arange(len(truth)), place] / shares.sum(axis=1)
    return np.where(classifier.values[place] == truth, own, 0.0)
