"""`Report`: what was measured when a simulator was fitted. It is not part of the simulator's digest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET, Struct, UnsetType

ENOUGH_EPISODES: Final = 10
"""With fewer, nothing is said of how much is known or of what more would gain."""

MOSTLY: Final = 0.5
"""With less `known`, nothing is said of what more would gain: what never comes again gains nothing."""

MOST_CONTRADICTING: Final = 0.01
"""The share of rows that may contradict the row after them."""


class RegionReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an error is: a `share` of all of it is where `text` says, in a share `rows` of the held-out rows."""

    text: str
    share: float
    rows: float


class GapReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is hardly known: `text` names states and actions with only so many `rows`, of so many `expected`.

    That many there would be, had all possible actions been tried alike.
    """

    text: str
    rows: int
    expected: float


class LevelReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of so many held-out `rows`, with this mean `confidence`, a share was `right`."""

    confidence: float
    right: float
    rows: int


class FieldReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well one next field or output is predicted on held-out episodes.

    `model` says by what; `one_step_error` is over the spread of one step's change, `open_loop_error` over the field's
    spread after `Report.horizon_steps` steps on its own; for names both are the share that is wrong. None: unmeasured.
    `candidates` are the models that competed and their errors on held-out rows that predictors are asked for: like
    `one_step_error` of numbers, bits of log loss of names. It is absent, and so in the bytes, where nothing competed.
    `naive_error` is the `one_step_error` of who says that all stays as it is (an output: that it is as usual).
    `region` is where most of the one-step error is, None where it is everywhere alike.
    """

    name: str
    model: str
    one_step_error: float | None = None
    open_loop_error: float | None = None
    candidates: Mapping[str, float] | UnsetType = UNSET
    naive_error: float | UnsetType | None = UNSET
    region: RegionReport | UnsetType | None = UNSET


class MemoryReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the recorded fields are all that matters; `text` says it in a sentence.

    Of `tested` pairs of a (state, action) and a lag, `rejected` still depend on the step at that lag. For the clearest
    one, `field` at `lag` steps before matters with an e-value of 2^`bits` in `rows` rows; `example` compares two of its
    values, `advice` says what to do. `stateless`: not even the state seems to matter, the action decides.

    In a world with real numbers whole fields are tested; those in `noisy` are told badly even with the step before.
    """

    tested: int = 0
    rejected: int = 0
    bits: float = 0.0
    rows: int = 0
    field: str = ""
    lag: int = 0
    text: str = ""
    example: str = ""
    advice: str = ""
    stateless: bool = False
    noisy: tuple[str, ...] = ()


class RegimeReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether newer data contradict older ones; `text` says it in a sentence, `example` shows it, `advice` what to do.

    From `step` of `episode` on the world answers otherwise, most of all in `field`; `time` is when that was recorded,
    when it is known. `tested` is the number of times that were compared; 0: there were too few rows to tell.
    """

    tested: int = 0
    changed: bool = False
    episode: int = 0
    step: int = 0
    time: str = ""
    field: str = ""
    text: str = ""
    example: str = ""
    advice: str = ""


class ContradictionReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether rows say of what follows the same as the row after them; `text` says it, `example` shows it.

    Of `compared` rows, in which something changes and which the next step of the same episode follows, `found` say that
    something else comes next. `advice` says what to do about it.
    """

    compared: int = 0
    found: int = 0
    text: str = ""
    example: str = ""
    advice: str = ""

    @property
    def many(self) -> bool:
        """Whether these are more than a few slips, so that what was learned is of no world."""
        return self.found > MOST_CONTRADICTING * self.compared


class BasisReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was learned from: which `sources`, rows `since` an episode and step, how many rows of a store were `read`.

    `sampled` of them are older ones that had been counted before, read again for the predictors and the errors.
    """

    sources: str = "auto"
    since: str = ""
    read: int = 0
    sampled: int = 0


class ImageReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well an image is told by so many `components`, judged by `pictures` of episodes kept aside.

    The axes were not learned from these, but how many to take was chosen by them. A fit that is given the codec has no
    such pictures: it repeats what its base reports. `share` of their variance is explained; drawn again, a value is off
    by `error` grey levels (root mean square).
    """

    name: str
    components: int
    share: float
    error: float
    pictures: int


class Report(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a fit saw, and how good what it made is; None where that could not be measured.

    `known` is the share of steps that will be ones already seen, a lower bound at 95 %, and `known_estimate` its
    estimate (unseen mass by leaving out one episode at a time); `coverage` the visit-weighted share of states whose
    possible actions were all tried at least five times; `horizon_error` the largest `open_loop_error`; `calibration`
    the mean distance between confidence and truth. `width` is half the width of the interval of 95 % around the
    probability of an outcome, a mean over visits, and `plateau` what the second half of the episodes gained, in nats a
    step of log loss, an upper bound at 95 %. `excluded` counts recorded rows that were left out, by reason.
    `gaps` are the least-known states and actions, `levels` compare confidence with truth; `folds` is how many parts of
    few episodes were judged in turn, each by what the others teach (1: one part was). What has no value by default is
    absent in the reports, and so in the bytes, of simulators that were fitted before it was measured.
    """

    transitions: int = 0
    synthetic: int = 0
    episodes: int = 0
    held_out: int = 0
    excluded: Mapping[str, int] = {}
    traces_version: str = ""
    fields: tuple[FieldReport, ...] = ()
    known: float | None = None
    known_estimate: float | None = None
    coverage: float | None = None
    horizon_steps: int | None = None
    horizon_error: float | None = None
    calibration: float | None = None
    width: float | UnsetType = UNSET
    plateau: float | UnsetType = UNSET
    memory: MemoryReport | UnsetType = UNSET
    regime: RegimeReport | UnsetType = UNSET
    contradictions: ContradictionReport | UnsetType = UNSET
    basis: BasisReport | UnsetType = UNSET
    gaps: tuple[GapReport, ...] | UnsetType = UNSET
    levels: tuple[LevelReport, ...] | UnsetType = UNSET
    folds: int | UnsetType = UNSET
    images: tuple[ImageReport, ...] | UnsetType = UNSET
    notes: tuple[str, ...] = ()
