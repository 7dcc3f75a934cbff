"""Logs are one line of JSON per event."""

from __future__ import annotations

import json
import logging
import sys

from include.ratchet.serving.logs import OneLine


def test_a_line_break_stays_inside_its_line() -> None:
    """Text from outside cannot forge a second line."""
    record = logging.LogRecord("x", logging.INFO, "f", 1, "a\nb", (), None)
    record.fields = {"model": "c\nd"}
    line = OneLine().format(record)
    assert "\n" not in line
    assert json.loads(line)["model"] == "c\nd"


def test_an_exception_is_named_and_placed_but_not_quoted() -> None:
    """An exception's text may hold a row: type and line are enough."""
    try:
        raise ValueError("a secret row")  # noqa: TRY301 - an exception with a traceback is what is tested
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", (), sys.exc_info())
    line = OneLine().format(record)
    assert "secret" not in line
    assert json.loads(line)["error"] == "ValueError"
    assert "test_logs.py" in json.loads(line)["raised_at"]
