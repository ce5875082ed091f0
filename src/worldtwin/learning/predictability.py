"""Whether the numbers of a world can be predicted from its fields; if not, whether the step before tells the rest.

Equal real states never come twice, so they cannot be counted as in `memory`. A field that the simulator tells badly is
told anew by boosted trees on a polynomial, once from the present alone and once with the step before. Where that takes
away most of the error, row after row that nothing learned from, the present leaves out something; where it does not,
chance is at work, or what no record holds. The trees are there so that a bend that no polynomial follows is not taken
for a secret.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple, final

import numpy as np
from lightgbm import Dataset, early_stopping, train
from msgspec import Struct
from msgspec.structs import replace

from worldtwin.errors import InvalidSpec
from worldtwin.exact import Key
from worldtwin.learning.holdout import chance
from worldtwin.learning.memory.course import followers
from worldtwin.learning.regression.design import Design, design_of
from worldtwin.learning.regression.fitting import values_of
from worldtwin.learning.regression.ridge import MARGIN, RIDGES, Floats, gram
from worldtwin.learning.regression.target import Target, changes, numeric_targets
from worldtwin.simulation import MemoryReport
from worldtwin.world import Lattice, Spec, Transitions

BADLY: Final = 0.3
"""An error above this share of the usual change is looked into."""

MOST: Final = 0.5
"""The share of the squared error that the step before must take away: a better view of the same takes less."""

ALPHA: Final = 0.01
BLOCK: Final = 5
"""So many rows in a row are one bet, and twice as many are learned from or chosen by together."""

_USUAL: Final = 0.75
_BETS: Final = 0.9 * np.ldexp(1.0, -np.arange(7))
_FEWEST: Final = 20
_MOST_ROWS: Final = 5_000
_MOST_TERMS: Final = 150
_PARTS: Final = 5
_TREES: Final = 200
_PATIENCE: Final = 20
_TREE: Final = {
    "objective": "regression",
    "num_leaves": 15,
    "learning_rate": 0.1,
    "min_data_in_leaf": 10,
    "num_threads": 1,
    "deterministic": True,
    "seed": 1,
    "verbose": -1,
}


class _View(Struct, frozen=True, eq=False):
    """What one may look at: the `design` of the `inputs` (n, columns)."""

    design: Design
    inputs: Lattice


class Told(Struct, frozen=True, eq=False):
    """How far one target is told on fresh rows (n,): errors from the present `alone`, and `more` with the step before.

    All are in units of its usual change; `helped` (state and action fields,) is what each of the step before is worth.
    """

    target: Target
    alone: Floats
    more: Floats
    helped: Floats

    @property
    def missed(self) -> tuple[float, float]:
        """How large both errors usually are: what three of four blocks stay below, each a root mean square.

        That of all rows would be ruled by the few in places where next to nothing was recorded.
        """
        alone, more = (float(np.sqrt(np.quantile(block, _USUAL))) for block in self._blocks)
        return alone, more

    @property
    def log(self) -> float:
        """The natural logarithm of the e-value against "the step before does not help".

        A bet, block by block, on which of the two squared errors is lower, averaged over how much is bet: what it pays
        is not expected to grow when the step before says nothing (Waudby-Smith and Ramdas, 2024).
        """
        alone, more = self._blocks
        gain = (alone - more) / np.maximum(alone + more, 1e-300)
        paid = np.log1p(_BETS[:, None] * gain).sum(axis=1)
        return float(np.logaddexp.reduce(paid)) - math.log(len(_BETS))

    @property
    def _blocks(self) -> tuple[Floats, Floats]:
        """The mean squares of both errors in each block of five rows (blocks,)."""
        starts = np.arange(0, len(self.alone), BLOCK)
        sizes = np.diff(np.r_[starts, len(self.alone)])
        return np.add.reduceat(self.alone**2, starts) / sizes, np.add.reduceat(self.more**2, starts) / sizes


class _Rows(NamedTuple):
    """Positions of rows to learn from, to choose by, and to score on: each with the step before it in the record."""

    learned: Lattice
    chosen: Lattice
    fresh: Lattice


def predictability(spec: Spec, rows: Transitions, errors: Floats | None, key: Key) -> MemoryReport:
    """Whether the step before tells what the fields of `spec` leave open, where the simulator errs much.

    `errors` (next fields and outputs,) are the simulator's on held-out rows, one step ahead, over the spread of the
    change; None where no row was held out. Costs nothing where they are small.
    """
    if spec.stateless:
        return MemoryReport(text="not tested for hidden state: the world is stateless")
    targets = numeric_targets(spec)
    if errors is None or not targets:
        return MemoryReport(text="not tested for hidden state: no number was kept aside to be predicted")
    bad = tuple(target for target in targets if errors[target.column] >= BADLY)
    if not bad:
        return MemoryReport(tested=len(targets), text="the fields tell what comes next: no past step was needed")
    try:
        longer = replace(spec, history=spec.history + 1)
    except InvalidSpec:
        return MemoryReport(text="not tested for hidden state: no more past steps can belong to the state")
    split = _split(rows, key)
    if min(len(part) for part in split) < _FEWEST:
        return MemoryReport(text=f"not tested for hidden state: too few of {len(rows):,} rows follow each other")
    return _reported(spec, len(targets), _told((spec, longer), rows, bad, split))


def _split(rows: Transitions, key: Key) -> _Rows:
    """About 5,000 measured rows that have a step before, in runs of ten: a fifth to choose by, a fifth to score on.

    Not by episode: where one went where no other did, the step before would seem to know what only that place tells.
    """
    usable, block = followers(rows) & ~rows.synthetic, np.arange(len(rows)) // (2 * BLOCK)
    order = chance(key.child("blocks")).permutation(block[-1] + 1)[block]
    usable &= order < max(1, _MOST_ROWS // (2 * BLOCK))
    return _Rows(
        learned=np.flatnonzero(usable & (order % _PARTS > 1)),
        chosen=np.flatnonzero(usable & (order % _PARTS == 0)),
        fresh=np.flatnonzero(usable & (order % _PARTS == 1)),
    )


def _told(specs: tuple[Spec, Spec], rows: Transitions, bad: tuple[Target, ...], split: _Rows) -> list[Told]:
    """How well each of the `bad` targets is told from the present alone, and with the step before: by two `specs`."""
    spec, longer = specs
    now = np.concatenate([rows.full_states(spec), rows.actions], axis=1)
    both = np.concatenate([rows.full_states(longer), rows.actions], axis=1)
    steps = changes(bad, now, np.concatenate([rows.nexts, rows.outputs], axis=1)).astype(np.float64)
    steps /= np.maximum(steps[split.learned].std(axis=0), 1.0)
    used = np.concatenate(split)
    alone, more = _View(design_of(spec, now[used]), now), _View(design_of(longer, both[used]), both)
    older = range(spec.width, longer.width)
    return [_weighed(target, truth, (alone, more), older, split) for target, truth in zip(bad, steps.T, strict=True)]


def _weighed(target: Target, truth: Floats, views: tuple[_View, _View], older: range, split: _Rows) -> Told:
    """How well one target `truth` (n,) is told in both views, and what each `older` column of the second adds."""
    alone, more = (_Teller(view, truth, split) for view in views)
    now, both = (view.inputs[split.fresh] for view in views)
    fresh = truth[split.fresh]
    worse: list[float] = []
    for column in older:
        mixed = both.copy()
        mixed[:, column] = np.roll(both[:, column], len(both) // 2)
        worse.append(float(np.square(more.told(mixed) - fresh).mean()))
    return Told(target=target, alone=alone.told(now) - fresh, more=more.told(both) - fresh, helped=np.array(worse))


@final
class _Teller:
    """A polynomial with boosted trees on what it leaves, for one target `truth` (n,) of a view."""

    def __init__(self, view: _View, truth: Floats, split: _Rows) -> None:
        self._design = view.design
        learned, chosen = (values_of(view.design, view.inputs[rows]) for rows in split[:2])
        self._weights = _weights(view.design, learned, truth[split.learned], chosen, truth[split.chosen])
        count = len(self._weights)
        left, kept = (
            truth[rows] - terms[:, :count] @ self._weights
            for rows, terms in ((split.learned, learned), (split.chosen, chosen))
        )
        data = Dataset(self._seen(learned), left, free_raw_data=False)
        check = Dataset(self._seen(chosen), kept, reference=data, free_raw_data=False)
        stop = early_stopping(_PATIENCE, verbose=False)
        self._trees = train(_TREE, data, _TREES, valid_sets=[check], callbacks=[stop])
        helps = np.square(kept - self._grown(chosen)).mean() < MARGIN * np.square(kept).mean()
        self._helps = bool(helps)

    def told(self, inputs: Lattice) -> Floats:
        """What follows `inputs` (n, columns), in units of the usual change: (n,)."""
        terms = values_of(self._design, inputs)
        told = terms[:, : len(self._weights)] @ self._weights
        return told + self._grown(terms) if self._helps else told

    def _seen(self, terms: Floats) -> Floats:
        """What the trees look at: the features themselves."""
        return terms[:, 1 : self._design.counts[0]]

    def _grown(self, terms: Floats) -> Floats:
        return np.asarray(self._trees.predict(self._seen(terms)), dtype=np.float64)


def _weights(design: Design, learned: Floats, truth: Floats, chosen: Floats, check: Floats) -> Floats:
    """The weights of the first terms: of the degree and penalty that the rows to choose by prefer."""
    best, found = math.inf, np.zeros(1)
    for count in design.counts:
        if count > max(design.counts[0], min(_MOST_TERMS, len(learned) // 4)):
            break
        equations = gram(learned[:, :count], truth[:, None])
        for _, weights in zip(RIDGES, equations.solve_all(), strict=True):
            error = float(np.square(chosen[:, :count] @ weights[:, 0] - check).mean())
            if error < MARGIN * best:
                best, found = error, weights[:, 0]
    return found


def _reported(spec: Spec, tested: int, told: list[Told]) -> MemoryReport:
    """What is said of the targets that the present tells badly."""
    bad = [one for one in told if one.missed[0] >= BADLY]
    helped = [one for one in bad if one.missed[1] ** 2 < (1 - MOST) * one.missed[0] ** 2]
    hidden = [one for one in helped if one.log >= math.log(tested / ALPHA)]
    if not hidden:
        noisy = tuple(_name(spec, one.target) for one in bad if one not in helped)
        return MemoryReport(tested=tested, noisy=noisy, text=_unaided(spec, bad, helped))
    clearest = max(hidden, key=lambda one: one.log)
    name, older = _name(spec, clearest.target), (*spec.state.names, *spec.action.names)[int(np.argmax(clearest.helped))]
    ago = "one step before" if not spec.history else f"{spec.history + 1} steps before"
    compared = [
        f"{_name(spec, one.target)} {_percent(one.missed[0])}, with it {_percent(one.missed[1])}" for one in hidden
    ]
    return MemoryReport(
        tested=tested,
        rejected=len(hidden),
        bits=clearest.log / math.log(2),
        rows=len(clearest.alone),
        field=older,
        lag=spec.history + 1,
        text=(
            f"{spec.name} is not predictable from these fields alone: what `{name}` does next depends on the `{older}` "
            f"{ago} (e-value 2^{clearest.log / math.log(2):.0f}, {len(clearest.alone):,} rows)"
        ),
        example=f"off, in shares of the usual change, without the step before: {'; '.join(compared)}",
        advice=f"add `history: {spec.history + 1}`, or record what is missing, such as a speed",
    )


def _unaided(spec: Spec, bad: list[Told], helped: list[Told]) -> str:
    if not bad:
        return "no past step still matters"
    if helped:
        return f"the step before seems to tell `{_name(spec, helped[0].target)}` better: record more to be sure"
    noise = ", ".join(f"`{_name(spec, one.target)}` {_percent(one.missed[0])}" for one in bad)
    return (
        f"noisy: off by so much of the usual change is {noise}; the step before tells no more, so it is chance, "
        "or nothing that was recorded shows it"
    )


def _name(spec: Spec, target: Target) -> str:
    return (*spec.state.names, *spec.outputs.names)[target.column]


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{share:.0%}".replace("%", " %")
