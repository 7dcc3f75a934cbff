"""Plots are well-formed SVG whose marks stand where the numbers say."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ratchet.steps.charts import Curve, Mark, curves, forest, nice, number

SVG = "{http://www.w3.org/2000/svg}"


def circles(text: str) -> list[tuple[float, str]]:
    """Return x and class of every dot."""
    return [(float(each.attrib["cx"]), each.attrib["class"]) for each in ET.fromstring(text).iter(f"{SVG}circle")]  # noqa: S314 - our own


def texts(text: str) -> list[str]:
    """Return every text."""
    return [each.text or "" for each in ET.fromstring(text).iter(f"{SVG}text")]  # noqa: S314


def test_a_forest_orders_marks_by_value_and_names_its_axis() -> None:
    """A greater value is further right, a mark without one says so, and labels and axis are written."""
    marks = [Mark("low", 0.2, 0.1, 0.3, 0.25, "bad"), Mark("high", 0.8, 0.7, 0.9, 0.25, "good"), Mark("gone", None)]
    drawn = forest(marks, "score", "scores")
    (low, bad), (high, good) = circles(drawn)
    assert (bad, good) == ("bad", "good")
    assert low < high
    assert {"low", "high", "gone", "score", "not measurable on these rows"} <= set(texts(drawn))


def test_names_cannot_break_out_of_a_plot() -> None:
    """What the records say is text, wherever it stands."""
    drawn = forest([Mark('<script>"&', 1.0, tone='x" onload="y')], "<b>", '"><script>')
    assert '<script>"&' in texts(drawn)
    assert "<script>" not in drawn
    assert circles(drawn)[0][1] == 'x" onload="y'


def test_curves_scale_dots_by_rows() -> None:
    """The dot of more rows is larger, and a band and a reference line are drawn when asked for."""
    line = Curve("c", ((0.0, 1.0), (1.0, 2.0)), (10, 1000), "challenger", ((0.5, 1.5), (1.5, 2.5)))
    drawn = ET.fromstring(curves([line], "x", "y", "t", zero=True))  # noqa: S314
    few, many = (float(each.attrib["r"]) for each in drawn.iter(f"{SVG}circle"))
    assert few < many
    assert len(list(drawn.iter(f"{SVG}polygon"))) == 1
    assert "bound" in {each.attrib["class"] for each in drawn.iter(f"{SVG}line")}


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_reach_over_the_range(low: float, width: float) -> None:
    """The first tick is not above the least value and the last not below the greatest; there are few of them."""
    ticks = nice(low, low + width)
    span = ticks[-1] - ticks[0]
    assert ticks[0] <= low + 1e-6 * span
    assert ticks[-1] >= low + width - 1e-6 * span
    assert 2 <= len(ticks) <= 9


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.70021, "0.7002"), (25231.0, "25,231"), (-7.4091, "\u22127.409"), (0.0, "0"), (-0.0, "0"), (2.1e-05, "0.00002"), (1e-9, "0")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    """Four digits that count, no exponent, a real minus sign."""
    assert number(value) == text
