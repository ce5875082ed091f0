"""`Report`: what was measured when a simulator was fitted. It is not part of the simulator's digest."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET, Struct, UnsetType


class FieldReport(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How well one next field or output is predicted on held-out episodes.

    `model` says by what; `one_step_error` is over the spread of one step's change, `open_loop_error` over the field's
    spread after `Report.horizon_steps` steps on its own; for names both are the share that is wrong. None: unmeasured.
    """

    name: str
    model: str
    one_step_error: float | None = None
    open_loop_error: float | None = None


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


class Report(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a fit saw, and how good what it made is; None where that could not be measured.

    `known` is the share of steps that will be ones already seen, a lower bound at 95 %, and `known_estimate` its
    estimate (unseen mass by leaving out one episode at a time); `coverage` the visit-weighted share of states whose
    possible actions were all tried at least five times; `horizon_error` the largest `open_loop_error`; `calibration`
    the mean distance between confidence and truth. `excluded` counts recorded rows that were left out, by reason.
    `memory` is absent in the reports, and so in the bytes, of simulators that were fitted before it was measured.
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
    memory: MemoryReport | UnsetType = UNSET
    notes: tuple[str, ...] = ()
