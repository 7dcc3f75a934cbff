"""From a reason to a verdict: what starts a run, what is pinned, and what a second call changes (nothing)."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.ratchet.adapters import open_lake, open_ledger, open_registry
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError, RegistryError, Skip, SpecError
from include.ratchet.tasks import train
from tests.tiny import DAYS, MODEL, MODEL_YAML, Project, visits


def _kinds(*outcomes: str) -> list[str]:
    return sorted(signal.kind for signal, found in open_ledger().signals(MODEL) if found.outcome in outcomes)


def test_without_data_a_run_is_skipped(project: Project) -> None:
    """The reason names the feed that has nothing yet."""
    with pytest.raises(Skip, match="waiting for the first data of visits"):
        project.run(train.arbitrate, MODEL)


def test_a_manual_run_starts_and_takes_the_others_along(landed: Project) -> None:
    """A person's run starts; the new-data signal that was pending joins it."""
    run = landed.run(train.arbitrate, MODEL, reason="try it")
    assert "try it" in run["reason"]
    assert run["candidates"] == ["logistic", "tree"]
    assert _kinds("started") == ["manual"]
    assert _kinds("coalesced") == ["new_data"]


def test_arbitrate_is_safe_to_run_again(landed: Project) -> None:
    """The same run asks twice and gets the same answer; no signal is recorded twice."""
    assert landed.run(train.arbitrate, MODEL) == landed.run(train.arbitrate, MODEL)
    assert len(open_ledger().signals(MODEL)) == 2
    assert len(open_ledger().runs(MODEL)) == 1


def test_an_event_without_new_rows_starts_nothing(blessed: Project) -> None:
    """An asset event only wakes: no labelled row came since the last run, so nothing is pending."""
    with pytest.raises(Skip, match="no signal is pending"):
        blessed.run(train.arbitrate, MODEL, run_type="asset_triggered")
    assert len(open_ledger().runs(MODEL)) == 1


def test_enough_new_rows_start_a_run(blessed: Project) -> None:
    """Rows whose labels matured since the last run are a reason when they are as many as the spec asks."""
    blessed.deliver("more.csv", visits(DAYS, 2))
    blessed.ingest()
    with pytest.raises(Skip, match="no signal is pending"):  # 81 rows matured; asked are 100
        blessed.run(train.arbitrate, MODEL, run_type="asset_triggered")
    blessed.deliver("enough.csv", visits(DAYS + 2, 2))
    blessed.ingest()
    assert "new data" in blessed.run(train.arbitrate, MODEL, run_type="asset_triggered")["reason"]


def test_the_sweep_is_no_reason_of_its_own(blessed: Project) -> None:
    """A scheduled run of a model without a schedule is the sweep: a few new rows do not make it train."""
    blessed.deliver("more.csv", visits(DAYS, 1))
    blessed.ingest()
    with pytest.raises(Skip, match="no signal is pending"):
        blessed.run(train.arbitrate, MODEL, run_type="scheduled")


def test_a_schedule_starts_a_run(blessed: Project) -> None:
    """With `triggers.schedule` a scheduled run is a reason, once a slot, when a labelled row came."""
    blessed.write(model=MODEL_YAML.replace("    triggers:\n", '    triggers:\n      schedule: {cron: "0 3 1 1 *"}\n'))
    blessed.deliver("more.csv", visits(DAYS, 1))
    blessed.ingest()
    assert blessed.run(train.arbitrate, MODEL, run_type="scheduled")["reason"].startswith("schedule")
    blessed.run_id = "later"
    with pytest.raises(Skip):
        blessed.run(train.arbitrate, MODEL, run_type="scheduled")


def test_cooldown_holds_a_signal_until_it_is_over(blessed: Project) -> None:
    """A held signal stays pending with the reason; `force` on the form lets it pass."""
    blessed.write(model=MODEL_YAML.replace("    triggers:\n", "    triggers:\n      cooldown: 30d\n"))
    blessed.deliver("more.csv", visits(DAYS, 4))
    blessed.ingest()
    with pytest.raises(Skip, match="cooling down until"):
        blessed.run(train.arbitrate, MODEL, run_type="asset_triggered")
    assert _kinds("pending") == ["new_data"]
    assert blessed.run(train.arbitrate, MODEL, run_type="asset_triggered", force=True)["reason"].startswith("new data")


def test_the_form_chooses_window_and_candidates(landed: Project) -> None:
    """The window is counted back from now of the data; only the named candidates compete."""
    run = landed.run(train.arbitrate, MODEL, window="50d", candidates=["tree"])
    jobs = landed.run(train.snapshot, run)
    assert [job["candidate"] for job in jobs] == ["tree"]
    assert jobs[0]["snapshot"]["rows"] == 50 * 40


@pytest.mark.parametrize(
    ("params", "words"),
    [({"candidates": ["forest"]}, "found 'forest'; allowed are logistic, tree"), ({"window": "soon"}, "found 'soon'; allowed is a number")],
)
def test_a_form_that_cannot_be_is_refused(landed: Project, params: dict[str, Any], words: str) -> None:
    """The message names what was found and what is allowed, and no run is started."""
    with pytest.raises(SpecError, match=words):
        landed.run(train.arbitrate, MODEL, **params)
    assert open_ledger().runs(MODEL) == []


def test_a_snapshot_is_named_by_its_content(landed: Project) -> None:
    """Twice the same snapshot is one file and one record; other data is another one."""
    run = landed.run(train.arbitrate, MODEL)
    first, again = landed.run(train.snapshot, run), landed.run(train.snapshot, run)
    assert first == again
    name = first[0]["snapshot"]["digest"]
    kept = open_ledger().get_snapshot(name)
    assert kept.rows == open_lake().kept(kept.place).num_rows
    assert kept.tables == {"visits": 0}
    landed.deliver("more.csv", visits(DAYS, 1))
    landed.ingest()
    assert landed.run(train.snapshot, run)[0]["snapshot"]["digest"] != name


def test_no_test_row_is_trained_on(landed: Project) -> None:
    """Train, validation and test lie after each other, with the label lag between them."""
    (job, _) = landed.run(train.snapshot, landed.run(train.arbitrate, MODEL))
    rows, parts = train._split_rows(specs.model(MODEL), job["snapshot"])
    at = rows["at"].to_pandas()
    lag = pd.Timedelta(days=1)
    assert at[parts.train].max() + lag < at[parts.validation].min() + pd.Timedelta(minutes=1)
    assert at[parts.validation].max() + lag < at[parts.test].min() + pd.Timedelta(minutes=1)
    assert (parts.train.sum(), parts.validation.sum(), parts.test.sum()) == tuple(
        job["snapshot"][k] for k in ("train", "validation", "test")
    )


def test_the_better_candidate_is_registered(landed: Project) -> None:
    """The fitted object with the best validation score becomes version 1, tagged with its snapshot."""
    made = landed.register()
    assert (made["version"], made["chosen"]) == (1, "logistic")
    assert open_registry().get(MODEL, 1).tags["ratchet.snapshot"] == made["snapshot"]["digest"]


def test_fit_is_reproducible(landed: Project) -> None:
    """The same job gives the same score and the same bytes' worth of model."""
    job = landed.run(train.snapshot, landed.run(train.arbitrate, MODEL))[0]
    first, again = landed.run(train.fit, job), landed.run(train.fit, job)
    assert {**first, "seconds": 0} == {**again, "seconds": 0}


def test_register_is_safe_to_run_again(landed: Project) -> None:
    """A second call finds the version that the first one made, although the fitted files are gone."""
    fitted = [landed.run(train.fit, job) for job in landed.run(train.snapshot, landed.run(train.arbitrate, MODEL))]
    assert landed.run(train.register, fitted) == landed.run(train.register, fitted)
    with pytest.raises(RegistryError, match="registered are 1"):
        open_registry().get(MODEL, 2)


def test_fitted_files_that_are_gone_before_the_registration_are_named(landed: Project) -> None:
    """Without the files and without a version there is nothing to register, and the message says what to clear."""
    jobs = landed.run(train.snapshot, landed.run(train.arbitrate, MODEL))
    fitted = [{**landed.run(train.fit, jobs[0]), "path": str(landed.home / "nowhere.skops")}]
    with pytest.raises(RegistryError, match="clear its fit"):
        landed.run(train.register, fitted)


def test_a_good_challenger_is_blessed_once(landed: Project) -> None:
    """The verdict is promote, with all rules passed; judging again gives the same verdict, not another one."""
    challenger = landed.register()
    first, again = landed.run(train.judge, challenger), landed.run(train.judge, challenger)
    assert first["outcome"] == "promote", first["sentence"]
    assert first["digest"] == again["digest"]
    assert len(open_ledger().verdicts(MODEL)) == 1
    assert landed.run(train.bless, first) == {"model": MODEL, "version": 1, "digest": first["digest"]}
    assert open_registry().get(MODEL, 1).tags["ratchet.verdict"] == "promote"


def test_a_refused_challenger_is_skipped_not_failed(landed: Project) -> None:
    """A bound that no model reaches: the verdict is refuse, and bless ends in Skip with the reason."""
    landed.write(model=MODEL_YAML.replace(">= 0.60", ">= 0.999"))
    verdict = landed.train()
    assert verdict["outcome"] == "refuse"
    with pytest.raises(Skip, match="business roc_auc"):
        landed.run(train.bless, verdict)


def test_a_challenger_that_is_the_champion_again_is_refused(serving: Project) -> None:
    """The same data and the same candidate answer every row the same: there is nothing to promote."""
    verdict = serving.train(candidates=["logistic"])
    assert verdict["outcome"] == "refuse"
    assert "differs from the champion" in [rule.rule for rule in open_ledger().verdicts(MODEL)[0].rules if rule.result == "fail"]


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
    run = project.run(train.arbitrate, MODEL)
    with pytest.raises(DataError, match=words) as caught:
        project.run(train.snapshot, run)
    assert f"models/{MODEL}" in str(caught.value)
    assert not (project.home / "work").exists()


def test_rows_without_a_time_are_counted_since_the_last_training(landed: Project) -> None:
    """A model without event time is split at random; its next run waits until rows came that were not trained on."""
    timeless = MODEL_YAML.replace("time: at, ", "").replace("validation: 7d, test: 25d", "validation: 0.2, test: 0.3")
    landed.write(model=timeless)
    assert landed.train()["outcome"] == "promote"
    landed.run_id = "second"
    with pytest.raises(Skip, match="no signal is pending"):
        landed.run(train.arbitrate, MODEL, run_type="asset_triggered")
    landed.deliver("more.csv", visits(DAYS, 3))
    landed.ingest()
    assert "labelled rows 120" in landed.run(train.arbitrate, MODEL, run_type="asset_triggered")["reason"]


def test_a_run_that_died_leaves_its_rows_new(landed: Project) -> None:
    """A run that was started and never judged has answered nothing: the same rows start another."""
    landed.run(train.arbitrate, MODEL, run_type="asset_triggered")
    landed.run_id = "second"
    assert "new data" in landed.run(train.arbitrate, MODEL, run_type="asset_triggered")["reason"]


def test_a_metric_that_is_not_there_spends_no_signal(landed: Project) -> None:
    """The run stops before anything is recorded: mended, the same data still starts one."""
    landed.write(model=MODEL_YAML.replace("metric: roc_auc", "metric: rocauc"))
    with pytest.raises(SpecError, match="rocauc"):
        landed.run(train.arbitrate, MODEL)
    assert open_ledger().signals(MODEL) == []


def test_a_young_feed_waits_instead_of_failing(project: Project) -> None:
    """The first of several files that arrive one by one may be too little to train on: skipped, and its rows stay new."""
    project.deliver("a.csv", visits(0, 20))
    project.ingest()
    run = project.run(train.arbitrate, MODEL, run_type="asset_triggered")
    with pytest.raises(Skip, match="not enough history yet"):
        project.run(train.snapshot, run, run_type="asset_triggered")
    project.deliver("b.csv", visits(20, DAYS - 20))
    project.ingest()
    project.run_id = "second"
    run = project.run(train.arbitrate, MODEL, run_type="asset_triggered")
    assert len(project.run(train.snapshot, run, run_type="asset_triggered")) == 2
