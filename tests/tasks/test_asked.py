"""What the form asks for, against what the spec has."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import SpecError
from include.ratchet.tasks import asked, reading
from tests.makers import model_spec

AT = datetime(2020, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "spec", "start"),
    [("", None, reading.LONG_AGO), ("", "90d", AT - timedelta(days=90)), ("5d", "90d", AT - timedelta(days=5))],
)
def test_the_form_before_the_spec_before_all_history(said: str, spec: str | None, start: datetime) -> None:
    """The window is counted back from now."""
    found = asked.window(model_spec(training__window=spec), TaskContext("m_train", "r", params={"window": said}), AT)
    assert (found.start, found.end) == (start, AT)


def test_a_window_that_is_none() -> None:
    """The message says what a duration is."""
    with pytest.raises(SpecError, match="found 'soon'; allowed is a number"):
        asked.window(model_spec(), TaskContext("m_train", "r", params={"window": "soon"}), AT)


def test_all_candidates_or_those_that_are_asked_for() -> None:
    """An unknown one is named, with those that there are."""
    assert asked.candidates(model_spec(), []) == ("a",)
    with pytest.raises(SpecError, match="found 'b'; allowed are a"):
        asked.candidates(model_spec(), ["b"])
