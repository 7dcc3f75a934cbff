"""Durations: what people write is what is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ratchet.domain.durations import format_duration, parse_duration

SPANS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=36500))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30m", timedelta(minutes=30)),
        ("6h", timedelta(hours=6)),
        ("28d", timedelta(days=28)),
        ("2w", timedelta(weeks=2)),
        ("1.5h", timedelta(minutes=90)),
        (" 10s ", timedelta(seconds=10)),
    ],
)
def test_reads_what_people_write(text: str, span: timedelta) -> None:
    """Each unit means what it says, fractions and blanks included."""
    assert parse_duration(text) == span


@given(SPANS)
def test_round_trip(span: timedelta) -> None:
    """A duration that is written and read again is the same to the microsecond."""
    assert parse_duration(format_duration(span)) == span


@given(st.integers(1, 10_000), st.sampled_from("smhdw"))
def test_writes_the_largest_whole_unit(count: int, unit: str) -> None:
    """What is written is never longer than what a person wrote."""
    text = f"{count}{unit}"
    assert len(format_duration(parse_duration(text))) <= len(text)


@pytest.mark.parametrize("text", ["", "6", "h", "6 hours", "-6h", "6h30m", None, 6, "1e3h"])
def test_refuses_other_texts(text: object) -> None:
    """Anything but a number and one unit is refused, with an example of what is allowed."""
    with pytest.raises(ValueError, match="such as 6h or 28d"):
        parse_duration(text)


def test_refuses_what_no_timedelta_holds() -> None:
    """A span beyond the range is a ValueError, which a spec reports with its key, and no OverflowError."""
    with pytest.raises(ValueError, match="allowed are at most"):
        parse_duration("99999999999w")
