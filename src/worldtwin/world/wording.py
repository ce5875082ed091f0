"""Numbers as a person writes them."""

from __future__ import annotations


def shown(value: float) -> str:
    """`12,480`, `412.5`, `0.0042`: whole from a thousand on, else four significant digits."""
    if abs(value) >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.4g}"
