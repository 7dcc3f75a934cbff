"""Watermarks as JSON keeps them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from include.ratchet.adapters.watermarks import alike, earlier, ends, like, not_below, plain
from include.ratchet.domain.errors import SpecError

NOON = datetime(2013, 1, 2, 12)  # noqa: DTZ001 - as databases keep it
EAST = timezone(timedelta(hours=2))


def test_what_json_keeps() -> None:
    """Times become texts that compare as times do, zones become UTC; what cannot compare is refused."""
    given = [NOON, NOON.replace(tzinfo=EAST), date(2013, 1, 2), 7, 1.5, "a", None, Decimal(7)]
    assert [plain(each) for each in given] == ["2013-01-02 12:00:00", "2013-01-02 10:00:00+00:00", "2013-01-02", 7, 1.5, "a", None, 7]
    with pytest.raises(SpecError, match="found a value of bytes"):
        plain(b"x")


def test_less_the_lag() -> None:
    """Durations from times and dates, numbers from numbers."""
    day = timedelta(days=1)
    assert earlier("2013-01-02 12:00:00", day) == "2013-01-01 12:00:00"
    assert earlier("2013-01-02 12:00:00+00:00", day) == "2013-01-01 12:00:00+00:00"
    assert earlier("2013-01-02", day) == "2013-01-01"
    assert earlier(10, 3.0) == 7
    assert earlier("anything", None) == "anything"


@pytest.mark.parametrize(("watermark", "lag"), [("a7", timedelta(days=1)), (5, timedelta(days=1)), ("2013-01-02", 1.0)])
def test_a_lag_of_another_kind_is_refused(watermark: Any, lag: Any) -> None:
    """A duration is not taken from a number, nor from a text that is no time."""
    with pytest.raises(SpecError, match="allowed are a duration for times, a number for numbers"):
        earlier(watermark, lag)


def test_a_moment_in_the_source_s_own_way() -> None:
    """As the newest watermark is written: date or time, with a zone or without, a T or a blank between."""
    moment = datetime(2013, 1, 5, 6, tzinfo=EAST)
    written = [like(each, moment) for each in ("2013-01-02", "2013-01-02 12:00:00", "2013-01-02T12:00:00", "2013-01-02 12:00:00+00:00")]
    assert written == ["2013-01-05", "2013-01-05 04:00:00", "2013-01-05T04:00:00", "2013-01-05 04:00:00+00:00"]
    for other in (7, "x", None):
        with pytest.raises(SpecError, match="allowed is a column of times"):
            like(other, moment)


@pytest.mark.parametrize(
    ("values", "since"),
    [
        ([1, 2, 3], 2),
        ([Decimal("1.5"), Decimal("2.5"), Decimal("3.5")], 2),
        ([NOON, NOON + timedelta(days=1), NOON + timedelta(days=2)], "2013-01-03 12:00:00"),
        ([each.replace(tzinfo=UTC) for each in (NOON, NOON + timedelta(days=1), NOON + timedelta(days=2))], "2013-01-03 12:00:00+00:00"),
        ([date(2013, 1, 1), date(2013, 1, 2), date(2013, 1, 3)], "2013-01-02"),
        (["a", "b", "c"], "b"),
    ],
)
def test_what_is_not_below(values: list[Any], since: Any) -> None:
    """Of a batch that landed, the rows at and above a watermark, in every type that it may have; all without one."""
    table = pa.table({"at": values})
    assert not_below(table, "at", since).num_rows == 2
    assert not_below(table, "at", None).num_rows == 3


@pytest.mark.parametrize(("one", "other", "same"), [(1, 2.5, True), ("2013-01-01", "2013-01-01 00:00:00", True), (1, "1", False)])
def test_watermarks_of_one_kind(one: Any, other: Any, same: bool) -> None:  # noqa: FBT001 - a case
    """Numbers compare with numbers, texts with texts."""
    assert alike(one, other) is same


@pytest.mark.parametrize(
    ("kind", "value"), [("int64", 0), ("float64?", -1e300), ("timestamp", "2013-01-01"), ("string", "~"), ("bool", True)]
)
def test_every_watermark_lies_between_the_ends_of_its_type(kind: str, value: Any) -> None:
    """Comparing with them holds of every value; of null it would of none."""
    first, last = ends(kind)
    assert first <= value <= last
