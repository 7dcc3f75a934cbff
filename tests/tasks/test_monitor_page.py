"""The page of the newest report, in the home and in MLflow."""

from __future__ import annotations

from include.ratchet.adapters import open_ledger
from include.ratchet.tasks import monitor, monitor_page, score
from tests.tiny import DAYS, MODEL, Project, visits


def test_a_look_leaves_its_page(serving: Project) -> None:
    """Measured, the page shows the windows of the report; shown again it is the same page, and MLflow's link comes back."""
    serving.run(score.score, MODEL, stage="score")
    serving.deliver("more.csv", visits(DAYS, 21))
    serving.ingest()
    serving.run(score.score, MODEL, stage="score")
    serving.run(monitor.measure, MODEL, stage="monitor")
    (report,) = open_ledger().reports(MODEL)
    kept = serving.home / "monitors" / f"{MODEL}.html"
    made = kept.read_text(encoding="utf-8")
    assert [each["start"] in made for each in report["estimated"]["windows"]] == [True] * len(report["estimated"]["windows"])
    assert report["estimated"]["windows"][0]["came"] is not None
    assert "report.html" in monitor_page.show(report)
    assert kept.read_text(encoding="utf-8") == made
