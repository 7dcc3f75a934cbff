"""The champion on rows that it never saw: silent while it holds, one signal when the concept flips."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from include.ratchet.adapters import open_ledger
from include.ratchet.backtest import replaying
from include.ratchet.domain.errors import Skip
from include.ratchet.domain.records import Json, Window
from include.ratchet.tasks import arbitrate, monitor, monitor_page, online, score
from include.ratchet.tasks.materialize import materialize
from tests.tiny import DAYS, MODEL, MODEL_YAML, VIEW, Project, visits


def _measure(project: Project) -> Json:
    made: Json = project.run(monitor.measure, MODEL, stage="monitor")
    return made


def _more(project: Project, days: int = 21, first: int = DAYS, *, flipped: bool = False) -> None:
    project.deliver(f"more-{first}.csv", visits(first, days, flipped=flipped))
    project.ingest()
    project.run(score.score, MODEL, stage="score")


def _degradations() -> list[str]:
    return [signal.key for signal, _ in open_ledger().signals(MODEL) if signal.kind == "degradation"]


def test_without_predictions_there_is_nothing_to_measure(serving: Project) -> None:
    """A champion that has predicted nothing yet is a skip."""
    with pytest.raises(Skip, match="no predictions yet"):
        _measure(serving)


def test_rows_of_the_snapshot_do_not_count(serving: Project) -> None:
    """All predictions are of rows that the champion was made from: nothing is out of sample."""
    serving.run(score.score, MODEL, stage="score")
    with pytest.raises(Skip, match="no label of an out-of-sample prediction has matured yet"):
        _measure(serving)


def test_a_champion_that_holds_is_reported_and_gives_no_signal(serving: Project) -> None:
    """The report has a figure per window; nothing degraded, so signal is a skip with the sentence."""
    serving.run(score.score, MODEL, stage="score")
    _more(serving)
    report = _measure(serving)
    assert report["rows"] == 20 * 40  # a day of 21 has not matured, one row of the first delivery has
    assert report["degraded"] == []
    with pytest.raises(Skip, match="no degradation is shown"):
        serving.run(monitor.signal, report, stage="monitor")
    assert _degradations() == []


def test_a_flipped_concept_is_one_signal(serving: Project) -> None:
    """The first look that shows it signals; the same window again is the same signal, and starts one run."""
    serving.run(score.score, MODEL, stage="score")
    _more(serving, flipped=True)
    report = _measure(serving)
    # The snapshot ended with 29 February, which leaves five days of its window; labels have matured up to 20 March.
    assert [each["start"] for each in report["windows"] if not each["tested"]] == ["2020-03-19"]
    assert report["degraded"] == ["2020-02-27", "2020-03-05", "2020-03-12"]
    for _ in range(2):
        evidence = serving.run(monitor.signal, report, stage="monitor")
    assert evidence["degradation"]["windows"] == report["degraded"]
    shown = [f"{each['metric']:.4g}" for each in report["windows"] if each["start"] in report["degraded"]]
    assert evidence["degradation"]["is"] == " and ".join(shown)
    assert _degradations() == [f"degradation:1:{report['degraded'][-1]}"]
    run = serving.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")
    assert run["reason"].startswith("degradation")
    serving.run_id = "later"
    serving.run(monitor.signal, _measure(serving), stage="monitor")
    assert len(_degradations()) == 1
    assert not open_ledger().signals(MODEL, pending=True)


def test_what_nobody_reads_is_not_measured(serving: Project) -> None:
    """A report that only signals are made of says of loss and drift what the whole one says, and writes no page."""
    _more(serving, flipped=True)
    bare: Json = serving.run(replaying.measure, MODEL, stage="monitor")
    assert not (serving.home / "monitors").exists()
    whole = _measure(serving)
    assert bare["degraded"]
    assert bare == {name: whole[name] for name in bare} | {"estimated": monitor.NOT_ESTIMATED, "parity": []}
    assert not {"labels", "age"} & set(bare)


def test_rows_of_the_time_of_the_snapshot_speak_neither_for_nor_against(serving: Project) -> None:
    """With a snapshot that ends after them, the same bad rows are shown and are no degradation."""
    serving.run(score.score, MODEL, stage="score")
    _more(serving, flipped=True)
    ledger = open_ledger()
    known = next(each for each in ledger.verdicts(MODEL) if each.version == 1)
    snapshot = ledger.get_snapshot(known.figures["snapshot"])
    ledger.snapshot(replace(snapshot, digest="later", window=Window(snapshot.window.start, snapshot.window.end + timedelta(days=30))))
    at = datetime.now(UTC) + timedelta(seconds=1)
    ledger.judge(replace(known, run_id="again", figures={**known.figures, "snapshot": "later"}, at=at, digest=""))
    report = _measure(serving)
    assert (len(report["windows"]), report["degraded"]) == (4, [])


def test_a_run_reports_once(serving: Project) -> None:
    """Measuring again in the same run gives the same report and keeps one."""
    serving.run(score.score, MODEL, stage="score")
    _more(serving)
    assert _measure(serving) == _measure(serving)
    assert len(open_ledger().reports(MODEL)) == 1


def test_a_champion_is_measured_however_many_were_refused_since(serving: Project) -> None:
    """Sixty refused challengers later its own verdict is still what it is compared with."""
    serving.run(score.score, MODEL, stage="score")
    _more(serving)
    ledger = open_ledger()
    known = next(each for each in ledger.verdicts(MODEL) if each.version == 1)
    for number in range(60):
        at = datetime.now(UTC) + timedelta(seconds=number)
        ledger.judge(replace(known, version=10 + number, run_id=f"r{number}", outcome="refuse", at=at, digest=""))
    assert _measure(serving)["test_metric"] == known.figures["challenger"]


def test_a_view_is_compared_online_with_offline(serving: Project) -> None:
    """The report counts what was answered and training would have seen, and names nobody; without labels or predictions of batches too."""
    serving.run(score.score, MODEL, stage="score")
    serving.add_view()
    serving.run(materialize, VIEW, stage="materialize")
    with pytest.raises(Skip, match="no label of an out-of-sample prediction has matured yet"):
        _measure(serving)
    online.lookup(VIEW, [["red"], ["green"]])
    counts = {"view": VIEW, "answers": 2, "compared": 2, "equal": 2, "behind": 0, "different": 0, "gone": 0}
    assert _measure(serving)["parity"] == [counts]
    with sa.create_engine(f"sqlite:///{serving.home / 'online.db'}").begin() as connection:
        wrong = {"wrong": json.dumps({"visits": 1, "mean": 99.0})}
        connection.execute(sa.text("""UPDATE online_lookups SET content = :wrong WHERE entity = '["red"]'"""), wrong)
    serving.run_id = "later"
    report = _measure(serving)
    assert report["parity"] == [counts | {"equal": 1, "different": 1}]
    with pytest.raises(Skip):
        serving.run(monitor.signal, report, stage="monitor")


def test_a_page_that_cannot_be_written_stops_no_report(serving: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is in the ledger and is returned, so that the signal follows."""

    def failing(_: Json) -> str:
        raise OSError

    serving.run(score.score, MODEL, stage="score")
    _more(serving)
    monkeypatch.setattr(monitor_page, "show", failing)
    assert _measure(serving)["degraded"] == open_ledger().reports(MODEL)[0]["degraded"]


def test_figures_in_two_metrics_are_not_compared(serving: Project) -> None:
    """The metric changed after the blessing: the windows are shown, the report says why no drop is tested, and there is no signal."""
    serving.run(score.score, MODEL, stage="score")
    _more(serving, flipped=True)
    serving.write(model=MODEL_YAML.replace("metric: roc_auc", "metric: accuracy"))
    report = _measure(serving)
    assert report["windows"]
    assert report["degraded"] == []
    assert report["sentence"].endswith("; the champion was judged in roc_auc, which does not compare with accuracy")
