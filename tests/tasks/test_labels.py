"""Labels are followed into the lake: what came, what changed, once each."""

from __future__ import annotations

import pandas as pd

from include.ratchet.domain.records import Json
from include.ratchet.tasks import labels, monitor, score
from tests.tiny import DAYS, MODEL, Project, visits


def _measure(project: Project) -> Json:
    made: Json = project.run(monitor.measure, MODEL, stage="monitor")
    return made


def test_late_labels_and_corrections_are_counted_once_and_change_the_figures(serving: Project) -> None:
    """A batch without labels, then with them, then with some turned around: waited for, known, corrected."""
    serving.run(score.score, MODEL, stage="score")
    rows = visits(DAYS, 14)
    serving.deliver("bare.csv", rows.assign(bought=pd.array([pd.NA] * len(rows), dtype="Int64")))
    serving.ingest()
    serving.run(score.score, MODEL, stage="score")
    serving.deliver("some.csv", rows[:280])
    serving.ingest()
    report = _measure(serving)
    # The newest row is not scored yet, and one as old as the lag has not matured.
    # The first delivery's newest row came after its snapshot's window ended: it is out of sample, with its label.
    assert [report["labels"][name] for name in ("rows", "known", "waiting", "missing", "corrected")] == [560, 281, 40, 239, 0]
    before = report["windows"][0]["metric"]
    serving.deliver("turned.csv", rows[:40].assign(bought=1 - rows[:40]["bought"]))
    serving.ingest()
    serving.run_id = "second"
    for _ in range(2):  # a task that is run again notes nothing twice
        again = _measure(serving)
    assert (again["labels"]["corrected"], again["labels"]["known"]) == (40, 281)
    assert again["windows"][0]["metric"] < before
    assert len(serving.rows(labels.table(MODEL))) == 281 + 40
