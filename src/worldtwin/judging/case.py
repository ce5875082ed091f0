"""Questions put to a task or a simulator: what a case file says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct, field

from worldtwin.errors import InvalidSpec, Problem
from worldtwin.world.spec import MAX_HORIZON

MAX_EPISODES: Final = 1_000_000

Scalar: TypeAlias = bool | int | float | str
"""One physical value: a number, or the name of a category's value."""

Value: TypeAlias = Scalar | tuple[Scalar, ...]
"""A physical value; several of them are a set's names, a [low, high] range of numbers, or a choice of names."""

Move: TypeAlias = Value | Mapping[str, Value]
"""One action of a driver: its value when the world has one action field, else a value for each field."""


class Case(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A start, who acts from there and for how long, and what must be true of the run; all values are physical.

    `start` overrides fields of the spec's start. `driver` is the task, or the actions to take: then the case pins the
    simulator's behaviour. Omitted: `horizon` is the driver's length or the spec's, `needed` (in a file: `pass`) all
    episodes. A `required` case must pass, a `goal` is what the next improvement may reach. Raises `InvalidSpec`.
    """

    name: str
    check: str
    kind: Literal["required", "goal"] = "required"
    start: Mapping[str, Value] = field(default_factory=dict[str, Value])
    driver: Literal["task"] | tuple[Move, ...] = "task"
    horizon: int | None = None
    episodes: int = 1
    needed: int | None = field(default=None, name="pass")

    @property
    def passing(self) -> int:
        """How many episodes must satisfy the check."""
        return self.episodes if self.needed is None else self.needed

    def __post_init__(self) -> None:
        problems = tuple(_problems(self))
        if problems:
            raise InvalidSpec(problems)


Cases: TypeAlias = tuple[Case, ...]


def _problems(case: Case) -> Iterator[Problem]:
    """What is wrong with a case whatever the world is."""
    if not case.name:
        yield Problem("name", "a case needs a name")
    if not case.check.strip():
        yield Problem("check", "a case needs a check, such as `ret > 150`")
    if not 1 <= case.episodes <= MAX_EPISODES:
        yield Problem("episodes", f"{case.episodes} is not between 1 and {MAX_EPISODES:,}")
    elif not 1 <= case.passing <= case.episodes:
        yield Problem("pass", f"{case.passing} is not between 1 and the {case.episodes} episodes of the case")
    if case.horizon is not None and not 1 <= case.horizon <= MAX_HORIZON:
        yield Problem("horizon", f"{case.horizon} is not between 1 and {MAX_HORIZON:,}")
    if case.driver == ():
        yield Problem("driver", "an empty list of actions does nothing: write `task`, or at least one action")
