"""Square root, sine, cosine, arc tangent, exponential, logarithm, hyperbolic tangent: the same bits on every machine.

Only + - * /, comparisons, rounding to whole numbers and scaling by powers of two are used, all of them exact or
correctly rounded by IEEE 754, in a fixed order: no library's `sin`. Results are within one unit in the last place; the
sign of a zero is kept by `atan2` only. The formulas are those of fdlibm (Sun Microsystems, 1993: e_exp, e_log, k_sin,
k_cos) and Cephes (Moshier: tanh); arguments are reduced in double-double arithmetic (Dekker, 1971). Arrays have any
shape; `..._one` is the same function, bit for bit, of one float.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worldtwin.exact.formulas import (
    ATAN,
    ATAN_STEPS,
    QUARTERS,
    SMALL_TANH,
    TINY,
    atan_near,
    cos_near,
    exp_parts,
    joined,
    log_parts,
    reduced,
    sin_near,
    tanh_large,
    tanh_small,
)

Floats = NDArray[np.float64]

LARGEST_ANGLE: Final = 2.0**20
"""Sine and cosine are for angles up to this size, in radians; they are NaN beyond."""

_BLOCK: Final = 8192
_ATAN_COLUMNS: Final = np.array(ATAN).T
_QUARTER_COLUMNS: Final = np.array(QUARTERS).T


def sqrt(x: Floats) -> Floats:
    """The square root, correctly rounded; NaN below zero."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(x)


def _in_blocks(function: Callable[..., Floats]) -> Callable[..., Floats]:
    """`function` of long columns block by block: its many intermediate results stay in the processor's cache."""

    @wraps(function)
    def blocked(*columns: Floats) -> Floats:
        n = len(columns[0]) if np.ndim(columns[0]) == 1 else 0
        if n <= _BLOCK or any(np.shape(column) != (n,) for column in columns):
            return function(*columns)
        result = np.empty(n)
        for start in range(0, n, _BLOCK):
            result[start : start + _BLOCK] = function(*[column[start : start + _BLOCK] for column in columns])
        return result

    return blocked


@_in_blocks
def sin(x: Floats) -> Floats:
    """The sine of `x` radians, |x| <= 2^20."""
    return _turned(x, 0)


@_in_blocks
def cos(x: Floats) -> Floats:
    """The cosine of `x` radians, |x| <= 2^20."""
    return _turned(x, 1)


@_in_blocks
def exp(x: Floats) -> Floats:
    """e^x; inf when that is too large for a float."""
    with np.errstate(all="ignore"):
        clipped = np.clip(x, -800.0, 800.0)
        k, high, low = exp_parts(clipped, np.rint(clipped * (1 / math.log(2))))
        return np.where(np.isnan(x), x, np.ldexp(1.0 + (high + low), np.where(np.isnan(k), 0.0, k).astype(np.int64)))


@_in_blocks
def log(x: Floats) -> Floats:
    """The natural logarithm; -inf of zero, NaN below."""
    with np.errstate(all="ignore"):
        mantissa, exponent = np.frexp(x)
        small = mantissa < math.sqrt(0.5)
        f = np.where(small, 2.0 * mantissa, mantissa) - 1.0
        result = log_parts(f, (exponent - small).astype(np.float64))
        result = np.where(x == 0, -np.inf, np.where(x < 0, np.nan, result))
        return np.where(np.isfinite(x), result, np.where(x == -np.inf, np.nan, x))


@_in_blocks
def tanh(x: Floats) -> Floats:
    """The hyperbolic tangent."""
    with np.errstate(all="ignore"):
        size = np.abs(x)
        clipped = np.minimum(size, 22.0)
        doubled = 2.0 * np.maximum(clipped, SMALL_TANH)
        k, high, low = exp_parts(doubled, np.rint(doubled * (1 / math.log(2))))
        scale = np.ldexp(1.0, np.where(np.isnan(k), 0.0, k).astype(np.int64))
        large = np.copysign(tanh_large(high, low, scale), x)
        small = np.clip(x, -SMALL_TANH, SMALL_TANH)
        return np.where(np.isnan(x), x, np.where(size < SMALL_TANH, tanh_small(small), large))


@_in_blocks
def atan2(y: Floats, x: Floats) -> Floats:
    """The angle of the point (x, y) in [-pi, pi], with the signs of zeros and infinities as in C."""
    with np.errstate(all="ignore"):
        rise, run = _finite_sizes(*np.broadcast_arrays(y, x))
        steep, left = rise > run, np.signbit(x)
        small, large = np.minimum(rise, run), np.maximum(rise, run)
        exponent = np.frexp(large)[1]
        a, b = np.ldexp(small, -exponent), np.where(large == 0, 1.0, np.ldexp(large, -exponent))
        tiny = a < b * TINY
        ratio = np.where(large == 0, 0.0, small / large)
        index = np.rint(np.where(tiny | np.isnan(ratio), 0.0, ratio) * ATAN_STEPS).astype(np.int64)
        high, low = atan_near(a, b, index / ATAN_STEPS, _ATAN_COLUMNS[0, index], _ATAN_COLUMNS[1, index])
        sign = np.where(steep == left, 1.0, -1.0)
        corner = np.where(steep, 1, np.where(left, 2, 0))
        away, away_low = _QUARTER_COLUMNS[0, corner], _QUARTER_COLUMNS[1, corner]
        result = joined(away, away_low, sign * np.where(tiny, ratio, high), sign * np.where(tiny, 0.0, low))
        return np.copysign(result, y)


def sin_one(x: float) -> float:
    """`sin` of one float."""
    return _turned_one(x, 0)


def cos_one(x: float) -> float:
    """`cos` of one float."""
    return _turned_one(x, 1)


def exp_one(x: float) -> float:
    """`exp` of one float."""
    if math.isnan(x):
        return x
    clipped = min(max(x, -800.0), 800.0)
    k, high, low = exp_parts(clipped, float(round(clipped * (1 / math.log(2)))))
    try:
        return math.ldexp(1.0 + (high + low), int(k))
    except OverflowError:
        return math.inf


def log_one(x: float) -> float:
    """`log` of one float."""
    if not 0 < x < math.inf:
        return -math.inf if x == 0 else x if x > 0 else math.nan
    mantissa, exponent = math.frexp(x)
    if mantissa < math.sqrt(0.5):
        return log_parts(2.0 * mantissa - 1.0, exponent - 1.0)
    return log_parts(mantissa - 1.0, float(exponent))


def tanh_one(x: float) -> float:
    """`tanh` of one float."""
    if abs(x) < SMALL_TANH:
        return tanh_small(x)
    if math.isnan(x):
        return x
    doubled = 2.0 * min(abs(x), 22.0)
    k, high, low = exp_parts(doubled, float(round(doubled * (1 / math.log(2)))))
    return math.copysign(tanh_large(high, low, math.ldexp(1.0, int(k))), x)


def atan2_one(y: float, x: float) -> float:
    """`atan2` of one point."""
    rise, run = abs(y), abs(x)
    if math.isnan(rise) or math.isnan(run):
        return math.nan
    if math.isinf(rise) or math.isinf(run):
        rise, run = float(math.isinf(rise)), float(math.isinf(run))
    steep, left = rise > run, math.copysign(1.0, x) < 0
    small, large = min(rise, run), max(rise, run)
    exponent = math.frexp(large)[1]
    a, b = math.ldexp(small, -exponent), math.ldexp(large, -exponent)
    ratio = small / large if large else 0.0
    if a < b * TINY or not large:
        high, low = ratio, 0.0
    else:
        index = round(ratio * ATAN_STEPS)
        high, low = atan_near(a, b, index / ATAN_STEPS, *ATAN[index])
    sign = 1.0 if steep == left else -1.0
    corner = QUARTERS[1 if steep else 2 if left else 0]
    return math.copysign(joined(*corner, sign * high, sign * low), y)


def _turned(x: Floats, quarters: int) -> Floats:
    with np.errstate(all="ignore"):
        known = np.where(np.abs(x) <= LARGEST_ANGLE, x, 0.0)
        count = np.rint(known * (2 / math.pi))
        high, low = reduced(known, count)
        turn = count.astype(np.int64) + quarters
        result = np.where(turn & 1, cos_near(high, low), sin_near(high, low))
        return np.where(np.abs(x) <= LARGEST_ANGLE, np.where(turn & 2, -result, result), np.nan)


def _turned_one(x: float, quarters: int) -> float:
    if not abs(x) <= LARGEST_ANGLE:
        return math.nan
    count = float(round(x * (2 / math.pi)))
    high, low = reduced(x, count)
    turn = int(count) + quarters
    result = cos_near(high, low) if turn & 1 else sin_near(high, low)
    return -result if turn & 2 else result


def _finite_sizes(y: Floats, x: Floats) -> tuple[Floats, Floats]:
    """The sizes of two numbers; an infinite one is 1, a finite one beside it 0."""
    rise, run = np.abs(y), np.abs(x)
    endless = np.isinf(rise) | np.isinf(run)
    if not endless.any():
        return rise, run
    nan = np.isnan(rise) | np.isnan(run)
    rise = np.where(endless, np.isinf(rise).astype(np.float64), rise)
    run = np.where(endless, np.isinf(run).astype(np.float64), run)
    return np.where(nan, np.nan, rise), run
