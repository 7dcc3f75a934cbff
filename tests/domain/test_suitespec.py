"""Volume, uniqueness and labels, as Great Expectations is told."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.makers import feed_spec

BETWEEN = {"type": "expect_column_values_to_be_between", "column": "v", "min_value": 0}


def told(usual: float | None = None, **keys: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """Return what the suite of a feed is: type, route, arguments."""
    return [(each.type.removeprefix("expect_"), each.route, each.kwargs) for each in feed_spec(**keys).suite(usual)]


def test_volume() -> None:
    """Fixed ends are always held against; multiples of a usual batch once one is known, rounded outwards."""
    volume = {"min_rows": 10, "usual": [0.25, 3]}
    fixed = ("table_row_count_to_be_between", "stop", {"min_value": 10, "max_value": None})
    assert told(volume=volume) == [fixed]
    assert told(101, volume=volume) == [fixed, ("table_row_count_to_be_between", "stop", {"min_value": 25, "max_value": 303})]
    assert told(10, volume={"usual": [0.5, 2], "route": "warn"}) == [
        ("table_row_count_to_be_between", "warn", {"min_value": 5, "max_value": 20})
    ]


def test_unique() -> None:
    """One column, or several together; the rows that share a name are quarantined."""
    assert told(unique=[["v"], ["id", "v"]]) == [
        ("column_values_to_be_unique", "quarantine", {"column": "v"}),
        ("compound_columns_to_be_unique", "quarantine", {"column_list": ["id", "v"]}),
    ]


def test_labels() -> None:
    """A wrong value is its row's fault; a share of missing ones is the batch's, which stops or warns."""
    values, missing = ("column_values_to_be_in_set", {"column": "v", "value_set": [0, 1]}), ("column_values_to_not_be_null", 0.75)
    for route, of_share in (("quarantine", "stop"), ("warn", "warn")):
        found = told(labels={"v": {"values": [0, 1], "missing": 0.25, "route": route}})
        assert found[0] == (values[0], route, values[1])
        assert found[1] == (missing[0], of_share, {"column": "v", "mostly": missing[1]})


@pytest.mark.parametrize(
    "keys",
    [
        {"volume": {}},
        {"volume": {"usual": [3, 1]}},
        {"volume": {"min_rows": 5, "max_rows": 4}},
        {"unique": [["nope"]]},
        {"labels": {"nope": {}}},
        {"labels": {"v": {"missing": 2}}},
        {"units": {"ignore": ["nope"]}},
    ],
)
def test_what_cannot_be(keys: dict[str, Any]) -> None:
    """An empty rule, ends in the wrong order, a column that is not there."""
    with pytest.raises(ValidationError):
        feed_spec(**keys)


def test_the_digest_names_the_rules_and_nothing_else() -> None:
    """Another rule, type or budget is another suite; another description or schedule is not."""
    plain = feed_spec().suite_digest
    assert feed_spec(description="x", poll="60s").suite_digest == plain
    for change in ({"expectations": [BETWEEN]}, {"quarantine": {"max_fraction": 0.5}}, {"unique": [["v"]]}, {"volume": {"min_rows": 1}}):
        assert feed_spec(**change).suite_digest != plain
