"""What the champion does on rows it never saw: matured labels only, and a degradation only when it is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from include.ratchet.steps.monitor import FEWEST_ROWS, realised
from tests.makers import model_spec, untimed

START = datetime(2013, 1, 3, tzinfo=UTC)  # a Thursday, on which a window of seven days from 1970 begins
SPEC = model_spec(triggers__degradation={"drop": 0.1}, monitor__window="7d")
PER_DAY = 40


def world(days: int, right: float, *, labels: list[Any] | None = None, snapshot: int = 0) -> tuple[pa.Table, pa.Table]:
    """Make rows and the predictions of version 3, a share `right` of which is right; the first `snapshot` were trained on."""
    draw = np.random.default_rng(0)
    count = days * PER_DAY
    truth = draw.integers(0, 2, count)
    hit = draw.uniform(size=count) < right
    said = np.where(hit, truth, 1 - truth)
    at = pa.array([START + timedelta(days=i // PER_DAY, minutes=i % PER_DAY) for i in range(count)], pa.timestamp("us", tz="UTC"))
    ids = list(range(count))
    rows = pa.table({"id": ids, "at": at, "y": labels or truth.tolist(), "x": [0.0] * count, "c": ["a"] * count})
    made = {
        "id": ids,
        "prediction": said.astype(str).tolist(),
        "score": said * 0.8 + 0.1,
        "model_version": [3] * count,
        "in_snapshot": [i < snapshot for i in ids],
    }
    return rows, pa.table(made)


def test_windows_are_measured_with_their_interval() -> None:
    """Each window of the spec has its rows, its metric, and an interval around it."""
    report = realised(SPEC, *world(14, 0.9), version=3, reference=0.9)
    assert [(w["start"], w["rows"]) for w in report["windows"]] == [("2013-01-03", 280), ("2013-01-10", 280)]
    assert all(w["low"] < w["metric"] < w["high"] for w in report["windows"])
    assert all(abs(w["metric"] - 0.9) < 0.06 for w in report["windows"])
    assert (report["rows"], report["degraded"]) == (560, [])


def test_a_degradation_is_shown() -> None:
    """A champion that fell from 0.9 to 0.6 is worse by more than 0.1 in every window, and the sentence says so."""
    report = realised(SPEC, *world(14, 0.6), version=3, reference=0.9)
    assert report["degraded"] == ["2013-01-03", "2013-01-10"]
    assert "worse than 0.9 by more than 0.1 in 2013-01-03, 2013-01-10" in report["sentence"]


def test_a_drop_within_what_is_allowed_is_none() -> None:
    """0.85 is not shown to be worse than 0.9 by more than 0.1; without a trigger nothing ever is."""
    assert realised(SPEC, *world(14, 0.85), version=3, reference=0.9)["degraded"] == []
    assert realised(model_spec(), *world(14, 0.3), version=3, reference=0.9)["degraded"] == []


def test_only_the_champions_own_predictions_speak_against_it() -> None:
    """What an earlier version predicted is shown, and is no reason to replace this one."""
    report = realised(SPEC, *world(7, 0.5), version=4, reference=0.9)
    assert [w["version"] for w in report["windows"]] == [3]
    assert report["degraded"] == []


def test_rows_of_the_snapshot_do_not_count() -> None:
    """What the model was trained or judged on says nothing about how it does now."""
    report = realised(SPEC, *world(7, 0.9, snapshot=200), version=3, reference=0.9)
    assert report["rows"] == 80


def test_whole_number_labels_with_some_missing() -> None:
    """Labels that have not all arrived are read as training read them: 1 stays 1, and the others are left out."""
    rows, predictions = world(7, 1.0)
    labels = [None if i % 4 == 0 else y for i, y in enumerate(rows["y"].to_pylist())]
    report = realised(SPEC, *world(7, 1.0, labels=labels), version=3, reference=0.9)
    assert report["rows"] == 210
    assert report["windows"][0]["metric"] == 1.0
    assert predictions.num_rows == 280


def test_too_few_rows_are_counted_and_not_judged() -> None:
    """A window of fewer than 50 rows, or of one class, has no metric."""
    rows, predictions = world(7, 0.5)
    few = realised(SPEC, rows.slice(0, FEWEST_ROWS - 1), predictions, version=3, reference=0.9)
    assert (few["windows"][0]["rows"], few["windows"][0]["metric"], few["degraded"]) == (49, None, [])
    one = realised(SPEC, world(7, 0.5, labels=[1] * 280)[0], predictions, version=3, reference=0.9)
    assert one["windows"][0]["metric"] is None


def test_without_time_there_is_one_window() -> None:
    """All rows are one window, with random blocks."""
    rows, predictions = world(7, 0.9)
    report = realised(untimed(), rows, predictions, version=3, reference=0.9)
    assert [(w["start"], w["rows"]) for w in report["windows"]] == [("all", 280)]


def test_a_regression_is_measured_by_its_own_metric() -> None:
    """Numbers are compared as numbers, higher is better."""
    spec = model_spec(task="regression", gate__metric="neg_mean_absolute_error", gate__business={"neg_mean_absolute_error": ">= -9"})
    rows, predictions = world(7, 1.0)
    numbers = predictions.set_column(1, "prediction", pa.array([float(y) + 2 for y in rows["y"].to_pylist()]))
    report = realised(spec, rows, numbers, version=3, reference=-2.0)
    assert report["windows"][0]["metric"] == pytest.approx(-2.0)


def test_no_label_has_matured() -> None:
    """With nothing to join there are no windows, and no error."""
    rows, predictions = world(7, 0.9)
    report = realised(SPEC, rows.slice(0, 0), predictions, version=3, reference=0.9)
    assert (report["rows"], report["windows"]) == (0, [])
