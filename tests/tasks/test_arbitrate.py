"""What starts a run, what waits, and what a second call changes (nothing)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.arbiter import Facts
from include.ratchet.domain.errors import Skip, SpecError
from include.ratchet.domain.records import Disposition, Signal, TrainingRun, Window
from include.ratchet.domain.triggerspec import Cron, Triggers
from include.ratchet.tasks import arbitrate
from tests.tiny import DAYS, MODEL, MODEL_YAML, Project, visits


def _kinds(*outcomes: str) -> list[str]:
    return sorted(signal.kind for signal, found in open_ledger().signals(MODEL) if found.outcome in outcomes)


def test_without_data_a_run_is_skipped(project: Project) -> None:
    """The reason names the feed that has nothing yet."""
    with pytest.raises(Skip, match="waiting for the first data of visits"):
        project.run(arbitrate.arbitrate, MODEL)


def test_a_manual_run_starts_and_takes_the_others_along(landed: Project) -> None:
    """A person's run starts; the new-data signal that was pending joins it."""
    run = landed.run(arbitrate.arbitrate, MODEL, reason="try it")
    assert "try it" in run["reason"]
    assert run["candidates"] == ["logistic", "tree"]
    assert _kinds("started") == ["manual"]
    assert _kinds("coalesced") == ["new_data"]


def test_arbitrate_is_safe_to_run_again(landed: Project) -> None:
    """The same run asks twice and gets the same answer; no signal is recorded twice."""
    assert landed.run(arbitrate.arbitrate, MODEL) == landed.run(arbitrate.arbitrate, MODEL)
    assert len(open_ledger().signals(MODEL)) == 2
    assert len(open_ledger().runs(MODEL)) == 1


def test_an_event_without_new_rows_starts_nothing(blessed: Project) -> None:
    """An asset event only wakes: no labelled row came since the last run, so nothing is pending."""
    with pytest.raises(Skip, match="no signal is pending"):
        blessed.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")
    assert len(open_ledger().runs(MODEL)) == 1


def test_enough_new_rows_start_a_run(blessed: Project) -> None:
    """Rows whose labels matured since the last run are a reason when they are as many as the spec asks."""
    blessed.deliver("more.csv", visits(DAYS, 2))
    blessed.ingest()
    with pytest.raises(Skip, match="no signal is pending"):  # 81 rows matured; asked are 100
        blessed.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")
    blessed.deliver("enough.csv", visits(DAYS + 2, 2))
    blessed.ingest()
    assert "new data" in blessed.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")["reason"]


def test_the_sweep_is_no_reason_of_its_own(blessed: Project) -> None:
    """A scheduled run of a model without a schedule is the sweep: a few new rows do not make it train."""
    blessed.deliver("more.csv", visits(DAYS, 1))
    blessed.ingest()
    with pytest.raises(Skip, match="no signal is pending"):
        blessed.run(arbitrate.arbitrate, MODEL, run_type="scheduled")


def test_a_schedule_starts_a_run(blessed: Project) -> None:
    """With `triggers.schedule` a slot that is due by the clock is a reason, once, when a labelled row came; whichever run sees it."""
    blessed.write(model=MODEL_YAML.replace("    triggers:\n", '    triggers:\n      schedule: {cron: "0 3 1 1 *"}\n'))
    blessed.deliver("more.csv", visits(DAYS, 1))
    blessed.ingest()
    assert blessed.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")["reason"].startswith("schedule")
    blessed.run_id = "later"
    with pytest.raises(Skip):
        blessed.run(arbitrate.arbitrate, MODEL, run_type="scheduled")


def test_a_slot_is_due_at_its_very_time() -> None:
    """At midnight the slot of that midnight is due, not the one of the day before."""
    at = datetime(2020, 1, 2, tzinfo=UTC)
    assert arbitrate._slot(Cron(cron="0 0 * * *"), at) == "2020-01-02T00:00:00+00:00"
    assert arbitrate._slot(Cron(cron="0 0 * * *"), at - timedelta(seconds=1)) == "2020-01-01T00:00:00+00:00"


def test_a_schedule_goes_by_the_clock_of_the_deployment(blessed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the data's clock a slot is due when the data have come to it: in March of 2020, on the first of that month."""
    monkeypatch.setenv("RATCHET__CLOCK", "data")
    blessed.write(model=MODEL_YAML.replace("    triggers:\n", '    triggers:\n      schedule: {cron: "0 3 1 * *"}\n'))
    blessed.deliver("more.csv", visits(DAYS, 2))
    blessed.ingest()
    assert blessed.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")["reason"] == "schedule: due 2020-03-01T03:00:00+00:00"


def test_cooldown_holds_a_signal_until_it_is_over(blessed: Project) -> None:
    """A held signal stays pending with the reason; `force` on the form lets it pass."""
    blessed.write(model=MODEL_YAML.replace("    triggers:\n", "    triggers:\n      cooldown: 30d\n"))
    blessed.deliver("more.csv", visits(DAYS, 4))
    blessed.ingest()
    with pytest.raises(Skip, match="cooling down until"):
        blessed.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")
    assert _kinds("pending") == ["new_data"]
    assert blessed.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered", force=True)["reason"].startswith("new data")


@pytest.mark.parametrize(
    ("params", "words"),
    [({"candidates": ["forest"]}, "found 'forest'; allowed are logistic, tree"), ({"window": "soon"}, "found 'soon'; allowed is a number")],
)
def test_a_form_that_cannot_be_is_refused(landed: Project, params: dict[str, Any], words: str) -> None:
    """The message names what was found and what is allowed, and no run is started."""
    with pytest.raises(SpecError, match=words):
        landed.run(arbitrate.arbitrate, MODEL, **params)
    assert open_ledger().runs(MODEL) == []


def test_rows_without_a_time_are_counted_since_the_last_training(landed: Project) -> None:
    """A model without event time is split at random; its next run waits until rows came that were not trained on."""
    timeless = MODEL_YAML.replace("time: at, ", "").replace("validation: 7d, test: 25d", "validation: 0.2, test: 0.3")
    landed.write(model=timeless)
    assert landed.train()["outcome"] == "promote"
    landed.run_id = "second"
    with pytest.raises(Skip, match="no signal is pending"):
        landed.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")
    landed.deliver("more.csv", visits(DAYS, 3))
    landed.ingest()
    assert "labelled rows 120" in landed.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")["reason"]


def test_a_run_that_died_leaves_its_rows_new(landed: Project) -> None:
    """A run that was started and never judged has answered nothing: the same rows start another."""
    landed.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")
    landed.run_id = "second"
    assert "new data" in landed.run(arbitrate.arbitrate, MODEL, run_type="asset_triggered")["reason"]


def test_a_metric_that_is_not_there_spends_no_signal(landed: Project) -> None:
    """The run stops before anything is recorded: mended, the same data still starts one."""
    landed.write(model=MODEL_YAML.replace("metric: roc_auc", "metric: rocauc"))
    with pytest.raises(SpecError, match="rocauc"):
        landed.run(arbitrate.arbitrate, MODEL)
    assert open_ledger().signals(MODEL) == []


def test_nothing_new_ends_early(landed: Project) -> None:
    """The same rows, the same spec and the same code would end as the last run did: answered, not trained; a person always may."""
    landed.write(model=MODEL_YAML.replace(">= 0.60", ">= 0.999"))
    assert landed.train(candidates=["tree"])["outcome"] == "refuse"
    landed.run_id = "scheduled"
    open_ledger().signal(Signal(MODEL, "new_data", "new_data:next", {}, datetime.now(UTC)))
    with pytest.raises(Skip, match="no labelled row came since the last run, and spec and code are the same"):
        landed.run(arbitrate.arbitrate, MODEL, run_type="scheduled")
    assert _kinds("nothing new") == ["new_data"]
    assert landed.run(arbitrate.arbitrate, MODEL, run_type="manual")["reason"].startswith("manual")


@pytest.mark.parametrize(
    ("rows", "count"),
    [(visits(5, 1).assign(visit=range(900_000, 900_040)), 40), (visits(0, DAYS).iloc[10:13].assign(colour="blue"), 3)],
    ids=["late", "corrected"],
)
def test_rows_that_came_late_or_were_corrected_are_something_new(landed: Project, rows: pd.DataFrame, count: int) -> None:
    """They lie in the window that was judged, where no row is counted as new by its time."""
    scheduled = MODEL_YAML.replace("    triggers:\n", '    triggers:\n      schedule: {cron: "0 3 1 1 *"}\n').replace("100}", f"{count}}}")
    landed.write(model=scheduled.replace(">= 0.60", ">= 0.999"))
    landed.train(candidates=["tree"])
    landed.deliver("other.csv", rows)
    landed.ingest()
    landed.run_id = "scheduled"
    assert f"labelled rows {count}" in landed.run(arbitrate.arbitrate, MODEL, run_type="scheduled")["reason"]


def test_a_changed_spec_is_something_new(landed: Project) -> None:
    """A refused run is tried again on the same rows when the spec says something else now."""
    landed.write(model=MODEL_YAML.replace(">= 0.60", ">= 0.999"))
    landed.train(candidates=["tree"])
    landed.write()
    landed.run_id = "scheduled"
    open_ledger().signal(Signal(MODEL, "new_data", "new_data:next", {}, datetime.now(UTC)))
    assert landed.run(arbitrate.arbitrate, MODEL, run_type="scheduled")["reason"].startswith("new data")


def test_who_was_overtaken_decides_again(tmp_path: Path) -> None:
    """Another run starts between the look and the answer, and a signal comes after it: it waits for the cooldown, and nothing fails."""
    ledger, at = Ledger(f"sqlite:///{tmp_path / 'l.db'}"), datetime(2026, 1, 1, tzinfo=UTC)
    looks: list[int] = []

    def run(run_id: str) -> TrainingRun:
        return TrainingRun(run_id, "m", "", Window(at, at), ("a",), at, at)

    def facts(known: list[TrainingRun]) -> Facts:
        if not looks:
            ledger.arbitrated([Disposition(1, "started", "faster", "other")], run("other"))
            ledger.signal(Signal("m", "drift", "second", {}, at))
        looks.append(len(known))
        return Facts(at, tuple(each.clock_at for each in known), 1)

    ledger.signal(Signal("m", "drift", "first", {}, at))
    decision = arbitrate.settle(ledger, run("late"), Triggers.model_validate({"drift": {}, "cooldown": "1h"}), facts)
    assert looks == [0, 1]
    assert not decision.start
    assert decision.reason.startswith("cooling down until")
    assert [each.run_id for each in ledger.runs("m")] == ["other"]
