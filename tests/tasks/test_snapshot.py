"""What is pinned before any work, and what no model can be fitted on."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.ratchet.adapters import open_lake, open_ledger
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError, Skip
from include.ratchet.tasks import arbitrate, snapshot
from tests.tiny import DAYS, MODEL, Project, visits


def test_the_form_chooses_window_and_candidates(landed: Project) -> None:
    """The window is counted back from now of the data; only the named candidates compete."""
    run = landed.run(arbitrate.arbitrate, MODEL, window="50d", candidates=["tree"])
    jobs = landed.run(snapshot.snapshot, run)
    assert [job["candidate"] for job in jobs] == ["tree"]
    assert jobs[0]["snapshot"]["rows"] == 50 * 40


def test_a_snapshot_is_named_by_its_content(landed: Project) -> None:
    """Twice the same snapshot is one file and one record; other data is another one."""
    run = landed.run(arbitrate.arbitrate, MODEL)
    first, again = landed.run(snapshot.snapshot, run), landed.run(snapshot.snapshot, run)
    assert first == again
    name = first[0]["snapshot"]["digest"]
    kept = open_ledger().get_snapshot(name)
    assert kept.rows == open_lake().kept(kept.place).num_rows
    assert kept.tables == {"visits": 0}
    landed.deliver("more.csv", visits(DAYS, 1))
    landed.ingest()
    assert landed.run(snapshot.snapshot, run)[0]["snapshot"]["digest"] != name


def test_no_test_row_is_trained_on(landed: Project) -> None:
    """Train and test lie after each other, with the label lag between them, and the job says how many rows each has."""
    (job, _) = landed.run(snapshot.snapshot, landed.run(arbitrate.arbitrate, MODEL))
    rows, parts = snapshot.split_rows(specs.model(MODEL), job["snapshot"])
    at = rows["at"].to_pandas()
    assert at[parts.train].max() + pd.Timedelta(days=1) < at[parts.test].min() + pd.Timedelta(minutes=1)
    assert (parts.train.sum(), parts.test.sum()) == (job["snapshot"]["train"], job["snapshot"]["test"])
    assert job["snapshot"]["folds"] == 3


def _label(first_day: int = 0, days: int = DAYS, **columns: Any) -> pd.DataFrame:
    return visits(first_day, days).assign(**columns)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (_label(bought=""), "no labelled rows in the window"),
        (_label(bought=1), r"found 1 class\(es\) \(np.int64\(1\)|found 1 class\(es\) \(1"),
        (_label(bought=[i % 3 for i in range(DAYS * 40)]), r"found 3 class\(es\)"),
        (_label(bought=[int(i > 1000) for i in range(DAYS * 40)]), "part has .* needs at least one of each class"),
        (_label(0, 20), "the train part has 0 rows"),
    ],
    ids=["no_label", "one_class", "three_classes", "a_class_only_early", "too_few_days"],
)
def test_data_that_no_model_can_learn_from_is_refused_before_any_work(project: Project, frame: pd.DataFrame, words: str) -> None:
    """The message names the model, what was found and what to do; nothing is fitted or registered."""
    project.deliver("a.csv", frame)
    project.ingest()
    run = project.run(arbitrate.arbitrate, MODEL)
    with pytest.raises(DataError, match=words) as caught:
        project.run(snapshot.snapshot, run)
    assert f"models/{MODEL}" in str(caught.value)
    assert not (project.home / "lake" / "_work").exists()


def test_a_young_feed_waits_instead_of_failing(project: Project) -> None:
    """The first of several files that arrive one by one may be too little to train on: skipped, and its rows stay new."""
    project.deliver("a.csv", visits(0, 20))
    project.ingest()
    run = project.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")
    with pytest.raises(Skip, match="not enough history yet"):
        project.run(snapshot.snapshot, run, run_type="asset_triggered")
    project.deliver("b.csv", visits(20, DAYS - 20))
    project.ingest()
    project.run_id = "second"
    run = project.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")
    assert len(project.run(snapshot.snapshot, run, run_type="asset_triggered")) == 2
