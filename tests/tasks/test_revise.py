"""Repaired rows enter as a revision, and whatever is written late does not go over what arrived later."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pandas as pd
import pytest

from include.ratchet.adapters import open_lake, open_ledger
from include.ratchet.adapters.lake import DeltaLake
from include.ratchet.domain.errors import DataError, QualityError, Skip
from include.ratchet.steps.transform import content_digest
from include.ratchet.steps.validate import sort_rows
from include.ratchet.tasks import ingest, review, revise
from tests.tiny import FEED, FEED_YAML, Project, visits

STRICT = FEED_YAML.replace("max_value: 50", "max_value: 0.5").replace("max_fraction: 0.05", "max_fraction: 1.0")
LAX = STRICT.replace("max_value: 0.5", "max_value: 50")
SECOND = visits(1, 2).assign(x=0.25)
"""A later delivery: the second day again, corrected, and a third."""


def _digest() -> str:
    """Return the content of the clean table, whatever its order."""
    return content_digest(open_lake().dataset(f"clean/{FEED}").to_table(use_threads=False))


def _mode(text: str, mode: str) -> str:
    return f"{text}    mode: {mode}\n"


def _deliver_both(project: Project) -> None:
    for name, frame in (("1.csv", visits(0, 2)), ("2.csv", SECOND)):
        project.deliver(name, frame)
        project.ingest()


def _rows(project: Project, table: str) -> pd.DataFrame:
    return project.rows(f"{table}/{FEED}")


@pytest.fixture(params=["merge", "append", "replace"])
def mode(request: pytest.FixtureRequest) -> str:
    """Return each way of writing."""
    return str(request.param)


@pytest.fixture
def unbroken(project: Project, mode: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the content of an ingest that was never broken."""
    with monkeypatch.context() as patch:
        patch.setenv("RATCHET__HOME", str(tmp_path / "unbroken"))
        other = Project(tmp_path / "unbroken", project.include)
        other.write(feed=_mode(LAX, mode))
        _deliver_both(other)
        return _digest()


def test_after_a_repair_the_table_is_that_of_an_unbroken_ingest(project: Project, mode: str, unbroken: str) -> None:
    """Rows leave quarantine as revisions: what arrived later stays the newest word, and nothing is left behind."""
    project.write(feed=_mode(STRICT, mode))
    _deliver_both(project)
    broken = _digest()
    assert len(_rows(project, "quarantine")) > 10
    project.write(feed=_mode(LAX, mode))
    assert revise.requarantine(FEED, "me", "the limit was wrong")
    project.ingest()
    assert _digest() == unbroken
    assert mode == "replace" or unbroken != broken
    assert len(_rows(project, "quarantine")) == 0
    assert {each.status for each in open_ledger().batches(FEED)} == {"merged"}
    assert {each.quarantined for each in open_ledger().batches(FEED)} == {0}
    assert {each.action for each in open_ledger().decisions(FEED)} == {"repair"}
    with pytest.raises(Skip, match="no merged batch has rows in quarantine"):
        revise.requarantine(FEED, "me", "again")


def test_a_stopped_batch_that_is_mended_late_does_not_go_over_later_ones(project: Project, mode: str, unbroken: str) -> None:
    """Stopped first, merged last: the content is that of the order in which the batches arrived."""
    project.write(feed=_mode(FEED_YAML.replace("max_value: 50", "max_value: 0.5"), mode))
    project.deliver("1.csv", visits(0, 2))
    with pytest.raises(QualityError):
        project.ingest()
    project.deliver("2.csv", SECOND)
    project.ingest()
    project.write(feed=_mode(LAX, mode))
    project.ingest()
    assert _digest() == unbroken


def test_a_repair_releases_what_is_good_now_and_keeps_the_rest(project: Project) -> None:
    """Clean and quarantine stay the input, as multisets; what is still bad carries the rules of today."""
    project.write(feed=STRICT)
    frame = visits(0, 2)
    frame.loc[3, "x"] = 99.0
    project.deliver("1.csv", frame)
    project.ingest()
    project.write(feed=LAX)
    revise.requarantine(FEED, "me", "")
    project.ingest()
    (held,) = _rows(project, "quarantine").to_dict("records")
    assert json.loads(held["original"])["x"] == "99.0"
    assert Counter(_rows(project, "clean")["visit"]) + Counter([int(json.loads(held["original"])["visit"])]) == Counter(frame["visit"])
    assert [each.quarantined for each in open_ledger().batches(FEED)] == [1]


def test_a_repair_by_the_form(project: Project) -> None:
    """The form's action asks for it, and the same run does it."""
    project.write(feed=STRICT)
    project.deliver("1.csv", visits(0, 2))
    project.ingest()
    project.write(feed=LAX)
    names = project.run(ingest.land, FEED, stage="ingest", action="repair", reason="wrong limit")
    (said,) = [project.run(ingest.validate, FEED, project.run(ingest.check, FEED, name)) for name in names]
    merged = project.run(ingest.merge, FEED)
    assert merged["rows"] == said["released"] > 10
    assert len(_rows(project, "clean")) == 80


def test_a_repair_that_would_stop_changes_nothing(project: Project) -> None:
    """A rule with route stop that is new is for what comes: the batch stays as it was merged."""
    project.write(feed=STRICT)
    project.deliver("1.csv", visits(0, 2))
    project.ingest()
    before = _digest()
    project.write(feed=LAX.replace("max_value: 50}", "max_value: 0.5, route: stop}"))
    (name,) = revise.requarantine(FEED, "me", "")
    with pytest.raises(QualityError, match="not repaired"):
        project.run(ingest.validate, FEED, name)
    assert [each.status for each in open_ledger().batches(FEED)] == ["merged"]
    assert _digest() == before
    assert ingest.waiting(FEED) == []


def test_a_later_delivery_of_the_key_repairs_too(project: Project) -> None:
    """The corrected row is taken; the bad one stays in quarantine, and a repair does not bring it back over it."""
    project.write(feed=STRICT)
    bad = visits(0, 2).assign(x=0.25)
    bad.loc[3, "x"] = 7.0
    for name, frame in (("1.csv", bad), ("2.csv", visits(0, 2).assign(x=0.25).loc[3:3])):
        project.deliver(name, frame)
        project.ingest()
    project.write(feed=LAX)
    revise.requarantine(FEED, "me", "")
    project.ingest()
    clean = _rows(project, "clean").set_index("visit")["x"]
    assert clean[3] == 0.25
    assert len(clean) == 80


def test_a_wider_type_changes_the_table_and_loses_nothing(project: Project) -> None:
    """A whole number that became a decimal: the old rows are read as decimals, and 1.5 is not cut down to 1."""
    whole = visits(0, 2).assign(x=2)
    project.write(feed=FEED_YAML.replace("x: float64?", "x: int64?"))
    project.deliver("1.csv", whole)
    project.ingest()
    project.write()
    project.deliver("2.csv", visits(5, 1).assign(x=1.5))
    project.ingest()
    assert Counter(_rows(project, "clean")["x"]) == {2.0: 80, 1.5: 40}
    project.write(feed=FEED_YAML.replace("colour: string", "colour: int64"))
    project.deliver("3.csv", visits(6, 1).assign(colour=1))
    with pytest.raises(DataError, match=r"colour is string in the clean table and int64 in feed\.yaml"):
        project.ingest()


def test_a_second_try_of_the_repair_asks_for_nothing_new(project: Project) -> None:
    """Killed after it had asked, the task is tried again: the batches that it asked for wait, and once is enough."""
    project.write(feed=STRICT)
    project.deliver("1.csv", visits(0, 2))
    project.ingest()
    project.write(feed=LAX)
    first = project.run(ingest.land, FEED, stage="ingest", action="repair", reason="wrong limit")
    assert project.run(ingest.land, FEED, stage="ingest", action="repair", reason="wrong limit") == first
    assert len(open_ledger().decisions(FEED)) == 1


@pytest.mark.parametrize("dies_in", ["merge", "repair"])
def test_a_feed_that_is_edited_between_two_writes_of_a_batch(project: Project, dies_in: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between quarantine and clean, then other rules: what was sorted is finished, and no row is in both or in neither."""
    for name in ("append", "merge"):
        frame = visits(0 if name == "append" else 5, 2)
        project.write(feed=_mode(STRICT, name))
        project.deliver(f"{name}.csv", frame)
        if dies_in == "repair":
            project.ingest()
            project.write(feed=_mode(LAX, name))
            revise.requarantine(FEED, "me", "")
        with monkeypatch.context() as patch:
            patch.setattr(DeltaLake, "revise", _killed)
            if dies_in == "merge":
                patch.setattr(DeltaLake, "write", _killed_at_clean(DeltaLake.write))
            with pytest.raises(KeyboardInterrupt):
                project.ingest()
        project.write(feed=_mode(LAX.replace("max_value: 50", "max_value: 0.75"), name))
        project.ingest()
        held = [int(json.loads(each)["visit"]) for each in _rows(project, "quarantine")["original"]]
        found = Counter(_rows(project, "clean")["visit"]) + Counter(held)
        assert {visit: found[visit] for visit in frame["visit"]} == dict.fromkeys(frame["visit"], 1)


@pytest.mark.parametrize("dies_in", ["merge", "repair"])
def test_a_batch_that_is_half_sorted_is_not_merged(project: Project, dies_in: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between its two staged files, under other rules than when they were first made: the pair is of two sortings."""
    project.write(feed=STRICT)
    project.deliver("1.csv", visits(0, 2))
    (name,) = project.run(ingest.land, FEED, stage="ingest")
    if dies_in == "repair":
        project.ingest()
        project.write(feed=LAX.replace("max_value: 50", "max_value: 0.75"))
        revise.requarantine(FEED, "me", "")
    else:
        project.run(ingest.check, FEED, name)
    project.run(ingest.validate, FEED, name)
    project.write(feed=LAX)
    with monkeypatch.context() as patch:
        patch.setattr(DeltaLake, "keep", _killed_at_second(DeltaLake.keep))
        with pytest.raises(KeyboardInterrupt):
            project.run(ingest.validate, FEED, name)
    with pytest.raises(Skip, match="no batch passed its checks"):
        project.run(ingest.merge, FEED)
    project.ingest()
    assert Counter(_rows(project, "clean")["visit"]) == Counter(visits(0, 2)["visit"].tolist())


def test_a_merge_that_began_while_a_run_beside_it_sorted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other run's rules came later: what the merge began with stays, and is finished by it."""
    project.write(feed=STRICT)
    project.deliver("1.csv", visits(0, 2))
    (name,) = project.run(ingest.land, FEED, stage="ingest")
    project.run(ingest.check, FEED, name)
    project.run(ingest.validate, FEED, name)
    project.write(feed=LAX)

    def beside(*args: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(DeltaLake, "write", _killed_at_clean(DeltaLake.write))
            with pytest.raises(KeyboardInterrupt):
                project.run(ingest.merge, FEED)
        return sort_rows(*args)

    with monkeypatch.context() as patch:
        patch.setattr("include.ratchet.steps.validate.sort_rows", beside)
        assert project.run(ingest.validate, FEED, name) == {"batch": name, "begun": True}
    project.run(ingest.merge, FEED)
    held = [int(json.loads(each)["visit"]) for each in _rows(project, "quarantine")["original"]]
    assert held
    assert Counter(_rows(project, "clean")["visit"]) + Counter(held) == Counter(visits(0, 2)["visit"].tolist())


@pytest.mark.parametrize("wide", [True, False], ids=["checked", "stopped"])
def test_a_merge_that_began_while_a_run_beside_it_checked(project: Project, monkeypatch: pytest.MonkeyPatch, wide: bool) -> None:  # noqa: FBT001
    """The check's word comes too late, be it good or bad: what the merge began with is finished, under its own rules."""
    project.write(feed=STRICT)
    project.deliver("1.csv", visits(0, 2))
    (name,) = project.run(ingest.land, FEED, stage="ingest")
    project.run(ingest.check, FEED, name)
    project.run(ingest.validate, FEED, name)
    real = review.examine

    def beside(*args: Any) -> Any:
        found = real(*args)
        with monkeypatch.context() as patch:
            patch.setattr(DeltaLake, "write", _killed_at_clean(DeltaLake.write))
            with pytest.raises(KeyboardInterrupt):
                project.run(ingest.merge, FEED)
        project.write(feed=LAX)
        if not wide:
            message = "not the feed's"
            raise QualityError(message, [])
        return found

    with monkeypatch.context() as patch:
        patch.setattr(review, "examine", beside)
        assert project.run(ingest.check, FEED, name) == name
    assert project.run(ingest.validate, FEED, name) == {"batch": name, "begun": True}
    project.run(ingest.merge, FEED)
    held = [int(json.loads(each)["visit"]) for each in _rows(project, "quarantine")["original"]]
    assert held
    assert Counter(_rows(project, "clean")["visit"]) + Counter(held) == Counter(visits(0, 2)["visit"].tolist())


def test_a_repair_that_began_while_a_run_beside_it_was_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that it released are in clean, and leave quarantine though another run would not repair the batch any more."""
    project.write(feed=STRICT)
    project.deliver("1.csv", visits(0, 2))
    project.ingest()
    project.write(feed=LAX)
    revise.requarantine(FEED, "me", "")
    (name,) = project.run(ingest.land, FEED, stage="ingest")
    project.run(ingest.validate, FEED, name)

    def beside(*_: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(DeltaLake, "revise", _killed)
            with pytest.raises(KeyboardInterrupt):
                project.run(ingest.merge, FEED)
        message = "would stop today"
        raise QualityError(message, [])

    with monkeypatch.context() as patch:
        patch.setattr("include.ratchet.steps.validate.sort_rows", beside)
        assert revise.sort_again(FEED, name) == {"batch": name, "begun": True}
    project.run(ingest.merge, FEED)
    assert _rows(project, "quarantine").empty
    assert Counter(_rows(project, "clean")["visit"]) == Counter(visits(0, 2)["visit"].tolist())


def test_a_batch_that_is_rejected_while_others_are_merged_does_not_enter(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge asks again before each batch; what an operator ended stays ended, whatever a run beside says of it."""
    project.deliver("1.csv", visits(0, 2))
    project.deliver("2.csv", visits(2, 2))
    names = project.run(ingest.land, FEED, stage="ingest")
    for name in names:
        project.run(ingest.validate, FEED, project.run(ingest.check, FEED, name))
    real = revise.write

    def beside(*args: Any) -> Any:
        open_ledger().mark(FEED, names[1], status="stopped", reason="wrong")
        review.decide(FEED, "reject", names[1], "me", "wrong data")
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(revise, "write", beside)
        assert project.run(ingest.merge, FEED)["batches"] == 1
    assert Counter(_rows(project, "clean")["visit"]) == Counter(visits(0, 2)["visit"].tolist())
    for status in ("checked", "validated", "stopped", "merged"):
        open_ledger().mark(FEED, names[1], status=status)
    assert [each.status for each in open_ledger().batches(FEED)] == ["merged", "rejected"]


def test_a_batch_that_was_merged_does_not_go_back(project: Project) -> None:
    """A run beside the one that merged it may sort it once more; its word comes too late, and nothing waits for ever."""
    project.deliver("1.csv", visits(0, 2))
    (name,) = project.run(ingest.land, FEED, stage="ingest")
    project.run(ingest.check, FEED, name)
    project.run(ingest.validate, FEED, name)
    project.run(ingest.merge, FEED)
    open_ledger().mark(FEED, name, status="validated", quarantined=7)
    assert [(each.status, each.quarantined) for each in open_ledger().batches(FEED)] == [("merged", 0)]
    assert ingest.waiting(FEED) == []


def _killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def _killed_at_clean(write: Any) -> Any:
    def killed(lake: DeltaLake, table: str, *args: Any, **kwargs: Any) -> Any:
        return _killed() if table == f"clean/{FEED}" else write(lake, table, *args, **kwargs)

    return killed


def _killed_at_second(keep: Any) -> Any:
    kept: list[str] = []

    def killed(lake: DeltaLake, name: str, rows: Any) -> Any:
        kept.append(name)
        return keep(lake, name, rows) if len(kept) == 1 else _killed()

    return killed
