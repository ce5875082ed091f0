"""The formulas of the pinned functions: straight lines of + - * /, of floats, columns, or anything that has these.

They are fdlibm's (Sun Microsystems, 1993: e_exp, e_log, k_sin, k_cos) and Cephes' (Moshier: tanh); arguments are
reduced in double-double arithmetic (Dekker, 1971). The order of the operations is part of their meaning: whoever
applies them to symbols gets the code of the same bits.
"""

from __future__ import annotations

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Number = TypeVar("Number", float, Floats)

SMALL_TANH: Final = 0.625
TINY: Final = 2.0**-30
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
_SPLIT: Final = 134217729.0
ATAN_STEPS: Final = 16
ATAN: Final = (
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
QUARTERS: Final = (
    (0.0, 0.0),
    (1.5707963267948966, 6.123233995736766e-17),
    (3.141592653589793, 1.2246467991473532e-16),
)
"""i * pi / 2 in two floats each."""


def reduced(x: Number, count: Number) -> tuple[Number, Number]:
    """`x - count * pi / 2` as a sum of two floats: four pieces of pi / 2, three of 33 bits, |count| < 2^20."""
    first = x - count * _HALF_PI[0]
    second = count * _HALF_PI[1]
    high = first - second
    turned = high - first
    lost = (first - (high - turned)) - (second + turned)
    low = (lost - count * _HALF_PI[2]) - count * _HALF_PI[3]
    whole = high + low
    return whole, (high - whole) + low


def sin_near(x: Number, low: Number) -> Number:
    """The sine of x + low, |x| <= pi / 4."""
    z = x * x
    tail = _SIN[1] + z * (_SIN[2] + z * _SIN[3]) + z * (z * z) * (_SIN[4] + z * _SIN[5])
    cube = z * x
    return x - ((z * (0.5 * low - cube * tail) - low) - cube * _SIN[0])


def cos_near(x: Number, low: Number) -> Number:
    """The cosine of x + low, |x| <= pi / 4."""
    z = x * x
    square = z * z
    tail = z * (_COS[0] + z * (_COS[1] + z * _COS[2])) + square * square * (_COS[3] + z * (_COS[4] + z * _COS[5]))
    half = 0.5 * z
    rest = 1.0 - half
    return rest + (((1.0 - rest) - half) + (z * tail - x * low))


def exp_parts(x: Number, k: Number) -> tuple[Number, Number, Number]:
    """The whole `k` and two floats such that e^x = 2^k (1 + high + low)."""
    start = x - k * _LN2_HIGH
    rest = k * _LN2_LOW
    r = start - rest
    z = r * r
    c = r - z * (_EXP[0] + z * (_EXP[1] + z * (_EXP[2] + z * (_EXP[3] + z * _EXP[4]))))
    correction = rest - (r * c) / (2.0 - c)
    high = start - correction
    return k, high, (start - high) - correction


def log_parts(f: Number, k: Number) -> Number:
    """log(2^k (1 + f))."""
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (_LOG[1] + w * (_LOG[3] + w * _LOG[5]))
    odd = z * (_LOG[0] + w * (_LOG[2] + w * (_LOG[4] + w * _LOG[6])))
    half = 0.5 * f * f
    return k * _LN2_HIGH - ((half - (s * (half + (even + odd)) + k * _LN2_LOW)) - f)


def tanh_small(x: Number) -> Number:
    """tanh(x), |x| < 0.625."""
    z = x * x
    above = (_TANH_P[0] * z + _TANH_P[1]) * z + _TANH_P[2]
    below = ((z + _TANH_Q[0]) * z + _TANH_Q[1]) * z + _TANH_Q[2]
    return x + x * (z * (above / below))


def tanh_large(high: Number, low: Number, scale: Number) -> Number:
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


def _short_product(a: Number, b: Number) -> tuple[Number, Number]:
    """`_product`, bit for bit, of an `a` of at most 26 bits: there is nothing to split off."""
    b_high = _SPLIT * b - (_SPLIT * b - b)
    b_low = b - b_high
    product = a * b
    return product, (a * b_high - product) + a * b_low


def atan_near(a: Number, b: Number, c: Number, high: Number, low: Number) -> tuple[Number, Number]:
    """atan(a / b) as atan(c) + atan(u), u = (a - c b) / (b + c a), both in double-double; |u| <= 1/32.

    `c` has few bits.
    """
    product, error = _short_product(c, b)
    above = a - product
    turned = above - a
    above_low = ((a - (above - turned)) - (product + turned)) - error
    other, other_error = _short_product(c, a)
    below = b + other
    below_low = ((b - below) + other) + other_error
    u = above / below
    back, back_error = _product(u, below)
    u_low = ((((above - back) - back_error) + above_low) - u * below_low) / below
    z = u * u
    series = z * (-1 / 3 + z * (1 / 5 + z * (-1 / 7 + z * (1 / 9 + z * (-1 / 11)))))
    whole = high + u
    return whole, ((high - whole) + u) + (u * series + u_low + low)


def joined(high: Number, low: Number, other: Number, other_low: Number) -> Number:
    """The sum of two sums of two floats, |high| >= |other| or high = 0."""
    whole = high + other
    return whole + (((high - whole) + other) + (low + other_low))
