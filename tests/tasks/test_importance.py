"""What a version looks at, measured once."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.ratchet.domain import specs
from include.ratchet.tasks import reading
from include.ratchet.tasks.importance import importance, shapley
from include.ratchet.tasks.snapshot import split_rows
from tests.tiny import MODEL


@pytest.mark.usefixtures("serving")
def test_it_is_measured_once_and_then_read() -> None:
    """The label follows x; a second call, for drift, neither reads rows nor asks the model: its figures are the dossier's."""
    spec, pipeline = specs.model(MODEL), reading.champion(MODEL, 1)
    rows, parts = split_rows(spec, {"digest": reading.snapshot_of(MODEL, 1).digest})
    test = rows.filter(pa.array(parts.test))
    found = importance(spec, 1, pipeline, lambda: test)
    assert found[0]["feature"] == "x"
    assert found[0]["drop"] > 0.2 > found[1]["drop"]
    assert importance(spec, 1, None, lambda: pytest.fail("read again")) == found
    asking = spec.model_copy(update={"training": spec.training.model_copy(update={"shap": 60})})
    moved = shapley(asking, 1, pipeline, lambda: test)
    assert [(each["feature"], each["rows"]) for each in moved] == [("x", 60), ("colour", 60)]
    assert moved[0]["low"] > 0.1 > moved[1]["high"]
    assert shapley(asking, 1, None, lambda: pytest.fail("read again")) == moved
