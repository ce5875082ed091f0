"""Questions to a lamp and its answers, as values: what the report is made of."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from worldtwin.exact import Key
from worldtwin.simulation import Simulator
from worldtwin.tasks import Task


class Asked(Struct, frozen=True, kw_only=True):
    """A setting of the lamp; `voltage` in V."""

    knob: str
    voltage: float


class Answer(Struct, frozen=True, kw_only=True):
    """What it does: `brightness` in lm, `power` in W; `confidence` when it was predicted."""

    lit: str
    brightness: float
    power: float
    confidence: float = 1.0


class Lit(Struct, frozen=True, kw_only=True, eq=False):
    """What was recorded, what was `checked` (question, real answer, predicted answer), and the `setting` in the end."""

    simulator: Simulator
    task: Task
    recorded: Sequence[tuple[Asked, Answer]]
    checked: Sequence[tuple[Asked, Answer, Answer]]
    setting: Asked
    real: Answer
    key: Key
