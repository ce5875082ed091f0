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
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Number = TypeVar("Number", float, Floats)

LARGEST_ANGLE: Final = 2.0**20
"""Sine and cosine are for angles up to this size, in radians; they are NaN beyond."""

_HALF_PI: Final = (
    1.57079632673412561417e00,
    6.07710050630396597660e-11,
    2.02226624871116645580e-21,
    8.47842766036889956997e-32,
)
_SIN: Final = (
    -1.66666666666666324348e-01,
    8.33333333332248946124e-03,
    -1.98412698298579493134e-04,
    2.75573137070700676789e-06,
    -2.50507602534068634195e-08,
    1.58969099521155010221e-10,
)
_COS: Final = (
    4.16666666666666019037e-02,
    -1.38888888888741095749e-03,
    2.48015872894767294178e-05,
    -2.75573143513906633035e-07,
    2.08757232129817482790e-09,
    -1.13596475577881948265e-11,
)
_EXP: Final = (
    1.66666666666666019037e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)
_LOG: Final = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10
_TANH_P: Final = (-9.64399179425052238628e-01, -9.92877231001918586564e01, -1.61468768441708447952e03)
_TANH_Q: Final = (1.12811678491632931402e02, 2.23548839060100448583e03, 4.84406305325125486048e03)
_SMALL_TANH: Final = 0.625
_TINY: Final = 2.0**-30
_BLOCK: Final = 8192
_SPLIT: Final = 134217729.0
_ATAN_STEPS: Final = 16
_ATAN: Final = (
    (0.0, 0.0),
    (0.06241880999595735, -1.5490756308295046e-18),
    (0.12435499454676144, -3.1253241424539383e-18),
    (0.18534794999569476, 4.180692268843079e-18),
    (0.24497866312686414, 1.0698755618734451e-17),
    (0.3028848683749714, -1.1010827903001369e-17),
    (0.35877067027057225, -2.4623815582638635e-17),
    (0.4124104415973873, -1.587652227770689e-17),
    (0.4636476090008061, 2.2698777452961687e-17),
    (0.5123894603107377, -2.5462781472855804e-17),
    (0.5585993153435624, -5.4556305485916264e-18),
    (0.6022873461349642, 2.950430737228402e-17),
    (0.6435011087932844, 1.5834785051444286e-17),
    (0.6823165548747481, 6.943223671560008e-18),
    (0.7188299996216245, -2.1478388444456983e-17),
    (0.7531512809621944, -2.4256934659182068e-17),
    (0.7853981633974483, 3.061616997868383e-17),
)
"""atan(i / 16) in two floats each."""
_QUARTERS: Final = (
    (0.0, 0.0),
    (1.5707963267948966, 6.123233995736766e-17),
    (3.141592653589793, 1.2246467991473532e-16),
)
"""i * pi / 2 in two floats each."""
_ATAN_COLUMNS: Final = np.array(_ATAN).T
_QUARTER_COLUMNS: Final = np.array(_QUARTERS).T


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
        k, high, low = _exp_parts(clipped, np.rint(clipped * (1 / math.log(2))))
        return np.where(np.isnan(x), x, np.ldexp(1.0 + (high + low), np.where(np.isnan(k), 0.0, k).astype(np.int64)))


@_in_blocks
def log(x: Floats) -> Floats:
    """The natural logarithm; -inf of zero, NaN below."""
    with np.errstate(all="ignore"):
        mantissa, exponent = np.frexp(x)
        small = mantissa < math.sqrt(0.5)
        f = np.where(small, 2.0 * mantissa, mantissa) - 1.0
        result = _log_parts(f, (exponent - small).astype(np.float64))
        result = np.where(x == 0, -np.inf, np.where(x < 0, np.nan, result))
        return np.where(np.isfinite(x), result, np.where(x == -np.inf, np.nan, x))


@_in_blocks
def tanh(x: Floats) -> Floats:
    """The hyperbolic tangent."""
    with np.errstate(all="ignore"):
        size = np.abs(x)
        clipped = np.minimum(size, 22.0)
        doubled = 2.0 * np.maximum(clipped, _SMALL_TANH)
        k, high, low = _exp_parts(doubled, np.rint(doubled * (1 / math.log(2))))
        scale = np.ldexp(1.0, np.where(np.isnan(k), 0.0, k).astype(np.int64))
        large = np.copysign(_tanh_large(high, low, scale), x)
        small = np.clip(x, -_SMALL_TANH, _SMALL_TANH)
        return np.where(np.isnan(x), x, np.where(size < _SMALL_TANH, _tanh_small(small), large))


@_in_blocks
def atan2(y: Floats, x: Floats) -> Floats:
    """The angle of the point (x, y) in [-pi, pi], with the signs of zeros and infinities as in C."""
    with np.errstate(all="ignore"):
        rise, run = _finite_sizes(*np.broadcast_arrays(y, x))
        steep, left = rise > run, np.signbit(x)
        small, large = np.minimum(rise, run), np.maximum(rise, run)
        exponent = np.frexp(large)[1]
        a, b = np.ldexp(small, -exponent), np.where(large == 0, 1.0, np.ldexp(large, -exponent))
        tiny = a < b * _TINY
        ratio = np.where(large == 0, 0.0, small / large)
        index = np.rint(np.where(tiny | np.isnan(ratio), 0.0, ratio) * _ATAN_STEPS).astype(np.int64)
        high, low = _atan_near(a, b, index / _ATAN_STEPS, _ATAN_COLUMNS[0, index], _ATAN_COLUMNS[1, index])
        sign = np.where(steep == left, 1.0, -1.0)
        corner = np.where(steep, 1, np.where(left, 2, 0))
        away, away_low = _QUARTER_COLUMNS[0, corner], _QUARTER_COLUMNS[1, corner]
        result = _joined(away, away_low, sign * np.where(tiny, ratio, high), sign * np.where(tiny, 0.0, low))
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
    k, high, low = _exp_parts(clipped, float(round(clipped * (1 / math.log(2)))))
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
        return _log_parts(2.0 * mantissa - 1.0, exponent - 1.0)
    return _log_parts(mantissa - 1.0, float(exponent))


def tanh_one(x: float) -> float:
    """`tanh` of one float."""
    if abs(x) < _SMALL_TANH:
        return _tanh_small(x)
    if math.isnan(x):
        return x
    doubled = 2.0 * min(abs(x), 22.0)
    k, high, low = _exp_parts(doubled, float(round(doubled * (1 / math.log(2)))))
    return math.copysign(_tanh_large(high, low, math.ldexp(1.0, int(k))), x)


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
    if a < b * _TINY or not large:
        high, low = ratio, 0.0
    else:
        index = round(ratio * _ATAN_STEPS)
        high, low = _atan_near(a, b, index / _ATAN_STEPS, *_ATAN[index])
    sign = 1.0 if steep == left else -1.0
    corner = _QUARTERS[1 if steep else 2 if left else 0]
    return math.copysign(_joined(*corner, sign * high, sign * low), y)


def _turned(x: Floats, quarters: int) -> Floats:
    with np.errstate(all="ignore"):
        known = np.where(np.abs(x) <= LARGEST_ANGLE, x, 0.0)
        count = np.rint(known * (2 / math.pi))
        high, low = _reduced(known, count)
        turn = count.astype(np.int64) + quarters
        result = np.where(turn & 1, _cos_near(high, low), _sin_near(high, low))
        return np.where(np.abs(x) <= LARGEST_ANGLE, np.where(turn & 2, -result, result), np.nan)


def _turned_one(x: float, quarters: int) -> float:
    if not abs(x) <= LARGEST_ANGLE:
        return math.nan
    count = float(round(x * (2 / math.pi)))
    high, low = _reduced(x, count)
    turn = int(count) + quarters
    result = _cos_near(high, low) if turn & 1 else _sin_near(high, low)
    return -result if turn & 2 else result


def _reduced(x: Number, count: Number) -> tuple[Number, Number]:
    """`x - count * pi / 2` as a sum of two floats: four pieces of pi / 2, three of 33 bits, |count| < 2^20."""
    first = x - count * _HALF_PI[0]
    second = count * _HALF_PI[1]
    high = first - second
    turned = high - first
    lost = (first - (high - turned)) - (second + turned)
    low = (lost - count * _HALF_PI[2]) - count * _HALF_PI[3]
    whole = high + low
    return whole, (high - whole) + low


def _sin_near(x: Number, low: Number) -> Number:
    """The sine of x + low, |x| <= pi / 4."""
    z = x * x
    tail = _SIN[1] + z * (_SIN[2] + z * _SIN[3]) + z * (z * z) * (_SIN[4] + z * _SIN[5])
    cube = z * x
    return x - ((z * (0.5 * low - cube * tail) - low) - cube * _SIN[0])


def _cos_near(x: Number, low: Number) -> Number:
    """The cosine of x + low, |x| <= pi / 4."""
    z = x * x
    square = z * z
    tail = z * (_COS[0] + z * (_COS[1] + z * _COS[2])) + square * square * (_COS[3] + z * (_COS[4] + z * _COS[5]))
    half = 0.5 * z
    rest = 1.0 - half
    return rest + (((1.0 - rest) - half) + (z * tail - x * low))


def _exp_parts(x: Number, k: Number) -> tuple[Number, Number, Number]:
    """The whole `k` and two floats such that e^x = 2^k (1 + high + low)."""
    start = x - k * _LN2_HIGH
    rest = k * _LN2_LOW
    r = start - rest
    z = r * r
    c = r - z * (_EXP[0] + z * (_EXP[1] + z * (_EXP[2] + z * (_EXP[3] + z * _EXP[4]))))
    correction = rest - (r * c) / (2.0 - c)
    high = start - correction
    return k, high, (start - high) - correction


def _log_parts(f: Number, k: Number) -> Number:
    """log(2^k (1 + f))."""
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (_LOG[1] + w * (_LOG[3] + w * _LOG[5]))
    odd = z * (_LOG[0] + w * (_LOG[2] + w * (_LOG[4] + w * _LOG[6])))
    half = 0.5 * f * f
    return k * _LN2_HIGH - ((half - (s * (half + (even + odd)) + k * _LN2_LOW)) - f)


def _tanh_small(x: Number) -> Number:
    """tanh(x), |x| < 0.625."""
    z = x * x
    above = (_TANH_P[0] * z + _TANH_P[1]) * z + _TANH_P[2]
    below = ((z + _TANH_Q[0]) * z + _TANH_Q[1]) * z + _TANH_Q[2]
    return x + x * (z * (above / below))


def _tanh_large(high: Number, low: Number, scale: Number) -> Number:
    """1 - 2 / (e + 1) where e = scale (1 + high + low), in double-double arithmetic."""
    near = 1.0 + high
    rest = ((1.0 - near) + high) + low
    total = scale * near + 1.0
    rest = ((scale * near - total) + 1.0) + scale * rest
    ratio = 2.0 / total
    product, error = _product(ratio, total)
    ratio_low = (((2.0 - product) - error) - ratio * rest) / total
    whole = 1.0 - ratio
    return whole + (((1.0 - whole) - ratio) - ratio_low)


def _product(a: Number, b: Number) -> tuple[Number, Number]:
    """`a * b` and the error of its rounding (Dekker's product)."""
    a_high = _SPLIT * a - (_SPLIT * a - a)
    b_high = _SPLIT * b - (_SPLIT * b - b)
    a_low, b_low = a - a_high, b - b_high
    product = a * b
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


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


def _atan_near(a: Number, b: Number, c: Number, high: Number, low: Number) -> tuple[Number, Number]:
    """atan(a / b) as atan(c) + atan(u), u = (a - c b) / (b + c a), both in double-double; |u| <= 1/32."""
    product, error = _product(c, b)
    above = a - product
    turned = above - a
    above_low = ((a - (above - turned)) - (product + turned)) - error
    other, other_error = _product(c, a)
    below = b + other
    below_low = ((b - below) + other) + other_error
    u = above / below
    back, back_error = _product(u, below)
    u_low = ((((above - back) - back_error) + above_low) - u * below_low) / below
    z = u * u
    series = z * (-1 / 3 + z * (1 / 5 + z * (-1 / 7 + z * (1 / 9 + z * (-1 / 11)))))
    whole = high + u
    return whole, ((high - whole) + u) + (u * series + u_low + low)


def _joined(high: Number, low: Number, other: Number, other_low: Number) -> Number:
    """The sum of two sums of two floats, |high| >= |other| or high = 0."""
    whole = high + other
    return whole + (((high - whole) + other) + (low + other_low))
