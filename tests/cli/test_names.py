"""Names and times that people type."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.ratchet.cli.names import moment, require_model
from include.ratchet.domain.errors import SpecError


@pytest.mark.parametrize("said", ["2026-03-01T12:00Z", "2026-03-01T12:00", "2026-03-01 14:00+02:00", "2026-03-01T12:00:00.000Z"])
def test_a_time_is_utc_without_a_zone(said: str) -> None:
    """Every usual form of ISO 8601 is the same moment."""
    assert moment(said) == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_what_is_no_time_says_how_one_looks() -> None:
    """Found, and an example of what is allowed."""
    with pytest.raises(SpecError, match="yesterday: no time"):
        moment("yesterday")


@pytest.mark.usefixtures("project")
def test_a_model_that_there_is_not() -> None:
    """The nearest name is offered."""
    require_model("buys")
    with pytest.raises(SpecError, match="did you mean 'buys'"):
        require_model("buy")
