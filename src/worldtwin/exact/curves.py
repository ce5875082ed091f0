"""Curves as tables of whole numbers: swish, powers of two, and the quantiles of the normal distribution.

Each is computed from correctly rounded float64 operations in a fixed order when it is first used, rounded to whole
numbers, and checked against its digest: a machine that would compute another table stops before it uses it.
"""

from __future__ import annotations

import hashlib
import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from worldtwin.exact.functions import exp, log, sqrt

SWISH_DROP: Final = 3
"""Bits of 2^-12 that the swish's table does not look at."""
SWISH_HALF: Final = 1 << 12
"""The swish's table has this many entries on either side of 0: [-8, 8) in 2^-9."""
POWER_BITS: Final = 30
NORMAL_BITS: Final = 16

_DIGESTS: Final = {
    "swish": "3ab70cf6ca65393995aacdf629e8a78807a47a434586bec4a94aa5dd2158b238",
    "power": "27698b59034d8fec4988e11a26b1b9ea7f060989e71d6df5b60e433b82e92b64",
    "normal": "3a59d87ddb1b41691332775a5b7e189f40dc7fa1d2c05c0e2481754ef7e52f7c",
}

Floats = NDArray[np.float64]
Lattice = NDArray[np.int64]


@cache
def swish_table() -> Floats:
    """X / (1 + e^-x) for the 8,192 values of x in [-8, 8) in 2^-9: whole numbers of 2^-12."""
    x = np.arange(-SWISH_HALF, SWISH_HALF) / 512
    table = np.rint(x / (1.0 + exp(-x)) * 4096)
    return _checked("swish", table).astype(np.float64)


@cache
def power_table() -> Lattice:
    """2^(i / 256) for i from 0 to 255, in 2^-30."""
    return _checked("power", np.rint(exp(np.arange(256) / 256 * math.log(2)) * (1 << POWER_BITS)))


@cache
def normal_table() -> Lattice:
    """The quantiles of the normal distribution at (i + 1/2) / 2^16 for i from 0 to 2^16 - 1, in 2^-16.

    Wichura, "Algorithm AS 241: The percentage points of the normal distribution" (1988), PPND16.
    """
    above = _quantiles((np.arange(1 << 15) + 0.5) / (1 << 16))
    half = np.rint(above * (1 << NORMAL_BITS))
    return _checked("normal", np.concatenate([-half[::-1], half]))


def _quantiles(q: Floats) -> Floats:
    """The quantiles at 1/2 + q for q (n,) in (0, 1/2)."""
    near = q * _ratio(_NEAR, 0.180625 - q * q)
    r = sqrt(-log(0.5 - q))
    tail = np.where(r <= 5.0, _ratio(_MIDDLE, r - 1.6), _ratio(_FAR, r - 5.0))
    return np.where(q <= 0.425, near, tail)


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], r: Floats) -> Floats:
    above, below = (_horner(row, r) for row in coefficients)
    return above / below


def _horner(coefficients: tuple[float, ...], r: Floats) -> Floats:
    total = np.zeros_like(r)
    for coefficient in reversed(coefficients):
        total = total * r + coefficient
    return total


def _checked(name: str, table: Floats) -> Lattice:
    """The `table` in whole numbers, if it is the one that every machine should have."""
    whole = table.astype(np.int64)
    found = hashlib.sha256(whole.astype("<i8").tobytes()).hexdigest()
    if found != _DIGESTS[name]:
        raise AssertionError(f"this machine computes another table of {name}: {found}")
    whole.flags.writeable = False
    return whole


_NEAR: Final = (
    (
        3.3871328727963666080,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
_MIDDLE: Final = (
    (
        1.42343711074968357734,
        4.63033784615654529590,
        5.76949722146069140550,
        3.64784832476320460504,
        1.27045825245236838258,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187,
        1.67638483018380384940,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)
_FAR: Final = (
    (
        6.65790464350110377720,
        5.46378491116411436990,
        1.78482653991729133580,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
    (
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)
