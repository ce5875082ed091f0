"""`Plan`: how to get to a good simulator. It never changes what recorded data mean, and has its own digest."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Synthetic(Struct, frozen=True, kw_only=True):
    """One source of synthetic data: a file of rules or of rows, and the share of transitions it may have."""

    kind: Literal["rules", "file"]
    path: str
    share: float | None = None


class Learn(Struct, frozen=True, kw_only=True):
    """What to learn from, and the key of whatever chance the learning needs."""

    sources: Literal["auto", "recorded", "synthetic"] = "auto"
    key: int = 1


class Plan(Struct, frozen=True, kw_only=True):
    """The part of the YAML that says where data and cases are."""

    traces: str = ""
    synthetic: tuple[Synthetic, ...] = ()
    cases: str = ""
    learn: Learn = Learn()
