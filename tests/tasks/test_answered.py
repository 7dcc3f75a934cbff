"""The service's figures, and the cost of training, in the report."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.ratchet.adapters import open_lake, open_ledger
from include.ratchet.domain import specs
from include.ratchet.steps.requests import to_table
from include.ratchet.tasks import answered, reading, requests
from tests.tiny import MODEL


@pytest.mark.usefixtures("serving")
def test_what_was_answered_is_held_against_the_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing logged is nothing; a number that differs is named, unless it is personal, with errors and latency; training took its time."""
    spec = specs.model(MODEL)
    rows, pipeline = reading.transformed(spec, reading.versions(spec), None), reading.champion(MODEL, 1)
    assert answered.answered(spec, 1, pipeline, rows) is None
    known = rows.slice(0, 2).to_pylist()
    asked = [{"visit": each["visit"], "x": each["x"] + i, "colour": each["colour"]} for i, each in enumerate(known)]
    said = {"predictions": [1, 1], "probabilities": [0.6, 0.6]}
    head = {"id": "0" * 32, "at": datetime.now(UTC).isoformat(), "route": "champion", "version": 1, "ms": 2.0, "error": ""}
    open_lake().write(
        requests.table(MODEL), to_table([{**head, "in": {"records": asked}, "out": said}], spec, {}), write_id="a", mode="append"
    )
    found = answered.answered(spec, 1, pipeline, rows)
    assert found is not None
    assert found["skew"] == {"rows": 2, "different": {"x": 0.5}}
    assert [(each["requests"], each["errors"], each["p50_ms"]) for each in found["service"]] == [(1, 0.0, 2.0)]
    assert found["sentence"].endswith("different: x in 50.0%")
    other = answered.answered(spec, 2, pipeline, rows)
    assert other is not None
    assert other["skew"]["rows"] == 0  # the requests are not of that version
    monkeypatch.setattr(answered, "personal", lambda _: frozenset({"x"}))
    hidden = answered.answered(spec, 1, pipeline, rows)
    assert hidden is not None
    assert hidden["skew"] == {"rows": 2, "different": {}}
    verdict = open_ledger().blessing(MODEL, 1)
    assert verdict is not None
    assert answered.cost(verdict.run_id) > 0
