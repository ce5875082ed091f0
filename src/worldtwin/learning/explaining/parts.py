"""`Parts`: one column of the inputs, cut into a few parts that can be said in words."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from worldtwin.learning.wording import in_words
from worldtwin.world import Category, Field, Lattice, Set, bounds, decode, is_discrete, shown, size

MOST_VALUES: Final = 16


class Parts(Struct, frozen=True, kw_only=True, eq=False):
    """A column called `name`: part i holds the values (m,) from `starts[i]` to before `starts[i + 1]`.

    `single`: each part is one value.
    """

    name: str
    field: Field
    starts: Lattice
    single: bool

    def __len__(self) -> int:
        """The number of parts."""
        return len(self.starts)

    def of(self, values: Lattice) -> NDArray[np.int64]:
        """The part (n,) of each of `values` (n,)."""
        return np.maximum(np.searchsorted(self.starts, values, side="right") - 1, 0)

    def text(self, part: int) -> str:
        """`queue > 900`, `size from 64 to 128`, or `move = left`."""
        if self.single:
            return f"{self.name} = {self._shown(part)}"
        if part == 0:
            return f"{self.name} < {self._shown(1)}"
        if part == len(self) - 1:
            return f"{self.name} > {self._shown(part)}"
        return f"{self.name} from {self._shown(part)} to {self._shown(part + 1)}"

    def _shown(self, part: int) -> str:
        value = decode(self.field, int(self.starts[part]))
        return shown(float(f"{value:.3g}")) if isinstance(value, float) else in_words(value)


def seen_parts(name: str, field: Field, values: Lattice, shares: tuple[float, ...]) -> Parts | None:
    """The column cut where the given `shares` of the recorded `values` (n,) are below; None when there is one part.

    Few values, and names, are parts of their own.
    """
    different = np.unique(values)
    if isinstance(field, Category | Set) or len(different) <= MOST_VALUES // 2:
        whole = len(different) > 1 and len(different) <= MOST_VALUES and is_discrete(field)
        return Parts(name=name, field=field, starts=different, single=True) if whole else None
    cuts = np.unique(np.quantile(values, shares, method="higher").astype(np.int64))
    cuts = cuts[cuts > different[0]]
    starts = np.r_[different[0], cuts]
    return Parts(name=name, field=field, starts=starts, single=False) if len(starts) > 1 else None


def declared_parts(name: str, field: Field, count: int) -> Parts | None:
    """The declared range of the column cut into `count` equal parts; few values, and names, are parts of their own."""
    if is_discrete(field) and size(field) <= MOST_VALUES:
        low, high = bounds(field)
        return Parts(name=name, field=field, starts=np.arange(low, high + 1), single=True) if high > low else None
    if isinstance(field, Category | Set):
        return None
    low, high = bounds(field)
    cuts = [low + (high - low) * number // count for number in range(count)]
    return Parts(name=name, field=field, starts=np.array(cuts, dtype=np.int64), single=False)
