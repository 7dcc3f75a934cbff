"""The monitor estimates the champion before labels, and says when not to believe it."""

from __future__ import annotations

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.domain.errors import Skip
from include.ratchet.tasks import monitor, score
from tests.tiny import DAYS, MODEL, MODEL_YAML, Project, visits


def test_windows_without_labels_are_estimated_and_signal_only_when_asked(serving: Project) -> None:
    """Two windows of which no label has come: the estimate is near the test metric, and is no signal by default."""
    serving.write(model=MODEL_YAML.replace("lag: 1d", "lag: 14d"))
    serving.run(score.score, MODEL, stage="score")
    serving.deliver("more.csv", visits(DAYS, 14).assign(bought=None))
    serving.ingest()
    serving.run(score.score, MODEL, stage="score")
    report = serving.run(monitor.measure, MODEL, stage="monitor")
    made = report["estimated"]
    assert made["off"] is None
    assert {each["came"] for each in made["windows"]} == {None}
    assert abs(made["windows"][-1]["estimate"] - report["test_metric"]) < 0.1
    assert open_ledger().reports(MODEL)[0]["estimated"] == made
    shown = {**report, "estimated": {**made, "degraded": ["2020-03-05"]}}
    with pytest.raises(Skip):
        serving.run(monitor.signal, shown, stage="monitor")
    serving.write(model=MODEL_YAML.replace("{drop: 0.1}", "{drop: 0.1, estimated: true}"))
    evidence = serving.run(monitor.signal, shown, stage="monitor")
    assert evidence["degradation"]["estimated"] is True
