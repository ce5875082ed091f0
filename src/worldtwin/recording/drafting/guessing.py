"""The field that a column of values seems to be, and why. A guess to be checked by whoever knows the world."""

from __future__ import annotations

import math
import re
from typing import Any, Final

import numpy as np
import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from worldtwin.errors import InvalidValue
from worldtwin.recording.observing import Axis
from worldtwin.world import Angle, Category, Field, Image, Integer, Real, Set, real

FACTOR: Final = 8
"""How many times the range that was seen a range without bounds becomes."""

UNBOUNDED: Final = 1e30
MOST_TEXTS: Final = 1000
MOST_PLACES: Final = 32
MOSTLY: Final = 0.5
"""A column of texts of which more than this share are numbers probably was meant as numbers."""

UNITS: Final = {
    "per_s": "1/s", "m_per_s": "m/s", "s": "s", "ms": "ms", "us": "us", "minutes": "min", "hours": "h", "seconds": "s",
    "mm": "mm", "cm": "cm", "km": "km", "kg": "kg", "hz": "Hz", "rpm": "rpm", "deg": "deg", "rad": "rad", "pa": "Pa",
    "bar": "bar", "kw": "kW", "volts": "V", "percent": "percent", "celsius": "degC", "kelvin": "K",
}  # fmt: skip
"""What the end of a name, after `_`, says about the unit of its numbers."""

_COSINE: Final = 1e-3
_NARROW: Final = 1e-9
_NUMBER: Final = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")


class Guess(Struct, frozen=True):
    """A field, and what was guessed about it: nothing when its source says so itself."""

    field: Field | Image
    why: str = ""


def guess_output(name: str, columns: list[Any]) -> Guess:
    """The field of a measured output: what is a float stays one, however whole its values are."""
    if all(pa.types.is_floating(column.type) for column in columns):
        return measured(name, _real_of(_finite(columns), None))
    return guess_field(name, columns, None)


def guess_reward(seen: NDArray[np.float64]) -> Guess:
    """The field of an environment's reward: what pays most may not have been seen yet."""
    most = _rounded_up(max(100.0, FACTOR * float(np.abs(seen).max(initial=0.0))))
    return Guess(real(-most, most), f"{seen.min(initial=0):.4g} to {seen.max(initial=0):.4g} was seen")


def guess_field(name: str, columns: list[Any], axis: Axis | None) -> Guess:
    """The field of the values in all `columns`, within the bounds of `axis`."""
    kinds = {str(column.type) for column in columns}
    if axis is not None and axis.picture:
        return Guess(_image_of(name, axis.picture))
    if "binary" in kinds:
        return _picture_of(name, columns[0])
    if axis is not None and axis.choices:
        return Guess(Category(axis.values), "numbered in order: give them names")
    if "list<item: string>" in kinds or "list<element: string>" in kinds:
        return _set_of(columns)
    if "string" in kinds:
        return _category_of(name, columns)
    seen = _finite(columns)
    if axis is None and re.fullmatch(r"action\d*", name) and kinds == {"int64"} and _are_places(seen):
        values = tuple(f"a{number}" for number in range(int(seen.max()) + 1))
        return Guess(Category(values), "numbered in order: give them names")
    whole = axis.whole if axis is not None else bool(len(seen)) and bool((seen == np.floor(seen)).all())
    return measured(name, _integer_of(seen, axis) if whole else _real_of(seen, axis))


def measured(name: str, guess: Guess) -> Guess:
    """`guess`, in the unit that the end of its field's `name` says: `last_ms` are milliseconds."""
    ending = max((end for end in UNITS if name.lower().endswith(f"_{end}")), key=len, default="")
    if not ending or not isinstance(guess.field, Real | Integer):
        return guess
    why = ", ".join(part for part in (guess.why, "the unit is from its name") if part)
    return Guess(replace(guess.field, unit=UNITS[ending]), why)


def circle_pairs(columns: dict[str, NDArray[np.float64]]) -> dict[str, tuple[str, str, tuple[str, str]]]:
    """Neighbouring columns that are the cosine and the sine of an angle, by its name: the two and their order."""
    found: dict[str, tuple[str, str, tuple[str, str]]] = {}
    names = list(columns)
    index = 0
    while index + 1 < len(names):
        first, second = names[index], names[index + 1]
        if _on_circle(columns[first], columns[second]):
            order = ("sin", "cos") if "sin" in first.lower() or "cos" in second.lower() else ("cos", "sin")
            found[_angle_name(first, second)] = (first, second, order)
            index += 1
        index += 1
    return found


def angle_of(order: tuple[str, str]) -> Guess:
    """An angle that two observed numbers make."""
    return Guess(Angle(sources=order), "the two numbers lie on the unit circle")


def spread(low: float, high: float) -> tuple[float, float]:
    """A range `FACTOR` times as wide around [low, high], in round numbers; what was never negative stays so."""
    middle, half = (low + high) / 2, FACTOR / 2 * (high - low)
    if half < _NARROW * max(1.0, abs(middle)):
        half = max(1.0, abs(middle))
    wide_low = 0.0 if low >= 0 else -_rounded_up(half - middle)
    return wide_low, _rounded_up(middle + half)


def _image_of(name: str, shape: tuple[int, ...]) -> Image:
    height, width, channels = (*shape, 1)[:3]
    return Image(name=name, height=height, width=width, channels=channels)


def _picture_of(name: str, column: Any) -> Guess:  # noqa: ANN401 - pyarrow's columns have no types
    """The image whose pictures have as many bytes as the first one of a column. Raises `InvalidValue`."""
    size = len(next(iter(column.drop_null().slice(0, 1).to_pylist()), b""))
    for channels in (1, 3, 4):
        side = math.isqrt(size // channels)
        if side and side * side * channels == size:
            return Guess(_image_of(name, (side, side, channels)), f"{size:,} bytes may be so many pixels")
    raise InvalidValue(
        f"column `{name}` holds pictures of {size:,} bytes, of no known shape: draft the environment (gym:ID)"
    )


def _are_places(seen: NDArray[np.float64]) -> bool:
    return bool(len(seen)) and bool(seen.min() >= 0) and 1 <= seen.max() < MOST_PLACES


def _finite(columns: list[Any]) -> NDArray[np.float64]:
    values = np.concatenate([column.to_numpy().astype(np.float64) for column in columns])
    return values[np.isfinite(values)]


def _on_circle(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    if len(first) != len(second) or len(first) < 10 or not (np.isfinite(first).all() and np.isfinite(second).all()):
        return False
    return bool((np.abs(first**2 + second**2 - 1) < _COSINE).all()) and bool(np.ptp(first) + np.ptp(second) > 0)


def _angle_name(first: str, second: str) -> str:
    pattern = re.compile(r"(^|_)(cos|sin)(_|$)", re.IGNORECASE)
    names = {pattern.sub(lambda found: "_" if found[1] and found[3] else "", name) for name in (first, second)}
    (name,) = names if len(names) == 1 else ("",)
    return name if name and name not in (first, second) else f"{first}_{second}"


def _set_of(columns: list[Any]) -> Guess:
    names = {name for column in columns for row in column.to_pylist() for name in row or ()}
    return Guess(Set(tuple(sorted(names)) or ("none",)), "the names that were seen")


def _category_of(name: str, columns: list[Any]) -> Guess:
    texts = {text for column in columns for text in pa.chunked_array(column).cast(pa.string()).unique().to_pylist()}
    values = sorted(text for text in texts if text is not None)
    if len(values) > MOST_TEXTS:
        raise InvalidValue(f"column `{name}` has {len(values)} different texts: leave it out, or group them first")
    others = [text for text in values if not _NUMBER.fullmatch(text)]
    doubt = f", numbers but for `{others[0]}`: is that a mistake?" if others else ", all of them numbers, as texts"
    mostly = len(values) - len(others) > MOSTLY * len(values)
    why = f"the {len(values)} values that were seen{doubt if mostly else ''}"
    return Guess(Category(tuple(values) or ("none",)), why)


def _integer_of(seen: NDArray[np.float64], axis: Axis | None) -> Guess:
    if axis is not None and max(abs(axis.low), abs(axis.high)) < UNBOUNDED:
        return Guess(Integer(low=math.ceil(axis.low), high=math.floor(axis.high)))
    if not len(seen):
        return Guess(Integer(low=0, high=1), "nothing was seen")
    low, high = int(seen.min()), int(seen.max())
    if low >= 0 and high <= 1:
        return Guess(Integer(low=0, high=1), "only 0 and 1 were seen")
    wide = spread(low, high)
    return Guess(Integer(low=math.floor(wide[0]), high=math.ceil(wide[1])), _why(low, high))


def _real_of(seen: NDArray[np.float64], axis: Axis | None) -> Guess:
    low, high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
    wide, why = spread(low, high), _why(low, high)
    if axis is not None:
        bounded = [abs(bound) < UNBOUNDED for bound in (axis.low, axis.high)]
        wide = (
            -_outward(-axis.low) if bounded[0] else wide[0],
            _outward(axis.high) if bounded[1] else wide[1],
        )
        why = "" if all(bounded) else why
    return Guess(real(*wide), why)


def _why(low: float, high: float) -> str:
    return f"{low:.4g} to {high:.4g} was seen, {FACTOR} times that is allowed"


def _rounded_up(value: float) -> float:
    """`value` away from zero, or up to it, to two digits."""
    return _outward(value, digits=2)


def _outward(value: float, digits: int = 3) -> float:
    """The next number above `value`, or itself, that has few digits."""
    short = float(f"{value:.6g}")
    if digits == 3 and short >= value:
        return short
    if value == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
    return float(f"{math.ceil(value / step - 1e-9) * step:.{digits + 3}g}")
