"""The way of a batch: every row ends in clean or in quarantine, whatever is delivered and however often a body runs."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from include.ratchet.adapters import open_landing, open_ledger
from include.ratchet.domain.errors import QualityError, Skip
from include.ratchet.tasks import ingest
from tests.tiny import FEED, FEED_YAML, Project, visits

GOOD = visits(0, 2)


def _text(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def _step(project: Project, body: Any, *args: Any) -> Any:
    return project.run(body, FEED, *args, stage="ingest")


def _statuses() -> dict[str, str]:
    return {batch.uri.rsplit("/", 1)[1]: batch.status for batch in open_ledger().batches(FEED)}


def test_waiting_names_what_has_not_landed_and_what_is_not_merged(project: Project) -> None:
    """The watcher wakes the DAG for a new file, and goes on until the batch is in the lake."""
    assert ingest.waiting(FEED) == []
    project.deliver("a.csv", GOOD)
    (new,) = ingest.waiting(FEED)
    assert "a.csv" in new
    (sha,) = _step(project, ingest.land)
    assert ingest.waiting(FEED) == [new]
    for body in (ingest.check, ingest.validate):
        _step(project, body, sha)
        assert ingest.waiting(FEED) == [new]
    _step(project, ingest.merge)
    assert ingest.waiting(FEED) == []


def test_landing_keeps_the_bytes_as_they_came(project: Project) -> None:
    """What landed is the file, byte for byte, even when the file is gone afterwards."""
    path = project.deliver("a.csv", GOOD)
    (sha,) = _step(project, ingest.land)
    path.unlink()
    with open_landing().open(FEED, sha) as kept:
        assert kept.read() == _text(GOOD)


def test_a_file_that_is_still_written_is_left_alone(project: Project) -> None:
    """A file whose time is now may not be whole yet."""
    path = project.deliver("a.csv", GOOD)
    path.touch()
    with pytest.raises(Skip, match="nothing new"):
        _step(project, ingest.land)


@pytest.mark.parametrize("times", [1, 2])
def test_each_body_is_safe_to_run_again(project: Project, times: int) -> None:
    """Every stage called twice leaves what one call leaves, and says the same."""
    project.deliver("a.csv", GOOD)
    said: list[Any] = [_step(project, ingest.land) for _ in range(times)]
    sha = said[0][0]
    for _ in range(times):
        assert _step(project, ingest.check, sha) == sha
    found = [_step(project, ingest.validate, sha) for _ in range(times)]
    said += [{key: each[key] for key in ("batch", "clean", "quarantined", "warnings")} for each in found]
    merged = _step(project, ingest.merge)
    if times == 2:
        with pytest.raises(Skip, match="no batch passed"):
            _step(project, ingest.merge)
    assert said == [[sha]] * times + [{"batch": sha, "clean": 80, "quarantined": 0, "warnings": {}}] * times
    assert merged == {"feed": FEED, "version": 0, "batches": 1, "rows": 80, "docs": found[0]["docs"]}
    assert "Expectation" in Path(merged["docs"]).read_text(encoding="utf-8")
    assert sorted(project.rows(f"clean/{FEED}")["visit"]) == sorted(GOOD["visit"])
    assert _statuses() == {"a.csv": "merged"}


def test_the_same_bytes_under_another_name_are_one_batch(project: Project) -> None:
    """A batch is named by its content: a copy of a merged file brings nothing."""
    project.deliver("a.csv", GOOD)
    project.ingest()
    project.deliver("copy.csv", GOOD)
    with pytest.raises(Skip):
        project.ingest()
    assert len(open_ledger().batches(FEED)) == 1
    assert len(project.rows(f"clean/{FEED}")) == 80


def test_a_later_delivery_wins_by_key(project: Project) -> None:
    """Rows with a known key replace what was there, and the table keeps one row per key."""
    project.deliver("a.csv", GOOD)
    project.ingest()
    late = GOOD.head(3).assign(x=7.0)
    project.deliver("b.csv", late)
    project.ingest()
    rows = project.rows(f"clean/{FEED}")
    assert len(rows) == len(GOOD)
    assert set(rows.loc[rows["visit"].isin(late["visit"]), "x"]) == {7.0}


def test_every_row_is_clean_or_quarantined(project: Project) -> None:
    """A bad row goes to quarantine as it came, with the rules that it broke, and only there."""
    bad = GOOD.astype(object)
    bad.loc[3, "x"] = 99.0
    bad.loc[5, "at"] = "yesterday"
    project.deliver("a.csv", bad)
    project.ingest()
    clean, quarantine = project.rows(f"clean/{FEED}"), project.rows(f"quarantine/{FEED}")
    held = {json.loads(each)["visit"]: rules for each, rules in zip(quarantine["original"], quarantine["rules"], strict=True)}
    assert held == {"3": "expect_column_values_to_be_between:x", "5": "type:at"}
    assert Counter(clean["visit"]) + Counter(map(int, held)) == Counter(GOOD["visit"])


BROKEN = {
    "empty": (b"", "the file is empty"),
    "blank": (b" \n\n", "the file is empty"),
    "header_only": (b"visit,at,x,colour,bought\n", "no rows"),
    "no_header": (_text(GOOD).split(b"\n", 1)[1], "no header"),
    "wrong_encoding": (_text(GOOD).replace(b"red", "röd".encode("latin-1")), "utf-8"),
    "missing_column": (_text(GOOD.drop(columns="colour")), "colour: missing"),
    "new_column": (_text(GOOD.assign(extra=1)), "extra: new"),
    "renamed_column": (_text(GOOD.rename(columns={"colour": "color"})), "color: renamed from colour?"),
    "retyped_column": (_text(GOOD.assign(x="many")), "retyped: x"),
    "broken_gzip": (b"\x1f\x8b\x08\x00broken", "gzip"),
    "too_many_bad_rows": (_text(GOOD.assign(x=99.0)), "80 of 80 rows are bad"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_batch_that_does_not_fit_is_refused_by_name_and_harms_no_other(project: Project, name: str) -> None:
    """The message names the file and what is wrong; its bytes are kept; the batches before and after it are merged."""
    content, words = BROKEN[name]
    project.deliver("1_before.csv", visits(0, 1))
    project.deliver(f"2_{name}.csv", content)
    project.deliver("3_after.csv", visits(1, 1))
    batches = _step(project, ingest.land)
    assert len(batches) == 3
    refusals = []
    for sha in batches:
        try:
            _step(project, ingest.check, sha)
            _step(project, ingest.validate, sha)
        except QualityError as error:
            refusals.append((sha, str(error)))
    ((sha, said),) = refusals
    assert f"2_{name}.csv" in said
    assert words in said
    assert "kept" in said
    with open_landing().open(FEED, sha) as kept:
        assert kept.read() == content
    _step(project, ingest.merge)
    assert sorted(project.rows(f"clean/{FEED}")["visit"]) == sorted(visits(0, 2)["visit"])
    assert _statuses() == {"1_before.csv": "merged", f"2_{name}.csv": "stopped", "3_after.csv": "merged"}
    with pytest.raises(QualityError, match=f"1 of 3 batches stopped(?s:.*)2_{name}.csv"):
        _step(project, ingest.report, batches)


def test_a_stopped_batch_is_not_looked_at_again(project: Project) -> None:
    """What was refused once does not wake the DAG, does not land again, and does not fail the next run."""
    project.deliver("bad.csv", b"")
    (sha,) = _step(project, ingest.land)
    with pytest.raises(QualityError):
        _step(project, ingest.check, sha)
    assert ingest.waiting(FEED) == []
    with pytest.raises(Skip):
        _step(project, ingest.land)
    assert _step(project, ingest.report, None) == {"feed": FEED, "stopped": 0}


def test_a_mended_file_under_the_same_name_is_a_new_batch(project: Project) -> None:
    """The hint of the refusal works: mend the file and deliver it again."""
    project.deliver("a.csv", b"")
    (sha,) = _step(project, ingest.land)
    with pytest.raises(QualityError, match="Mend and deliver it again"):
        _step(project, ingest.check, sha)
    project.deliver("a.csv", GOOD)
    project.ingest()
    assert [batch.status for batch in open_ledger().batches(FEED)] == ["stopped", "merged"]
    assert len(project.rows(f"clean/{FEED}")) == 80


def test_a_merge_that_was_ended_before_it_was_recorded_merges_once(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lake's own transaction ids make a second write of a batch nothing, quarantine included."""
    project.deliver("a.csv", GOOD.assign(x=[99.0, *GOOD["x"][1:]]))
    sha = _step(project, ingest.land)[0]
    _step(project, ingest.check, sha)
    _step(project, ingest.validate, sha)
    with monkeypatch.context() as patch:
        patch.setattr("include.ratchet.adapters.ledger.Ledger.mark", _fail)
        with pytest.raises(OSError, match="pulled"):
            _step(project, ingest.merge)
    _step(project, ingest.merge)
    assert len(project.rows(f"clean/{FEED}")) == 79
    assert len(project.rows(f"quarantine/{FEED}")) == 1
    assert _statuses() == {"a.csv": "merged"}


def _fail(*_: Any, **__: Any) -> None:
    raise OSError("the plug was pulled")


def test_a_stopped_batch_is_looked_at_again_under_another_spec(project: Project) -> None:
    """An operator accepts a change by writing it into feed.yaml: the batch that waited is taken in, undelivered anew."""
    project.deliver("new.csv", visits(0, 2).assign(shop="north"))
    (sha,) = project.run(ingest.land, FEED, stage="ingest")
    with pytest.raises(QualityError, match="shop: new"):
        project.run(ingest.check, FEED, sha, stage="ingest")
    with pytest.raises(Skip):
        project.run(ingest.land, FEED, stage="ingest")
    project.write(feed=FEED_YAML.replace("colour: string", "colour: string, shop: string"))
    project.ingest()
    assert [each.status for each in open_ledger().batches(FEED)] == ["merged"]


def test_the_same_bytes_are_one_batch(project: Project) -> None:
    """A corrected file that is followed by a copy of the old one stays corrected: a touch or a new sync reverts nothing."""
    for day, x in enumerate((1.0, 2.0)):
        os.utime(project.deliver("a.csv", GOOD.assign(x=x)), (1e9 + day, 1e9 + day))
        project.ingest()
    os.utime(project.deliver("a.csv", GOOD.assign(x=1.0)), (1e9 + 2, 1e9 + 2))
    with pytest.raises(Skip, match="nothing new"):
        project.ingest()
    assert set(project.rows(f"clean/{FEED}")["x"]) == {2.0}


def test_a_home_that_was_moved_lands_nothing_again(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same files under another folder are the deliveries that they were, whatever order their names would give them."""
    project.deliver("2.csv", GOOD.assign(x=1.0))
    project.ingest()
    project.deliver("1.csv", GOOD.assign(x=2.0))
    project.ingest()
    shutil.copytree(project.home, project.home.with_name("moved"))
    monkeypatch.setenv("RATCHET__HOME", str(project.home.with_name("moved")))
    with pytest.raises(Skip, match="nothing new"):
        project.ingest()
    assert ingest.waiting(FEED) == []
    assert set(project.rows(f"clean/{FEED}")["x"]) == {2.0}


def test_what_is_appended_is_never_taken_twice(project: Project) -> None:
    """A feed that appends has no key to drop copies by: bytes that landed before bring nothing, whenever they come."""
    project.write(feed=FEED_YAML + "    mode: append\n")
    for day, x in enumerate((1.0, 2.0)):
        os.utime(project.deliver("a.csv", GOOD.assign(x=x)), (1e9 + day, 1e9 + day))
        project.ingest()
    os.utime(project.deliver("a.csv", GOOD.assign(x=1.0)), (1e9 + 2, 1e9 + 2))
    with pytest.raises(Skip, match="nothing new"):
        project.ingest()
    assert len(project.rows(f"clean/{FEED}")) == 160


def test_the_same_bytes_may_wait_twice(project: Project) -> None:
    """A, B and A again of a replaced feed, before any merge: each landing has its own staged files and marks, and A's rows win."""
    project.write(feed=FEED_YAML + "    mode: replace\n")
    names = []
    for day, x in enumerate((99.0, 2.0, 99.0)):
        frame = GOOD.assign(x=[x, *[float(day % 2)] * 79])
        os.utime(project.deliver("a.csv", frame), (1e9 + day, 1e9 + day))
        names = _step(project, ingest.land)
    assert len(set(names)) == 3
    for name in names:
        assert _step(project, ingest.validate, _step(project, ingest.check, name))["batch"] == name
    assert _step(project, ingest.merge)["batches"] == 3
    assert [each.status for each in open_ledger().batches(FEED)] == ["merged"] * 3
    clean = project.rows(f"clean/{FEED}").set_index("visit")["x"]
    assert 0 not in clean.index  # out of range in A: quarantined, both times
    assert set(clean) == {0.0}
    assert len(project.rows(f"quarantine/{FEED}")) == 2
    assert ingest.waiting(FEED) == []


def test_a_landing_that_runs_beside_another_doubles_nothing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that was given up and goes on lands what it saw, after another has: the batches stay as they are."""
    for name, x in (("1.csv", 1.0), ("2.csv", 2.0)):
        project.deliver(name, GOOD.assign(x=x))
    with monkeypatch.context() as patch:
        patch.setattr("include.ratchet.adapters.ledger.Ledger.seen", lambda *_: [])
        said = [_step(project, ingest.land) for _ in range(2)]
    assert said[0] == said[1]
    assert len(said[0]) == 2


def test_a_run_takes_no_more_than_airflow_expands(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything lands; a run takes the oldest; the rest still wakes the DAG, and goes into the next run."""
    assert ingest.MOST_AT_ONCE <= 1024
    monkeypatch.setattr(ingest, "MOST_AT_ONCE", 2)
    for day in range(3):
        project.deliver(f"{day}.csv", visits(day, 1))
    project.ingest()
    assert _statuses() == {"0.csv": "merged", "1.csv": "merged", "2.csv": "landed"}
    (left,) = ingest.waiting(FEED)
    assert "2.csv" in left
    project.ingest()
    assert set(_statuses().values()) == {"merged"}


def test_a_row_from_the_future_does_not_move_the_datas_clock(project: Project) -> None:
    """The batch's newest event is the newest that has been; a batch of none but future rows says its own."""
    project.deliver("a.csv", GOOD.assign(at=["2099-01-01T00:00:00Z", *GOOD["at"][1:]]))
    project.ingest()
    assert open_ledger().newest_event(FEED) == datetime.fromisoformat(GOOD["at"].iloc[-1])
    project.deliver("b.csv", visits(2, 1).assign(at="2098-01-01T00:00:00Z"))
    project.ingest()
    newest = open_ledger().newest_event(FEED)
    assert newest is not None
    assert newest.year == 2098
