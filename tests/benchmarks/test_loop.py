"""The timeline of a run."""

from __future__ import annotations

from benchmarks.loop import timeline


def test_the_timeline_shows_waiting_and_the_plain_time_beside() -> None:
    """Each task's line says how long it waited for a worker, how long it took, and its share of the plain body."""
    fit = {"dag": "m_train", "run": "r", "state": "success", "queued": 1.0, "started": 1.5, "ended": 3.5}
    page = timeline([fit | {"task": "fit[0]"}, fit | {"task": "fit[1]"}], {"m_train.fit": 3.0})
    assert page.splitlines()[1].split() == ["1.00", "1.50", "3.50", "0.50", "2.00", "1.50", "m_train.fit[0]", "success"]


def test_a_task_that_never_started_has_no_times() -> None:
    """A skipped task is listed without a wait."""
    skipped = {"dag": "m_train", "run": "r", "task": "bless", "state": "skipped", "queued": None, "started": None, "ended": 2.0}
    assert timeline([skipped], {}).splitlines()[1].split() == ["2.00", "m_train.bless", "skipped"]
