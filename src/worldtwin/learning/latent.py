"""`latent: auto`: what a fit learns from where the recorded fields hide something, and what answers beyond that."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, Struct, UnsetType, structs

from worldtwin.exact import Key
from worldtwin.learning.guessing import memoryless
from worldtwin.learning.holdout import held_out
from worldtwin.learning.memory import Uncovered, uncovered
from worldtwin.learning.predicting import Trial, Way
from worldtwin.learning.reading import Record
from worldtwin.learning.regression.fitting import Recorded
from worldtwin.learning.sample import Sample
from worldtwin.simulation import Table
from worldtwin.world import Lattice, Spec, Transitions

UNSURE: Final = "the hidden state is not sure"


class Ground(Struct, frozen=True, kw_only=True, eq=False):
    """What a fit stands on: a world's `spec`, its `record`, and the `sample` of it.

    In a world with hidden states the spec and the sample have them, `begins` says which ones episodes begin in, and
    rows where they are not sure are in no sample. All of the `rows` and their state rows `states` (n, width) are here.
    """

    spec: Spec
    record: Record
    sample: Sample
    rows: Transitions
    states: Lattice
    begins: Table | UnsetType = UNSET


def ground_of(spec: Spec, record: Record, key: Key) -> Ground:
    """What to learn from `record`: with hidden states, where the spec lets them be found and there are some."""
    if spec.latent == "auto":
        found = uncovered(spec, record.rows)
        if isinstance(found, Uncovered):
            return _with_hidden(found, record)
        record = structs.replace(record, memory=found)
    sample = Sample.of(spec, record.rows, held_out(record.rows, key, record.learned), whole=record.fresh is None)
    return Ground(spec=spec, record=record, sample=sample, rows=sample.rows, states=sample.states)


def _with_hidden(found: Uncovered, record: Record) -> Ground:
    """What the machine has not seen is kept aside: the end of the record."""
    unsure = int((~found.sure).sum())
    excluded = {**record.excluded, UNSURE: unsure} if unsure else record.excluded
    return Ground(
        spec=found.spec,
        record=structs.replace(record, excluded=excluded, memory=found.memory),
        sample=Sample.of(found.spec, found.rows.select(found.sure), found.aside[found.sure], whole=False, chose=True),
        rows=found.rows,
        states=found.rows.states,
        begins=found.begins,
    )


def trial_beyond(spec: Spec, train: Recorded) -> Trial:
    """What answers in a world with hidden states where no table does: what is usual, whatever they are.

    A step from there leads to a hidden state that is known again. There is nothing to choose.
    """
    return Trial(way=Way.nothing(), predictors=(memoryless(spec, train),), calibration=None)
