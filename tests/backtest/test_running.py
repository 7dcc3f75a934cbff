"""A backtest as a whole, on the tiny project: 90 days, of which the last 30 follow another concept."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from include.ratchet.adapters import open_ledger, open_registry
from include.ratchet.adapters.lake import DeltaLake
from include.ratchet.adapters.ledger import opened
from include.ratchet.backtest import bed, planning, reporting, running
from include.ratchet.backtest.bed import Bed
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.records import Json
from tests import tiny
from tests.tiny import MODEL, Project, visits

POLICIES, WINDOWS = ("never", "every", "loss"), 6


@dataclass
class Done:
    """A finished backtest, and the files of the project before it."""

    made: Bed
    content: Json
    page: Path
    home: Path
    before: dict[str, str]
    told: list[str]
    lean: bool
    """Whether what only a replay that goes on needs was removed."""

    def window(self, policy: str, number: int) -> Json:
        """Return what happened in a window under a policy."""
        found: Json = bed.read(self.made.folder / f"policies/{policy}/windows/{number:03}.json")
        return found


@pytest.fixture(scope="module")
def done(stages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """Replay once, in this process, for all tests."""
    root = tmp_path_factory.mktemp("backtest")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RATCHET__HOME", str(root / "home"))
        patch.setenv("RATCHET__CLOCK", "data")
        patch.setenv("RATCHET__LINEAGE__PATH", str(root / "home/events.jsonl"))
        tiny.write_specs(root / "include")
        tiny.read_specs_from(root / "include", patch)
        shutil.copytree(stages / "landed", root / "home")
        project = Project(root / "home", root / "include")
        project.deliver("second.csv", visits(60, 30, flipped=True))
        project.ingest()
        before, told = _files(project.home), list[str]()
        made = planning.plan(specs.model(MODEL), WINDOWS)
        page, content = reporting.report(made, *running.replay(made, POLICIES, 1, told.append))
        yield Done(made, content, page, project.home, before, told, not (made.folder / "memory").exists())


@pytest.fixture(autouse=True)
def _same_home(done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test look at the home of the backtest."""
    monkeypatch.setenv("RATCHET__HOME", str(done.home))


def _files(home: Path) -> dict[str, str]:
    """Name all files of a home but the backtests, each with a digest of its bytes; SQLite's own helpers come and go."""
    found = [path for path in home.rglob("*") if path.is_file() and path.suffix not in {".db-wal", ".db-shm"}]
    return {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
        if path.relative_to(home).parts[0] != "backtests"
    }


def test_nothing_of_the_project_changes(done: Done) -> None:
    """Not a byte of ledger, lake, registry or landing: a backtest reads them."""
    assert _files(done.home) == done.before
    assert open_ledger().runs(MODEL) == []
    assert open_registry().versions(MODEL) == []


def test_policies_train_as_they_say(done: Done) -> None:
    """Never has one champion for ever; every trains in each window with enough history; loss when it is shown."""
    found = {each["name"]: each for each in done.content["policies"]}
    assert found["never"]["trainings"] == 1
    assert found["every"]["trainings"] == 4
    assert [step["number"] for step in found["every"]["steps"] if step["outcome"] == "skipped"] == [1, 2]
    assert [step["served"] for step in found["never"]["steps"]] == [None, None, None, 3, 3, 3]
    assert found["loss"]["trainings"] > 1
    kinds = {signal["kind"] for step in found["loss"]["steps"] for signal in step["signals"]}
    assert kinds == {"manual", "degradation"}
    assert found["every"]["seconds"] > found["never"]["seconds"] > 0


def test_the_gate_decides_in_the_past(done: Done) -> None:
    """A verdict of the sandbox's own ledger stands behind every promotion, on rows from before the window's end."""
    ledger = opened(f"sqlite:///{done.made.folder / 'policies/every/ledger.db'}")
    promoted = ledger.promotions(MODEL)
    assert [each.version for each in promoted if each.previous is None] == [3]
    for run in ledger.runs(MODEL):
        number = int(run.run_id.rpartition("-")[2])
        assert run.clock_at == done.made.step(number).window.end
    for verdict in ledger.verdicts(MODEL):
        assert ledger.get_snapshot(verdict.figures["snapshot"]).window.end == done.made.step(verdict.version).window.end


def test_what_a_window_served_is_what_was_scored(done: Done) -> None:
    """The quality of a window is that of the version whose predictions its rows got."""
    rows = DeltaLake(str(done.made.folder / "policies/loss/lake")).dataset(f"predictions/{MODEL}").to_table(use_threads=False)
    for number in (4, 5):
        window = done.made.step(number).window
        inside = [row for row in rows.to_pylist() if window.start <= row["at"] < window.end]
        assert {row["model_version"] for row in inside} == {done.window("loss", number)["served"]}


def test_a_concept_that_changed_is_seen(done: Done) -> None:
    """The champion of before is worse than a coin on the flipped rows, and so is said window by window."""
    never = next(each for each in done.content["policies"] if each["name"] == "never")
    assert [point["number"] for point in never["quality"]] == [4, 5, 6]
    assert never["quality"][0]["value"] > 0.8
    assert never["quality"][1]["value"] < 0.5


def test_a_replay_that_was_ended_goes_on(done: Done) -> None:
    """What is there is not done again; a window that was killed after its promotion says the same as before."""
    known = {policy: done.window(policy, WINDOWS) for policy in POLICIES}
    models = {path: path.stat().st_mtime_ns for path in (done.made.folder / "models").rglob("*.skops")}
    for policy in POLICIES:
        (done.made.folder / f"policies/{policy}/windows/{WINDOWS:03}.json").unlink()
    told: list[str] = []
    _, found = running.replay(done.made, POLICIES, 1, told.append)
    for policy in POLICIES:
        assert found[policy][-1] | {"seconds": 0} == known[policy] | {"seconds": 0}
    assert {path: path.stat().st_mtime_ns for path in (done.made.folder / "models").rglob("*.skops")} == models
    assert len(told) == running.total(done.made, POLICIES)


def test_page_and_twin(done: Done) -> None:
    """Both are in the home, say the same, and the twin is JSON that a program can read."""
    twin = json.loads(done.page.with_suffix(".json").read_text(encoding="utf-8"))
    assert twin["recommendation"]["sentence"] == done.content["recommendation"]["sentence"]
    assert done.content["recommendation"]["sentence"] in done.page.read_text(encoding="utf-8")
    assert done.lean


def test_progress_is_told(done: Done) -> None:
    """Each piece of work is named once, and as many as were announced."""
    assert len(done.told) == len(set(done.told)) == running.total(done.made, POLICIES)
    assert "loss, window 6" in done.told


def test_one_at_a_time(done: Done) -> None:
    """A second backtest of a model is refused while the first is at work."""
    assert done.page.exists()
    with running.alone(MODEL), pytest.raises(DataError, match="at work already"), running.alone(MODEL):
        pass
