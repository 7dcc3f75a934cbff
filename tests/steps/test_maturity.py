"""Labels as they come: censored rows stay at risk, corrections are seen, cohorts add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from include.ratchet.steps.maturity import first_predictions, followed, kaplan_meier, maturity, news
from tests.makers import model_spec, untimed

START = datetime(2013, 1, 3, tzinfo=UTC)
SPEC = model_spec(labels__lag="10d", monitor__window="7d")
ARRIVED = model_spec(labels__lag="10d", labels__arrived="came", monitor__window="7d")
LOOK = pd.Timestamp(START + timedelta(days=20))


def made(labels: list[Any], *, came: list[Any] | None = None, days: list[int] | None = None) -> tuple[pa.Table, pa.Table]:
    """Make one row a day, each predicted out of sample; `days` are their events' days after the start."""
    ids = list(range(len(labels)))
    at = pa.array([START + timedelta(days=day) for day in days or ids], pa.timestamp("us", tz="UTC"))
    rows = {"id": ids, "at": at, "y": labels} | ({"came": pa.array(came, pa.timestamp("us", tz="UTC"))} if came else {})
    count = len(ids)
    predictions = {"id": ids, "at": at, "scored_at": [START] * count, "in_snapshot": [False] * count, "model_version": [1] * count}
    return pa.table(rows), pa.table(predictions)


def test_censored_rows_stay_at_risk() -> None:
    """By hand: of four, one comes at 1 and one at 3; one has waited for 2 only. 1/4 by 1, then 1 - 3/4 * 1/2."""
    ages, share = kaplan_meier(np.array([3.0, 1.0, 2.0, 5.0]), np.array([True, True, False, False]))
    assert ages.tolist() == [1.0, 2.0, 3.0, 5.0]
    assert share == pytest.approx([0.25, 0.25, 0.625, 0.625])


def test_the_curve_finds_the_law_of_the_lag_under_censoring() -> None:
    """Exponential lags of ten days on average, events of the last 30 days: the share of those known misses it, the curve does not."""
    draw = np.random.default_rng(5)
    lag, age = draw.exponential(10, 4000), draw.uniform(0, 30, 4000)
    known = lag <= age
    ages, share = kaplan_meier(np.minimum(lag, age), known)
    truth = stats.expon(scale=10).cdf(20)
    assert share[np.searchsorted(ages, 20) - 1] == pytest.approx(truth, abs=0.03)
    assert (lag[known] <= 20).mean() > truth + 0.03


def test_every_prediction_is_known_waiting_or_missing() -> None:
    """None is dropped: with the label, younger than the lag without, older without; the cohorts add up to the whole."""
    rows, predictions = made([1, 0, None, 1] + [None] * 11)
    gone = followed(SPEC, rows.slice(0, 14), predictions)  # the last one's row has not come at all
    at = pd.Timestamp(START + timedelta(days=14))
    found = maturity(SPEC, gone, news(SPEC, gone, None, at), at)
    assert (found["rows"], found["known"], found["waiting"], found["missing"]) == (15, 3, 11, 1)
    for name in ("rows", "known", "waiting", "missing", "corrected"):
        assert sum(each[name] for each in found["cohorts"]) == found[name]
    assert [each["start"] for each in found["cohorts"]] == ["2013-01-03", "2013-01-10", "2013-01-17"]
    assert "3 of 15 are known" in found["sentence"]
    assert "11 are waited for, 1 are overdue" in found["sentence"]


def test_a_label_that_says_when_it_came_is_believed() -> None:
    """Lags of 0 to 4 days by the named column; without it a label came when it was first seen."""
    came = [START + timedelta(days=2 * i) for i in range(5)]
    rows, predictions = made([1, 0, 1, 0, 1], came=came)
    found = followed(ARRIVED, rows, predictions)
    exact = maturity(ARRIVED, found, news(ARRIVED, found, None, LOOK), LOOK)
    assert exact["quantiles"] == {"0.5": 2.0, "0.9": 4.0, "0.99": 4.0}
    assert exact["curve"][:6] == [[0, 0.2], [1, 0.4], [2, 0.6], [3, 0.8], [5, 1.0], [7, 1.0]]
    found = followed(SPEC, rows, predictions)
    assert maturity(SPEC, found, news(SPEC, found, None, LOOK), LOOK)["quantiles"]["0.5"] == 18.0


def test_a_correction_is_a_revision_and_the_same_label_is_none() -> None:
    """1.0 is 1; 0 instead of 1 is a correction, and back again is another one."""
    rows, predictions = made([1, 0, None])
    found = followed(SPEC, rows, predictions)
    first = news(SPEC, found, None, LOOK)
    assert first["revision"].to_pylist() == [0, 0]
    assert news(SPEC, followed(SPEC, made([1.0, 0.0, None])[0], predictions), first, LOOK).num_rows == 0
    second = news(SPEC, followed(SPEC, made([0, 0, 1])[0], predictions), first, LOOK + pd.Timedelta(days=5))
    assert second.select(["id", "revision", "label"]).to_pylist() == [
        {"id": 0, "revision": 1, "label": "0"},
        {"id": 2, "revision": 0, "label": "1"},
    ]
    seen = pa.concat_tables([first, second])
    third = news(SPEC, found, seen, LOOK + pd.Timedelta(days=6))
    assert third.select(["id", "revision"]).to_pylist() == [{"id": 0, "revision": 2}]
    report = maturity(SPEC, found, pa.concat_tables([seen, third]), LOOK)
    assert report["corrected"] == 1
    assert report["sentence"].endswith("1 were corrected")


def test_a_correction_does_not_change_when_the_label_first_came() -> None:
    """The curve is of first labels; a label corrected on day 40 was still known on day 20."""
    rows, predictions = made([1])
    found = followed(SPEC, rows, predictions)
    first = news(SPEC, found, None, LOOK)
    later = LOOK + pd.Timedelta(days=20)
    changed = followed(SPEC, made([0])[0], predictions)
    seen = pa.concat_tables([first, news(SPEC, changed, first, later)])
    assert maturity(SPEC, changed, seen, later)["quantiles"]["0.5"] == 20.0


def test_rows_of_the_snapshot_and_second_predictions_are_not_followed() -> None:
    """Out of sample only, the first prediction of a row."""
    _, predictions = made([1, 1, 1])
    marked = predictions.set_column(3, "in_snapshot", pa.array([True, False, False]))
    again = marked.set_column(2, "scored_at", pa.array([START + timedelta(days=1)] * 3, pa.timestamp("us", tz="UTC")))
    once = first_predictions(pa.concat_tables([again, marked]), SPEC)
    assert once["id"].tolist() == [1, 2]
    assert set(once["scored_at"]) == {pd.Timestamp(START)}


def test_without_time_a_prediction_is_as_old_as_it_is() -> None:
    """The age counts from when it was predicted."""
    rows, predictions = made([1, None])
    found = followed(untimed(), rows.drop_columns(["at"]), predictions.drop_columns(["at"]))
    assert set(found["event_at"]) == {pd.Timestamp(START)}


def test_nothing_predicted_is_no_error() -> None:
    """No rows, no curve."""
    rows, predictions = made([1])
    found = followed(SPEC, rows, predictions.slice(0, 0))
    report = maturity(SPEC, found, news(SPEC, found, None, LOOK), LOOK)
    assert (report["rows"], report["cohorts"], report["quantiles"]["0.5"]) == (0, [], None)
