"""Units that changed unannounced, and keys that are not what they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.records import Json
from include.ratchet.domain.skew import Change, Known
from include.ratchet.steps.skew import UNITS, Unit, changes
from include.ratchet.steps.statistics import describe
from tests.makers import feed_spec

SPEC = feed_spec({"id": "int64", "temp": "float64"})


def temperatures(number: int, mean: float = 55.0, rows: int = 400) -> pa.Table:
    """Make a batch of temperatures in Fahrenheit, with ids of its own."""
    draw = np.random.default_rng(number)
    return pa.table({"id": np.arange(rows) + number * rows, "temp": draw.normal(mean, 9, rows)})


def found(rows: pa.Table, history: list[pa.Table], spec: FeedSpec = SPEC, **known: Any) -> list[Change]:
    """Compare a batch with earlier ones."""
    past: tuple[Json, ...] = tuple(describe(each, spec) for each in history)
    return changes(rows, describe(rows, spec), spec, Known(history=past, **known))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_conversion_is_found_and_named(unit: Unit) -> None:
    """One batch in another unit, after three in the expected one: it is named, or another one of nearly its factor."""
    came = temperatures(4)
    converted = came.set_column(1, "temp", pa.array(came["temp"].to_numpy() * unit.scale + unit.shift))
    (change,) = found(converted, [temperatures(n) for n in range(3)])
    assert (change.kind, change.column) == ("unit", "temp")
    named = next(each for each in UNITS if each.name == change.found)
    assert named.scale == pytest.approx(unit.scale, rel=0.02)
    assert named.shift == unit.shift
    assert "a typical 5" in change.said


@pytest.mark.parametrize("seed", range(10))
def test_weather_is_no_change_of_unit(seed: int) -> None:
    """A year of months from 35 to 80 degrees, of any draw, says nothing: none of 110 comparisons."""
    means = 57.5 - 22.5 * np.cos(np.arange(12) * np.pi / 6)
    year = [temperatures(100 * seed + month, mean) for month, mean in enumerate(means)]
    assert [change.said for month in range(1, 12) for change in found(year[month], year[:month])] == []


def test_what_is_not_judged() -> None:
    """No history, too few cells, a constant, the key, and a column that the feed excepts."""
    before, celsius = [temperatures(1)], temperatures(2).set_column(1, "temp", pa.array((temperatures(2)["temp"].to_numpy() - 32) / 1.8))
    assert found(celsius, before)
    assert found(celsius, []) == []
    assert found(celsius.slice(0, 20), before) == []
    assert found(celsius.set_column(1, "temp", pa.array([5.0] * 400)), before) == []
    for ignored in ("temp", "*"):
        assert found(celsius, before, feed_spec({"id": "int64", "temp": "float64"}, units={"ignore": [ignored]})) == []
    ids = feed_spec({"temp": "float64", "id": "int64"})
    assert found(celsius.append_column("id2", celsius["id"]).select(["temp", "id"]), [b.select(["temp", "id"]) for b in before], ids) == []


def test_an_accepted_change_is_none() -> None:
    """What an operator accepted is not named again."""
    celsius = temperatures(2).set_column(1, "temp", pa.array((temperatures(2)["temp"].to_numpy() - 32) / 1.8))
    (change,) = found(celsius, [temperatures(1)])
    assert found(celsius, [temperatures(1)], accepted=frozenset({change})) == []


def test_a_personal_column_shows_no_typical_value() -> None:
    """The conversion is named, the values are not."""
    spec = feed_spec({"id": "int64", "temp": "float64"}, personal=["temp"])
    came = temperatures(2).set_column(1, "temp", pa.array(temperatures(2)["temp"].to_numpy() * 10))
    (change,) = found(came, [temperatures(1)], spec)
    assert change.said == "temp: unit changed? as from times 10"


def test_a_key_that_repeats_names_the_column_that_is_lacking() -> None:
    """Rows of one key that differ are another key; whole rows that came twice are not."""
    spec = feed_spec({"id": "string", "leg": "int64", "v": "float64"})
    rows = pa.table({"id": ["a", "a", "b", "b"], "leg": [1, 2, 1, 2], "v": [1.0, 1.0, 1.0, 2.0]})
    (change,) = found(rows, [], spec)
    assert change.found == "repeated"
    assert "names 4 of 4 different rows more than once; with leg it would be unique" in change.said
    assert found(pa.concat_tables([rows.slice(0, 1)] * 3), [], spec) == []
    assert found(rows, [], feed_spec({"id": "string", "leg": "int64", "v": "float64"}, mode="append")) == []
    assert found(rows, [], feed_spec({"id": "string", "leg": "int64", "v": "float64"}, quarantine={"max_fraction": 0.9})) == []


def test_a_key_that_is_written_otherwise() -> None:
    """Keys of one shape that become keys of another would name every row anew."""
    spec = feed_spec({"id": "string", "v": "float64"})
    before = pa.table({"id": [f"2013-01-{n:02}-UA" for n in range(1, 20)], "v": [1.0] * 19})
    after = pa.table({"id": [f"UA{n}" for n in range(19)], "v": [1.0] * 19})
    (change,) = found(after, [before], spec)
    assert change.said == "id: the key is written otherwise; found 'a9', expected '9-9-9-a' (a letters, 9 digits)"
    assert found(before, [before], spec) == []
