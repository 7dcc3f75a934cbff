"""Drift of the newest windows: silent while nothing moved, one signal when a feature did."""

from __future__ import annotations

import pandas as pd
import pytest

from include.ratchet.adapters import open_lake, open_ledger
from include.ratchet.domain import specs
from include.ratchet.domain.errors import Skip
from include.ratchet.domain.records import Json
from include.ratchet.tasks import drift, monitor, reading, score
from tests.tiny import DAYS, MODEL, MODEL_YAML, Project, visits

DRIFT = MODEL_YAML.replace("degradation: {drop: 0.1}", "drift: {false_alarms_per_year: 1, windows: 2 of 3}")


def _see(project: Project, content: pd.DataFrame) -> Json:
    project.write(model=DRIFT)
    project.deliver("more.csv", content)
    project.ingest()
    project.run(score.score, MODEL, stage="score")
    made: Json = project.run(monitor.measure, MODEL, stage="monitor")
    return made


def _moved() -> pd.DataFrame:
    content = visits(DAYS, 28)
    content["x"] += 1.0
    return content


def test_a_feature_that_moved_is_one_signal(serving: Project) -> None:
    """It names the column and how far; the same window again is the same signal."""
    report = _see(serving, _moved())
    assert report["drift"]["alarms"][0]["column"] in {"x", "(prediction)"}
    assert "x" in {each["column"] for each in report["drift"]["alarms"]}
    for _ in range(2):
        assert "drift" in serving.run(monitor.signal, report, stage="monitor")
    found = [signal for signal, _ in open_ledger().signals(MODEL) if signal.kind == "drift"]
    assert [each.evidence["version"] for each in found] == [1]
    assert found[0].key.startswith("drift:1:2020-")


def test_what_did_not_move_is_silent(serving: Project) -> None:
    """The run ends as skipped, with both sentences."""
    report = _see(serving, visits(DAYS, 28))
    assert report["drift"]["alarm"] is False
    with pytest.raises(Skip, match="no drift in 2 of 3 windows"):
        serving.run(monitor.signal, report, stage="monitor")


def test_statistics_are_kept_with_the_version_and_per_window(serving: Project) -> None:
    """The reference is made once; each look keeps the windows that it judged, and does not read history again."""
    report = _see(serving, visits(DAYS, 28))
    assert len(report["drift"]["windows"]) == 3
    names = ["reference", *(each.replace(":", "") for each in report["drift"]["windows"])]
    assert all(open_lake().kept(f"sketches/{MODEL}/1/{name}.parquet").num_rows for name in names)


def test_without_a_trigger_nothing_is_looked_at(serving: Project) -> None:
    """A model that asks for no drift alarm pays for none."""
    serving.deliver("more.csv", visits(DAYS, 28))
    serving.ingest()
    serving.run(score.score, MODEL, stage="score")
    assert serving.run(monitor.measure, MODEL, stage="monitor")["drift"] is None


UNTIMED = (
    DRIFT.replace("time: at, ", "")
    .replace("validation: 7d, test: 25d", "validation: 0.2, test: 0.3")
    .replace("labels: {lag: 1d}", "labels: {missing: drop}")
    .replace("false_alarms_per_year: 1,", "false_alarms_per_year: 2,")
)


def test_rows_without_time_are_judged_once(landed: Project) -> None:
    """A look judges what came since the one before; the same rows again, or too few new ones, are no window; a killed look is repeated."""
    landed.write(model=UNTIMED)
    landed.train()
    landed.promote()
    landed.run(score.score, MODEL, stage="score")
    names = []
    for number, days in enumerate((5, 0, 5)):
        landed.run_id = f"look {number}"
        if days:
            landed.deliver(f"more-{number}.csv", visits(DAYS + 5 * number, days))
            landed.ingest()
            landed.run(score.score, MODEL, stage="score")
        snapshot = open_ledger().get_snapshot(open_ledger().verdicts(MODEL)[0].figures["snapshot"])
        for _ in range(2):  # a look that was killed before its report
            spec = specs.model(MODEL)
            found = landed.run(drift.look, spec, 1, snapshot, reading.versions(spec), reading.now(spec), stage="monitor")
        report = landed.run(monitor.measure, MODEL, stage="monitor")
        again = landed.run(monitor.measure, MODEL, stage="monitor")  # killed after its report, before its signal
        assert again["drift"] == report["drift"]
        names.append([report["judged"], (found or {}).get("windows"), (report["drift"] or {}).get("windows")])
    first, second = "rows 2401 to 2600", "rows 2601 to 2800"
    assert names == [[first, [first], [first]], [first, None, None], [second, [second], [second]]]
