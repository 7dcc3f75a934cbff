"""What the champion does on rows it never saw: matured labels only, and a degradation only when it is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Window
from include.ratchet.steps.monitor import FEWEST_ROWS, needs_probabilities, realised
from tests.makers import model_spec, untimed

START = datetime(2013, 1, 3, tzinfo=UTC)  # a Thursday, on which a window of seven days from 1970 begins
SPEC = model_spec(triggers__degradation={"drop": 0.1, "windows": "1 of 3"}, monitor__window="7d")
PER_DAY = 40
ALL = Window(START, START + timedelta(days=365))


def day(number: int) -> datetime:
    """Return the beginning of a day of the world."""
    return START + timedelta(days=number)


def report_on(
    world: tuple[pa.Table, pa.Table], *, spec: ModelSpec = SPEC, version: int = 3, reference: float = 0.9, period: Window = ALL
) -> dict[str, Any]:
    """Report on a world in which, unless told otherwise, everything came after the snapshot and has matured."""
    return realised(spec, *world, version, reference, period)


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
        "scored_at": [START] * count,
    }
    return rows, pa.table(made)


def test_windows_are_measured_with_their_interval() -> None:
    """Each window of the spec has its rows, its metric, and an interval around it."""
    report = report_on(world(14, 0.9))
    assert [(w["start"], w["rows"]) for w in report["windows"]] == [("2013-01-03", 280), ("2013-01-10", 280)]
    assert all(w["low"] < w["metric"] < w["high"] for w in report["windows"])
    assert all(abs(w["metric"] - 0.9) < 0.06 for w in report["windows"])
    assert (report["rows"], report["degraded"]) == (560, [])


def test_a_degradation_is_shown() -> None:
    """A champion that fell from 0.9 to 0.6 is worse by more than 0.1 in every window, and the sentence says so."""
    report = report_on(world(14, 0.6))
    assert report["degraded"] == ["2013-01-03", "2013-01-10"]
    assert "worse than 0.9 by more than 0.1 in 2013-01-03, 2013-01-10" in report["sentence"]


def test_a_drop_within_what_is_allowed_is_none() -> None:
    """0.85 is not shown to be worse than 0.9 by more than 0.1; without a trigger nothing ever is."""
    assert report_on(world(14, 0.85))["degraded"] == []
    assert report_on(world(14, 0.3), spec=model_spec())["degraded"] == []


def test_only_the_champions_own_predictions_speak_against_it() -> None:
    """What an earlier version predicted is shown, and is no reason to replace this one."""
    report = report_on(world(7, 0.5), version=4)
    assert [w["version"] for w in report["windows"]] == [3]
    assert report["degraded"] == []


def test_rows_of_the_snapshot_do_not_count() -> None:
    """What the model was trained or judged on says nothing about how it does now."""
    report = report_on(world(7, 0.9, snapshot=200))
    assert report["rows"] == 80


def test_whole_number_labels_with_some_missing() -> None:
    """Labels that have not all arrived are read as training read them: 1 stays 1, and the others are left out."""
    rows, predictions = world(7, 1.0)
    labels = [None if i % 4 == 0 else y for i, y in enumerate(rows["y"].to_pylist())]
    report = report_on(world(7, 1.0, labels=labels))
    assert report["rows"] == 210
    assert report["windows"][0]["metric"] == 1.0
    assert predictions.num_rows == 280


def test_too_few_rows_are_counted_and_not_judged() -> None:
    """A window of fewer than 50 rows, or of one class, has no metric."""
    rows, predictions = world(7, 0.5)
    few = report_on((rows.slice(0, FEWEST_ROWS - 1), predictions))
    assert (few["windows"][0]["rows"], few["windows"][0]["metric"], few["degraded"]) == (49, None, [])
    one = report_on((world(7, 0.5, labels=[1] * 280)[0], predictions))
    assert one["windows"][0]["metric"] is None


def test_without_time_there_is_one_window() -> None:
    """All rows are one window, with random blocks."""
    rows, predictions = world(7, 0.9)
    report = report_on((rows, predictions), spec=untimed())
    assert [(w["start"], w["rows"]) for w in report["windows"]] == [("all", 280)]


def test_a_regression_is_measured_by_its_own_metric() -> None:
    """Numbers are compared as numbers, higher is better."""
    spec = model_spec(task="regression", gate__metric="neg_mean_absolute_error", gate__business={"neg_mean_absolute_error": ">= -9"})
    rows, predictions = world(7, 1.0)
    numbers = predictions.set_column(1, "prediction", pa.array([float(y) + 2 for y in rows["y"].to_pylist()]))
    report = report_on((rows, numbers), spec=spec, reference=-2.0)
    assert report["windows"][0]["metric"] == pytest.approx(-2.0)


def test_no_label_has_matured() -> None:
    """With nothing to join there are no windows, and no error."""
    rows, predictions = world(7, 0.9)
    report = report_on((rows.slice(0, 0), predictions))
    assert (report["rows"], report["windows"]) == (0, [])


def test_a_window_is_tested_once_its_last_day_has_matured() -> None:
    """An open window is shown and not tested: each run would test it again on some rows more."""
    made = world(14, 0.5)
    before = report_on(made, period=Window(START, day(14) - timedelta(seconds=1)))
    assert [(w["start"], w["tested"]) for w in before["windows"]] == [("2013-01-03", True), ("2013-01-10", False)]
    assert before["degraded"] == ["2013-01-03"]
    assert "in 2 windows, 1 of them tested" in before["sentence"]
    assert report_on(made, period=Window(START, day(14)))["degraded"] == ["2013-01-03", "2013-01-10"]


def test_only_what_came_after_the_snapshot_speaks_against_the_champion() -> None:
    """Rows older than the snapshot's end are shown; of a window that it cuts, the days after it are tested if they are five."""
    made = world(14, 0.5)
    assert report_on(made, period=Window(day(7), day(14)))["degraded"] == ["2013-01-10"]
    assert report_on(made, period=Window(day(9), day(14)))["degraded"] == ["2013-01-10"]
    late = report_on(made, period=Window(day(10), day(14)))
    assert (late["degraded"], [w["tested"] for w in late["windows"]]) == ([], [False, False])
    assert [w["rows"] for w in late["windows"]] == [280, 280]


def test_days_before_the_snapshots_end_do_not_weigh_in() -> None:
    """The champion is bad on late rows of the time it was made from, and well since: that is no degradation."""
    rows, predictions = world(14, 1.0)
    bad = pa.array([str(1 - y) if i < 9 * PER_DAY else str(y) for i, y in enumerate(rows["y"].to_pylist())])
    made = rows, predictions.set_column(1, "prediction", bad)
    assert report_on(made, period=Window(day(9), day(14)))["degraded"] == []
    assert report_on(made)["degraded"] == ["2013-01-03"]


def test_a_window_of_few_days_is_not_tested() -> None:
    """Four days of 40 rows have an interval, and no error worth a signal."""
    rows, predictions = world(7, 0.3)
    few = report_on((rows.slice(0, 4 * PER_DAY), predictions))
    assert (few["windows"][0]["tested"], few["degraded"]) == (False, [])
    assert report_on((rows.slice(0, 5 * PER_DAY), predictions))["degraded"] == ["2013-01-03"]


def test_many_windows_give_no_more_false_alarms_than_one() -> None:
    """A report that shows 20 windows looks at the newest three: windows as bad as is allowed and no worse rarely alarm."""
    draw, alarms = np.random.default_rng(1), 0
    for _ in range(20):
        rows, predictions = world(140, 1.0)
        hit = draw.uniform(size=rows.num_rows) < 0.8
        said = pa.array([str(y if h else 1 - y) for y, h in zip(rows["y"].to_pylist(), hit, strict=True)])
        alarms += bool(report_on((rows, predictions.set_column(1, "prediction", said)))["degraded"])
    assert alarms <= 3  # uncorrected 6 of 20


def test_a_row_that_was_predicted_twice_counts_once() -> None:
    """Two predictions of a row, by a race of old, do not stop the monitor: the first one made counts."""
    rows, predictions = world(7, 1.0)
    wrong = pa.array([str(1 - y) for y in rows["y"].to_pylist()])
    again = predictions.set_column(1, "prediction", wrong)
    later = again.set_column(again.column_names.index("scored_at"), "scored_at", pa.array([day(1)] * 280, pa.timestamp("us", tz="UTC")))
    report = report_on((rows, pa.concat_tables([later, predictions])))
    assert (report["rows"], report["windows"][0]["metric"]) == (280, 1.0)


def several(metric: str) -> ModelSpec:
    """Make a spec of several classes that is measured by a metric."""
    return model_spec(
        task="multiclass",
        gate__metric=metric,
        gate__business={metric: ">= -9"},
        triggers__degradation={"drop": 0.1, "windows": "1 of 3"},
        monitor__window="7d",
    )


def three(said: str) -> tuple[pa.Table, pa.Table]:
    """Make a world of labels a and b in which every a is predicted as such, and every b as `said`."""
    rows, predictions = world(7, 1.0)
    truth = ["ab"[y] for y in rows["y"].to_pylist()]
    rows = rows.set_column(rows.column_names.index("y"), "y", pa.array(truth))
    return rows, predictions.set_column(1, "prediction", pa.array(["a" if y == "a" else said for y in truth]))


def test_a_class_that_the_window_lacks_is_not_another_one() -> None:
    """A predicted class that no label of the window has is a wrong answer, not the first class."""
    rows, predictions = three("c")
    share = rows["y"].to_pylist().count("a") / 280
    assert report_on((rows, predictions), spec=several("accuracy"))["windows"][0]["metric"] == pytest.approx(share)
    flipped = three("c")[0], predictions.set_column(1, "prediction", pa.array(["c"] * 280))
    assert report_on(flipped, spec=several("accuracy"))["windows"][0]["metric"] == 0.0


@pytest.mark.parametrize("metric", ["neg_log_loss", "roc_auc_ovr"])
def test_a_metric_of_all_probabilities_is_not_made_up(metric: str) -> None:
    """Predictions keep the highest probability only: with several classes the report says so and has no figure."""
    report = report_on(three("b"), spec=several(metric))
    (window,) = report["windows"]
    assert (window["metric"], window["note"]) == (None, "not measured: needs all probabilities")
    assert report["sentence"].endswith(f"; {metric} not measured: needs all probabilities")
    assert report["degraded"] == []


@pytest.mark.parametrize(("metric", "needed"), [("accuracy", False), ("f1_macro", False), ("f1", False), ("neg_brier_score", True)])
def test_what_needs_probabilities(metric: str, needed: bool) -> None:  # noqa: FBT001 - a table of expectations
    """Scikit-learn itself is asked what a metric looks at."""
    assert needs_probabilities(metric) is needed


def test_numbers_as_classes_meet_their_text() -> None:
    """A champion that was fitted on 0.0 and 1.0 is right about 0 and 1."""
    rows, predictions = world(7, 1.0)
    said = predictions.set_column(1, "prediction", pa.array([f"{y}.0" for y in rows["y"].to_pylist()]))
    assert report_on((rows, said))["windows"][0]["metric"] == 1.0


def test_segments_of_the_newest_windows_have_their_intervals() -> None:
    """Per value of a segment column, in the newest three windows of the champion; too few rows have no figure."""
    rows, predictions = world(28, 0.9)
    rows = rows.set_column(4, "c", pa.array(["rare" if i % 40 == 0 else "ab"[i % 2] for i in range(rows.num_rows)]))
    found = report_on((rows, predictions), spec=model_spec(columns__segments=["c"]))["segments"]
    assert sorted({each["start"] for each in found}) == ["2013-01-10", "2013-01-17", "2013-01-24"]
    assert sum(each["rows"] for each in found) == 21 * PER_DAY
    assert {each["segment"] for each in found if each["metric"] is None} == {"c=rare"}
    assert all(each["low"] < each["metric"] < each["high"] for each in found if each["segment"] != "c=rare")
    assert report_on((rows, predictions), spec=model_spec(columns__segments=["c"]), version=4)["segments"] == []


def test_precision_without_a_positive_answer_is_no_degradation() -> None:
    """A window in which nothing is called positive has no precision: it is shown without a figure and is not tested."""
    rows, predictions = world(7, 1.0)
    spec = model_spec(
        gate__metric="precision",
        gate__business={"precision": ">= 0.1"},
        triggers__degradation={"drop": 0.1, "windows": "1 of 3"},
        monitor__window="7d",
    )
    never = predictions.set_column(1, "prediction", pa.array(["0"] * 280))
    (window,) = report_on((rows, never), spec=spec)["windows"]
    assert (window["metric"], window["tested"]) == (None, False)
    assert report_on((rows, predictions), spec=spec)["windows"][0]["metric"] == 1.0
