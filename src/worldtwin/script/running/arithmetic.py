"""Arithmetic on columns: Python's results, and where an int leaves 64 bits or a divisor is zero.

Each function returns values (n,) and a trap mask (n,), or None for "nowhere". The values of trapped rows mean nothing.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from worldtwin.script.tree import EXACT, LEAST, MOST, Arithmetic

Values: TypeAlias = NDArray[Any]  # bool, int64 or float64, as the node's type says
Mask: TypeAlias = NDArray[np.bool_]
Result: TypeAlias = tuple[Values, Mask | None]


def either(*masks: Mask | None) -> Mask | None:
    """Where any of the masks holds."""
    found: Mask | None = None
    for mask in masks:
        if mask is not None:
            found = mask if found is None else found | mask
    return found


def where_any(mask: Mask) -> Mask | None:
    """The mask, or None when it holds nowhere."""
    return mask if mask.any() else None


def ints(operator: Arithmetic, left: Values, right: Values) -> Result:
    """Two columns of ints; `/` does not come here, it is of floats."""
    match operator:
        case "+":
            total = left + right
            safe = _size(left) + _size(right) <= MOST
            return total, None if safe else where_any(((left ^ total) & (right ^ total)) < 0)
        case "-":
            difference = left - right
            safe = _size(left) + _size(right) <= MOST
            return difference, None if safe else where_any(((left ^ right) & (left ^ difference)) < 0)
        case "*":
            return multiplied(left, right)
        case "//":
            return np.floor_divide(left, right), where_any((right == 0) | ((left == LEAST) & (right == -1)))
        case _:
            return np.remainder(left, right), where_any(right == 0)


def multiplied(left: Values, right: Values) -> Result:
    """The products of two columns of ints: a wrapped one is off by at least 2^64, a float one by less than 2^12."""
    product = left * right
    if _size(left) * _size(right) <= MOST:
        return product, None
    near = np.multiply(left, right, dtype=np.float64)
    return product, where_any(np.abs(near - product) > 2.0**63)


def _size(values: Values) -> int:
    """The largest size of any int of a column, found without a temporary array."""
    if not values.size:
        return 0
    return max(-int(values.min()), int(values.max()))


def floats(operator: Arithmetic, left: Values, right: Values) -> Result:
    """Two columns of floats, as IEEE 754 and Python have it."""
    match operator:
        case "+":
            return left + right, None
        case "-":
            return left - right, None
        case "*":
            return left * right, None
        case "/":
            return left / right, where_any(right == 0)
        case "//":
            return np.floor_divide(left, right), where_any(right == 0)
        case "%":
            return np.remainder(left, right), where_any(right == 0)


def power(base: Values, exponent: int) -> Result:
    """`base` times itself from the left."""
    result, traps = np.ones_like(base), None
    for factor in range(exponent):
        if factor == 0:
            result = base
        elif base.dtype == np.int64:
            result, trap = multiplied(result, base)
            traps = either(traps, trap)
        else:
            result = result * base
    return result, traps


def to_float(values: Values) -> Result:
    """Ints as floats; beyond 2^53 they trap, so that no bit is ever lost."""
    lossless = _size(values) <= EXACT
    return values.astype(np.float64), None if lossless else where_any((values > EXACT) | (values < -EXACT))


def to_int(values: Values) -> Result:
    """Whole floats as ints; they trap outside of 64 bits and when they are no number."""
    fits = (values >= float(LEAST)) & (values < -float(LEAST))
    return np.where(fits, values, 0.0).astype(np.int64), where_any(~fits)
