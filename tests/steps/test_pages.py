"""How pages write values."""

from __future__ import annotations

import pytest

from include.ratchet.steps.pages import shown, template


@pytest.mark.parametrize(("value", "text"), [(None, "\u2013"), (12345, "12,345"), (0.12345678, "0.1235"), (True, "True"), ("a", "a")])
def test_values(value: object, text: str) -> None:
    """Whole numbers with separators, others with four digits that count, a dash for nothing."""
    assert shown(value) == text


def test_templates_are_read_once() -> None:
    """The same one again is the same object."""
    assert template("backtest.html.j2") is template("backtest.html.j2")
