"""A version's answers are its pipeline's own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DeployError
from include.ratchet.serving.frames import to_frame
from include.ratchet.serving.served import Served, predict, rehearse
from tests.serving.fakes import COLUMNS, constant, fit, prepared, toy_records, write_spec

ROWS = toy_records(200, seed=1)
FRAME = to_frame(COLUMNS, ROWS)


def serve(include: Path, pipeline: Any, task: str, **changes: Any) -> Served:
    """Make a served version of a spec with changes."""
    (include / "feeds" / "flights").mkdir(parents=True, exist_ok=True)
    write_spec(include, "late", task, **changes)
    return Served(specs.model("late", include), 3, pipeline, datetime.now(UTC))


@pytest.mark.parametrize("labels", [[0, 1], ["no", "yes"], [False, True]])
def test_binary_is_the_pipelines_own(tmp_path: Path, labels: list[Any]) -> None:
    """At 0.5 labels equal predict, and probabilities equal the second column of predict_proba, to the last bit."""
    pipeline = fit(labels)
    answer = predict(serve(tmp_path, pipeline, "binary"), ROWS)
    assert answer["predictions"] == pipeline.predict(FRAME).tolist()
    assert answer["probabilities"] == pipeline.predict_proba(FRAME)[:, 1].tolist()
    assert (answer["model"], answer["version"]) == ("late", 3)
    assert type(answer["predictions"][0]) is type(labels[0])


def test_binary_label_follows_the_specs_threshold(tmp_path: Path) -> None:
    """The label is positive from the threshold on, that value included."""
    pipeline = fit([0, 1])
    positive = pipeline.predict_proba(FRAME)[:, 1]
    threshold = float(np.sort(positive)[150])
    gate = {"metric": "log_loss", "business": {"log_loss": "<= 9"}, "threshold": threshold}
    answer = predict(serve(tmp_path, pipeline, "binary", gate=gate), ROWS)
    assert answer["predictions"] == [int(p >= threshold) for p in positive]
    assert 0 < sum(answer["predictions"]) < 100


def test_multiclass_names_every_class(tmp_path: Path) -> None:
    """The label equals predict; each row maps every class to its probability."""
    pipeline = fit(["early", "late", "on time"])
    answer = predict(serve(tmp_path, pipeline, "multiclass"), ROWS)
    assert answer["predictions"] == pipeline.predict(FRAME).tolist()
    names = ["early", "late", "on time"]
    assert answer["probabilities"] == [dict(zip(names, row, strict=True)) for row in pipeline.predict_proba(FRAME).tolist()]


def test_regression_is_the_number(tmp_path: Path) -> None:
    """A number per row, and no probabilities."""
    pipeline = fit()
    answer = predict(serve(tmp_path, pipeline, "regression"), ROWS)
    assert answer["predictions"] == pipeline.predict(FRAME).tolist()
    assert "probabilities" not in answer


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_table_is_answered_past_pandas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    """Where the version has its fast way; the answer is the pipeline's own, to the last bit."""
    hours = FRAME["hour"].to_numpy()
    kind, y = {
        "binary": ("Classifier", (hours > 12).astype(int)),
        "multiclass": ("Classifier", np.array(["a", "b", "c"])[hours.astype(int) % 3]),
        "regression": ("Regressor", hours * 1.5),
    }[task]
    served = serve(tmp_path, prepared(COLUMNS, f"sklearn.ensemble.HistGradientBoosting{kind}", y=y), task)
    expected = predict(served, ROWS)
    monkeypatch.setattr("include.ratchet.serving.served.to_frame", None)
    assert predict(served, {name: FRAME[name].to_numpy() for name in COLUMNS.features}) == expected


def test_rehearsal_passes_what_answers(tmp_path: Path) -> None:
    """A version that answers a row of nulls may serve; what no request should wait for is built by then."""
    served = serve(tmp_path, fit([0, 1]), "binary")
    rehearse(served)
    assert {"reader", "fast"} <= vars(served).keys()


@pytest.mark.parametrize(
    ("pipeline", "task", "reason"),
    [
        (constant(np.nan), "regression", "not a finite number"),
        (make_pipeline(LinearRegression()).fit(FRAME[["hour"]], FRAME["hour"]), "regression", "a row of nulls: ValueError"),
        (make_pipeline(DummyClassifier()).fit(FRAME, [1] * len(FRAME)), "binary", r"1 class\(es\)"),
        (constant(1.0), "binary", "a row of nulls: AttributeError"),
    ],
    ids=["not finite", "refuses nulls", "one class", "no classifier"],
)
def test_rehearsal_refuses_what_does_not(tmp_path: Path, pipeline: Any, task: str, reason: str) -> None:
    """A version that cannot answer is refused with the reason, before anyone asks it."""
    with pytest.raises(DeployError, match=reason):
        rehearse(serve(tmp_path, pipeline, task))
