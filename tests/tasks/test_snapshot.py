"""What is pinned before any work, and what no model can be fitted on."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pytest

from include.ratchet.adapters import open_lake, open_ledger
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError, Skip
from include.ratchet.tasks import arbitrate, reading, snapshot
from include.ratchet.tasks.replay import replay
from tests.tiny import DAYS, MODEL, MODEL_YAML, Project, visits


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


def test_without_time_the_next_verdict_is_on_rows_that_nobody_saw(landed: Project) -> None:
    """A run waits, or says to who asked by hand, until enough unseen test rows came; then they decide, and a replay is the same."""
    timeless = MODEL_YAML.replace("time: at, ", "").replace("validation: 7d, test: 25d", "validation: 0.2, test: 0.3")
    landed.write(model=timeless.replace("looks: 5", "looks: 1").replace("champion: {", "sanity: {min_rows: 150}\n      champion: {"))
    first = landed.train()
    assert (first["outcome"], first["test_window"]) == ("promote", {"wave": 0})
    assert "arrive from now on" in _sentence(1)
    landed.deliver("few.csv", visits(DAYS, 10))
    landed.ingest()
    landed.run_id = "second"
    run = landed.run(arbitrate.arbitrate, MODEL)
    with pytest.raises(Skip, match=r"test rows have arrived since .* Deliver about"):
        landed.run(snapshot.snapshot, run, run_type="asset_triggered")
    with pytest.raises(DataError, match="needs 150"):
        landed.run(snapshot.snapshot, run)
    landed.deliver("enough.csv", visits(DAYS + 10, 10))
    landed.ingest()
    landed.run_id = "third"
    second = landed.train()
    assert (second["test_window"], second["looks"]) == ({"wave": 1}, 0)
    assert 180 < second["test_rows"] < 300
    rows = [open_lake().kept(reading.snapshot_of(MODEL, version).place) for version in (1, 2)]
    seen, tested = (set(each.filter(pc.field("(test wave)") == wave)["visit"].to_pylist()) for wave, each in enumerate(rows))
    assert not tested & set(rows[0]["visit"].to_pylist())
    assert seen <= set(rows[1].filter(pc.field("(test wave)") < 1)["visit"].to_pylist())
    assert replay(MODEL, 2).first is None
    newest = reading.snapshot_of(MODEL, 2)
    open_lake().drop(newest.place)
    assert replay(MODEL, 2).first is None
    open_lake().drop(newest.memory)
    landed.run_id = "fourth"
    with pytest.raises(DataError, match=r"waves.parquet: not in the lake .* Restore it from a backup"):
        landed.run(snapshot.snapshot, landed.run(arbitrate.arbitrate, MODEL))


def test_time_that_was_taken_away_is_said(serving: Project) -> None:
    """What was split by time cannot be dealt into waves: the run stops before any row is drawn."""
    serving.write(model=MODEL_YAML.replace("time: at, ", "").replace("validation: 7d, test: 25d", "validation: 0.2, test: 0.3"))
    serving.run_id = "timeless"
    with pytest.raises(DataError, match=r"Restore columns\.time, or give the model a new name"):
        serving.run(snapshot.snapshot, serving.run(arbitrate.arbitrate, MODEL))


def _sentence(version: int) -> str:
    (verdict,) = (each for each in open_ledger().verdicts(MODEL) if each.version == version)
    return next(rule.sentence for rule in verdict.rules if rule.rule == "unseen test rows")
