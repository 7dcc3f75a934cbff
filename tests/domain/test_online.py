"""What an entity is called, how a value is kept, and how long a row lasts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from include.ratchet.domain.online import Known, entity_of, parity_said, plain

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)


def test_an_entity_has_one_name_wherever_it_comes_from() -> None:
    """A table's 7, JSON's 7.0 and a category "7" are one entity; half a number is another."""
    assert entity_of([7, "a"]) == entity_of([7.0, "a"]) == entity_of(["7", "a"]) == entity_of([np.float64(7), "a"]) == ("7", "a")
    assert entity_of([7.5]) == ("7.5",)


def test_an_entity_with_a_part_missing_is_none() -> None:
    """Null and not a number name nobody."""
    assert entity_of(["a", None]) is None
    assert entity_of([float("nan")]) is None


def test_a_value_is_kept_as_json_has_it() -> None:
    """What is no number is null; decimals are numbers; times and dates are texts; the rest stays."""
    assert [plain(each) for each in (1, 1.5, "a", True, None)] == [1, 1.5, "a", True, None]
    assert [plain(each) for each in (float("nan"), float("inf"), Decimal("1.5"))] == [None, None, 1.5]
    assert plain(date(2020, 1, 1)) == "2020-01-01"


def test_a_check_of_parity_is_one_sentence() -> None:
    """What was compared of what there is; versions that are removed are named only where there are some."""
    made = {"view": "v", "answers": 5, "compared": 3, "equal": 2, "behind": 1, "different": 0, "gone": 0}
    said = "v: 3 of 5 answers compared, 2 equal, 1 behind, 0 different"
    assert parity_said(made) == said
    assert parity_said(made | {"gone": 2}) == said + "; 2 cannot be, the table versions that they were read from are removed"


@pytest.mark.parametrize(("minutes", "lasts"), [(-1, False), (0, True), (60, True), (61, False)])
def test_a_row_lasts_from_its_time_to_its_end(minutes: int, lasts: bool) -> None:  # noqa: FBT001 - a case
    """Both ends count, as in the offline join; before its time it is not known."""
    row = Known("v", "d", ("a",), NOON, {}, {}, NOON)
    assert row.lasts(NOON + timedelta(minutes=minutes), timedelta(hours=1)) is lasts
