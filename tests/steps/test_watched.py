"""What is watched: features, the prediction on rows that were not fitted on, and labels once they have matured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from include.ratchet.steps.frames import features
from include.ratchet.steps.pipeline import build_pipeline
from include.ratchet.steps.sketch import Sketch
from include.ratchet.steps.watched import LABEL, PREDICTION, reference_of, window_of
from tests.makers import model_spec

SPEC = model_spec()
ROWS = 800


def _rows(count: int = ROWS) -> pa.Table:
    draw = np.random.default_rng(1)
    x = draw.normal(size=count)
    start = datetime(2020, 1, 1, tzinfo=UTC)
    return pa.table(
        {
            "id": list(range(count)),
            "at": pa.array([start + timedelta(hours=i) for i in range(count)], pa.timestamp("us", tz="UTC")),
            "x": x,
            "c": draw.choice(["a", "b"], count).tolist(),
            "y": (x > 0).astype(int).tolist(),
        }
    )


def _fitted(rows: pa.Table) -> Pipeline:
    made = build_pipeline(SPEC, SPEC.training.candidates[0], {})
    return made.fit(features(rows, SPEC.columns), rows["y"].to_numpy())


def _by_name(sketches: tuple[Sketch, ...]) -> dict[str, Sketch]:
    return {each.name: each for each in sketches}


def test_features_predictions_and_labels_are_watched() -> None:
    """Predictions of the held-out rows only; of a window labels only when all have matured."""
    rows = _rows()
    pipeline, held = _fitted(rows), np.arange(ROWS) >= 600
    assert isinstance(pipeline[-1], LogisticRegression)
    reference = reference_of(rows, SPEC, pipeline, held)
    known = _by_name(reference)
    assert {"x", "c", PREDICTION, LABEL} <= set(known)
    assert known["x"].counts.sum() == ROWS
    assert known[PREDICTION].counts.sum() == 200
    young = _by_name(window_of(reference, rows.slice(0, 100), SPEC, pipeline, matured=False))
    assert LABEL not in young
    assert young[PREDICTION].counts.sum() == 100
    assert _by_name(window_of(reference, rows.slice(0, 100), SPEC, pipeline, matured=True))[LABEL].counts.sum() == 100


def test_personal_values_are_kept_as_hashes() -> None:
    """No value of a personal column stands in the statistics; the same value has the same hash in a window."""
    rows = _rows()
    pipeline = _fitted(rows)
    reference = reference_of(rows, SPEC, pipeline, np.ones(ROWS, bool), {"c"})
    assert not {"a", "b"} & set(_by_name(reference)["c"].bounds)
    window = _by_name(window_of(reference, rows, SPEC, pipeline, matured=True, personal={"c"}))["c"]
    assert (window.counts.sum(axis=0) == _by_name(reference)["c"].counts.sum(axis=0)).all()
