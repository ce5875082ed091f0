"""Numbers as a person writes them, and names as a person can read them."""

from __future__ import annotations

import unicodedata
from typing import Final

_UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Categories of Unicode: control, format (no width, other reading direction), private, half a pair, separators."""


def shown(value: float) -> str:
    """`12,480`, `412.5`, `0.0042`: whole from a thousand on, else four significant digits."""
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.4g}"


def invisible(text: str) -> str:
    """The code, such as `U+202E`, of the first character of `text` that cannot be seen; empty when all can."""
    if text.isascii() and text.isprintable():
        return ""
    return next((f"U+{ord(sign):04X}" for sign in text if unicodedata.category(sign) in _UNSEEN), "")
