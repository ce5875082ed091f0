"""Version ranges such as `>=1,<2` over versions such as `2.1` or `1.0.0`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Final, TypeAlias

from worldtwin.errors import InvalidValue
from worldtwin.files.reading.found import shown

Version: TypeAlias = tuple[int, int, int]
Bound: TypeAlias = tuple[Callable[[Version, Version], bool], Version]

_BOUND: Final = re.compile(r"\s*(>=|<=|==|!=|>|<)?\s*(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?\s*")
_OPERATORS: Final[dict[str, Callable[[Version, Version], bool]]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


def version_range(text: str) -> tuple[Bound, ...]:
    """The bounds in a comma-separated list, all of which must hold; none for an empty text. Raises `InvalidValue`."""
    return tuple(_bound(part, text) for part in text.split(",")) if text.strip() else ()


def is_within(version: str, text: str) -> bool:
    """Whether `version` is in the range `text`. Raises `InvalidValue` when either cannot be read."""
    number = _bound(version, version)[1]
    return all(holds(number, bound) for holds, bound in version_range(text))


def _bound(part: str, text: str) -> Bound:
    found = _BOUND.fullmatch(part)
    if found is None:
        raise InvalidValue(f"`{shown(text)}` is no range of versions: write one such as `>=1,<2`")
    numbers = found.groups()[1:]
    version = (int(numbers[0]), int(numbers[1] or 0), int(numbers[2] or 0))
    return _OPERATORS[found.group(1) or "=="], version
