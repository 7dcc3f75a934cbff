"""The proof in a fresh process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from include.ratchet.adapters.models import save_skops
from include.ratchet.adapters.probe import probe
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps.frames import typed
from include.ratchet.steps.pipeline import build_pipeline
from tests.makers import untimed


def test_a_fresh_process_answers_the_same(tmp_path: Path) -> None:
    """Another interpreter loads the file and answers to nine digits as this one; its time and size are measured."""
    spec: ModelSpec = untimed()
    frame = typed(pd.DataFrame({"x": np.arange(60.0), "c": ["a", None, "b"] * 20}), spec.columns)
    pipeline = build_pipeline(spec, spec.training.candidates[0], {}).fit(frame, (frame["x"] > 30).astype(int))
    save_skops(pipeline, tmp_path / "model.skops")
    made = probe(str(tmp_path / "model.skops"), frame.head(10))
    assert made.error == made.odd == ""
    assert np.asarray(made.predictions) == pytest.approx(pipeline.predict_proba(frame.head(10)), abs=1e-9)
    assert made.p99_ms > 0
    assert made.size_mb == pytest.approx((tmp_path / "model.skops").stat().st_size / 1e6)


def test_what_does_not_load_says_why(tmp_path: Path) -> None:
    """The last line of the other process is the reason, and nothing is raised here: the gate decides."""
    (tmp_path / "model.skops").write_bytes(b"no model")
    made = probe(str(tmp_path / "model.skops"), pd.DataFrame({"x": [1.0]}))
    assert "no skops file" in made.error
    assert made.predictions == []


def test_an_empty_row_that_is_not_answered_is_said(tmp_path: Path) -> None:
    """A model that takes no missing number loads and answers; what it does with an empty row is said apart."""
    frame = pd.DataFrame({"x": np.arange(60.0)})
    pipeline = Pipeline([("model", LogisticRegression())]).fit(frame, (frame["x"] > 30).astype(int))
    save_skops(pipeline, tmp_path / "model.skops")
    made = probe(str(tmp_path / "model.skops"), frame.head(5))
    assert made.error == ""
    assert made.odd.startswith("an empty row is answered with ValueError")
    assert len(made.predictions) == 5
