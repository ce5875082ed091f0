"""Pictures as inline SVG: a frame with axes, and marks in the units of the data. Colour means source only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape

from msgspec import Struct

LEFT, RIGHT, TOP, BOTTOM = 46, 14, 10, 38


class Range(Struct, frozen=True):
    """One axis: from `low` to `high`, what it shows, and its numbers at `ticks` (default: about five round ones)."""

    low: float
    high: float
    label: str = ""
    ticks: tuple[float, ...] | None = None

    @property
    def marks(self) -> tuple[float, ...]:
        """Where the numbers are."""
        return round_numbers(self.low, self.high) if self.ticks is None else self.ticks

    @staticmethod
    def around(values: Iterable[float], label: str = "") -> Range:
        """The range that shows all `values`, with a little room."""
        known = list(values)
        low, high = min(known), max(known)
        room = 0.06 * (high - low) or max(abs(high), 1.0) * 0.1
        return Range(low - room, high + room, label)


class Frame(Struct, frozen=True, kw_only=True):
    """A picture of `width` x `height` pixels with two axes."""

    x: Range
    y: Range
    width: int = 480
    height: int = 230
    left: int = LEFT

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of a point of the data."""
        across = (x - self.x.low) / (self.x.high - self.x.low) * (self.width - self.left - RIGHT)
        up = (y - self.y.low) / (self.y.high - self.y.low) * (self.height - TOP - BOTTOM)
        return self.left + across, self.height - BOTTOM - up

    def line(self, xs: Sequence[float], ys: Sequence[float], style: str) -> str:
        """A line through the points."""
        points = [self.at(x, y) for x, y in zip(xs, ys, strict=True)]
        path = " ".join(f"{'L' if i else 'M'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(points))
        return f'<path class="stroke {style}" d="{path}"/>'

    def dots(self, xs: Sequence[float], ys: Sequence[float], style: str, *, radius: float = 3.0) -> str:
        """A dot at each point."""
        points = [self.at(x, y) for x, y in zip(xs, ys, strict=True)]
        return "".join(f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>' for x, y in points)

    def text(
        self, x: float, y: float, words: str, *, anchor: str = "start", shift: tuple[float, float] = (0, 0)
    ) -> str:
        """Words at a point."""
        left, top = self.at(x, y)
        place = f'x="{left + shift[0]:.1f}" y="{top + shift[1]:.1f}" text-anchor="{anchor}"'
        return f'<text class="strong" {place}>{escape(words)}</text>'

    def svg(self, marks: Iterable[str], summary: str) -> str:
        """The picture; `summary` is the sentence for who cannot see it."""
        head = f'<svg viewBox="0 0 {self.width} {self.height}" role="img" aria-label="{escape(summary, quote=True)}">'
        return "".join([head, *self._across(), *self._up(), *marks, "</svg>"])

    def _across(self) -> list[str]:
        bottom = self.height - BOTTOM
        parts = [f'<line class="axis" x1="{self.left}" x2="{self.width - RIGHT}" y1="{bottom}" y2="{bottom}"/>']
        for value in self.x.marks:
            x, _ = self.at(value, self.y.low)
            parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{number(value)}</text>')
        middle = (self.left + self.width - RIGHT) / 2
        parts.append(f'<text x="{middle:.1f}" y="{self.height - 3}" text-anchor="middle">{escape(self.x.label)}</text>')
        return parts

    def _up(self) -> list[str]:
        parts: list[str] = []
        for value in self.y.marks:
            _, y = self.at(self.x.low, value)
            parts.append(f'<line class="grid" x1="{self.left}" x2="{self.width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text x="{self.left - 7}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>')
        if self.y.label:
            middle = (TOP + self.height - BOTTOM) / 2
            turned = f'transform="translate(11 {middle:.1f}) rotate(-90)"'
            parts.append(f'<text {turned} text-anchor="middle">{escape(self.y.label)}</text>')
        return parts


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """What the lines and dots stand for: pairs of a style and words."""
    items = "".join(f"<span>{_sample(style)}{escape(words)}</span>" for style, words in entries)
    return f'<div class="legend">{items}</div>'


def round_numbers(low: float, high: float, count: int = 5) -> tuple[float, ...]:
    """About `count` round numbers in [low, high]."""
    rough = (high - low) / count
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(scale * factor for factor in (1, 2, 5, 10) if scale * factor >= rough)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(i * step, 12) for i in range(first, last + 1))


def number(value: float) -> str:
    """A number as people write it: `1,200`, `0.05`, `−3`."""
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
    return text.replace("-", "−")


def _sample(style: str) -> str:
    if "stroke" in style:
        return f'<svg viewBox="0 0 22 10" aria-hidden="true"><path class="{style}" d="M1 5 L21 5"/></svg>'
    return f'<svg viewBox="0 0 22 10" aria-hidden="true"><circle class="{style}" cx="11" cy="5" r="4"/></svg>'
