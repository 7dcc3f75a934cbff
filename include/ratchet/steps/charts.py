"""Plots as inline SVG: no script, no font, no network, and nothing but numbers and names in them.

Each is drawn 480 units wide, so that its letters stay readable on a phone and the page can be printed. Labels stand
above their marks, not beside them: the name of a rule may be long.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

WIDTH = 480
LEFT, RIGHT, BOTTOM = 52, 468, 44
ROW = 36
"""Height of one labelled row."""


@dataclass(frozen=True)
class Mark:
    """One estimate with its interval and the value that it is held against; `tone` is a class of the style sheet."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    bound: float | None = None
    tone: str = "plain"


@dataclass(frozen=True)
class Curve:
    """A line through points `(x, y)`, with how many rows each stands for, and perhaps a band of (low, high) around it."""

    label: str
    points: tuple[tuple[float, float], ...]
    counts: tuple[int, ...]
    tone: str
    band: tuple[tuple[float, float], ...] = ()


def forest(marks: Sequence[Mark], axis: str, title: str) -> str:
    """Draw one row per mark: the estimate, its interval, and a tick where its bound is.

    Args:
        marks: What is drawn, from top to bottom; a mark without a value keeps its row and says so.
        axis: The unit, written below.
        title: What a screen reader says.
    """
    seen = [v for m in marks for v in (m.value, m.low, m.high, m.bound) if v is not None and math.isfinite(v)]
    ticks = nice(min(seen, default=0.0), max(seen, default=1.0))
    place = _scale(ticks[0], ticks[-1], 12, RIGHT)
    height = ROW * len(marks) + BOTTOM
    parts = [_grid_x(ticks, place, height - BOTTOM, axis)]
    for number, mark in enumerate(marks):
        y = ROW * number + 26
        if mark.bound is not None:
            parts.append(_line(place(mark.bound), y - 7, place(mark.bound), y + 9, "bound"))
        parts.append(_text(12, y - 10, mark.label, "label"))
        if mark.value is None or not math.isfinite(mark.value):
            parts.append(_text(12, y + 4, "not measurable on these rows", "axis"))
            continue
        if mark.low is not None and mark.high is not None:
            parts.append(_line(place(mark.low), y, place(mark.high), y, f"whisker {mark.tone}"))
        parts.append(f'<circle cx="{place(mark.value):.1f}" cy="{y}" r="4.5" class={quoteattr(mark.tone)}/>')
    return _svg(parts, height, title)


def curves(lines: Sequence[Curve], x_axis: str, y_axis: str, title: str, *, diagonal: bool = False, zero: bool = False) -> str:
    """Draw lines over two axes; the area of a dot says how many rows it stands for.

    Args:
        lines: At least one, with at least one point together.
        x_axis: Quantity and unit of x.
        y_axis: Quantity and unit of y, written above the plot.
        title: What a screen reader says.
        diagonal: Draw y = x, where x and y have one unit and one range.
        zero: Draw y = 0.
    """
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in line.points] + [v for line in lines for pair in line.band for v in pair]
    if diagonal:
        xs = ys = [*xs, *ys]
    x_ticks, y_ticks = nice(min(xs), max(xs)), nice(min([*ys, 0.0] if zero else ys), max([*ys, 0.0] if zero else ys))
    height = 330
    across, up = _scale(x_ticks[0], x_ticks[-1], LEFT, RIGHT), _scale(y_ticks[0], y_ticks[-1], height - BOTTOM, 28)
    parts = [_grid_x(x_ticks, across, height - BOTTOM, x_axis, top=28), _text(4, 14, y_axis, "axis")]
    for tick in y_ticks:
        parts += [_line(LEFT, up(tick), RIGHT, up(tick), "grid"), _text(LEFT - 6, up(tick) + 4, number(tick), "axis end")]
    if diagonal or zero:
        start, end = (x_ticks[0], x_ticks[-1]) if diagonal else (0.0, 0.0)
        parts.append(_line(LEFT, up(start), RIGHT, up(end), "bound"))
    most = max((count for line in lines for count in line.counts), default=1) or 1
    for line in lines:
        if line.band:
            edge = [(x, low) for (x, _), (low, _) in zip(line.points, line.band, strict=True)]
            edge += [(x, high) for (x, _), (_, high) in reversed(list(zip(line.points, line.band, strict=True)))]
            parts.append(f'<polygon points="{_path(edge, across, up)}" class={quoteattr(f"band {line.tone}")}/>')
        parts.append(f'<polyline points="{_path(line.points, across, up)}" class={quoteattr(f"curve {line.tone}")}/>')
        for (x, y), count in zip(line.points, line.counts, strict=True):
            radius = 2 + 5 * math.sqrt(count / most)
            parts.append(f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="{radius:.1f}" class={quoteattr(line.tone)}/>')
    return _svg(parts, height, title)


_FINEST = 1e-9
"""Of a value: what differs by less is one value on an axis, and the step between ticks would have no logarithm."""


def nice(low: float, high: float) -> list[float]:
    """Return four to eight round numbers that reach over `low` and `high`; a range around a single value."""
    if not high - low > _FINEST * max(abs(low), abs(high), _FINEST):
        low, high = low - (abs(low) * 0.1 or 0.5), high + (abs(high) * 0.1 or 0.5)
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(each for each in (1, 2, 2.5, 5, 10) if rough <= power * each * 1.0001)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [each * step for each in range(first, max(last, first + 1) + 1)]


def number(value: float) -> str:
    """Write a number as people read it: four digits that count, no trailing zeros."""
    text = f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}" if abs(value) >= 0.001 else f"{value:.5f}".rstrip("0").rstrip(".")  # noqa: PLR2004
    return "0" if text in {"-0", "0"} or abs(value) < 1e-12 else text.replace("-", "\u2212")  # noqa: PLR2004


def _scale(low: float, high: float, start: float, end: float) -> _Scale:
    return _Scale(low, high, start, end)


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def _grid_x(ticks: Iterable[float], place: _Scale, bottom: float, axis: str, top: float = 0) -> str:
    parts = []
    for tick in ticks:
        parts.append(_line(place(tick), top, place(tick), bottom, "grid"))
        align = "axis start" if place(tick) < 2 * ROW else "axis end" if place(tick) > RIGHT - 12 else "axis middle"
        parts.append(_text(place(tick), bottom + 16, number(tick), align if top == 0 else "axis middle"))
    parts.append(_text(WIDTH / 2, bottom + 36, axis, "axis middle"))
    return "".join(parts)


def _path(points: Iterable[tuple[float, float]], across: _Scale, up: _Scale) -> str:
    return " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)


def _line(x1: float, y1: float, x2: float, y2: float, tone: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class={quoteattr(tone)}/>'


def _text(x: float, y: float, text: str, tone: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class={quoteattr(tone)}>{escape(text)}</text>'


def _svg(parts: Iterable[str], height: float, title: str) -> str:
    inside = "".join(parts)
    label = quoteattr(title)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label={label} xmlns="http://www.w3.org/2000/svg">{inside}</svg>'
