"""Windows of the past: what has no model, and what cannot be measured."""

from __future__ import annotations

import pytest

from include.ratchet.backtest import planning, training
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError
from tests.tiny import MODEL, MODEL_YAML, Project

WINDOWS = 4


def test_a_window_whose_training_fails_has_no_model(landed: Project) -> None:
    """A training that Ratchet refuses, for whatever reason, is a window without a model; the others go on."""
    landed.write(model=MODEL_YAML.replace("max_depth: 4", "max_depth: nonsense"))
    made = planning.plan(specs.model(MODEL), WINDOWS)
    training.uncover(made, WINDOWS)
    found = training.model_of(made, WINDOWS)
    assert "candidate tree" in found["skipped"]
    assert "max_depth" in found["skipped"]
    assert found["later"] == {}


def test_a_window_that_cannot_be_read_is_named(landed: Project) -> None:
    """An error of the transform says in which window, and when that was."""
    failing = "SELECT * REPLACE (CAST(error('out of ' || colour) AS DOUBLE) AS x) FROM visits"
    (landed.include / "models" / MODEL / "rows.sql").write_text(failing, encoding="utf-8")
    landed.write(model=MODEL_YAML.replace("feeds: [visits]", "feeds: [visits]\n    transform: rows.sql"))
    made = planning.plan(specs.model(MODEL), WINDOWS)
    training.uncover(made, 2)
    with pytest.raises(DataError, match=r"(?s)^window 2, 2020-01-15 to 2020-01-30, cannot be measured: .*out of (red|green)"):
        training.prepare(made, 2)
