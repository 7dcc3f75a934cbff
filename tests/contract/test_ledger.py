"""What the ledger promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from include.ratchet.adapters.ledger import Ledger, _opened, opened
from include.ratchet.domain.errors import LedgerError, OvertakenError
from include.ratchet.domain.records import (
    Batch,
    Delivery,
    Disposition,
    Promotion,
    RuleResult,
    Signal,
    Snapshot,
    TrainingRun,
    Verdict,
    Window,
)
from include.ratchet.domain.specs import PROJECT

AT = datetime(2013, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = (RuleResult("business auc", "proof", "pass", "shown", 0.7, 0.6, 0.8, 0.01), RuleResult("size", "check", "pass", "small"))
WINDOW = Window(AT, AT + HOUR)


@pytest.fixture
def ledger(url: str) -> Ledger:
    """Give an empty ledger."""
    return Ledger(url)


def land(ledger: Ledger, content: str, hours: int = 0, *, again: bool = False, feed: str = "f") -> bool:
    """Land some bytes at some hour from a delivery of their own name, and of that hour after the first."""
    batch = Batch(feed, content * 64, f"{content}.csv", 3, AT + hours * HOUR, watermark=hours)
    return ledger.land(batch, Delivery(f"{content}.csv", f"print-{content}" + (f"-{hours}" if hours else "")), again=again)


def blessed(ledger: Ledger, version: int, outcome: str = "promote", model: str = "m", at: datetime = AT) -> Verdict:
    """Record a verdict on a version."""
    return ledger.judge(Verdict(model, version, f"run-{version}", outcome, "said", RULES, {"challenger": 0.7}, None, at))  # type: ignore[arg-type]


def promotion(verdict: Verdict, previous: int | None) -> Promotion:
    """Make the promotion of a judged version."""
    return Promotion(verdict.model, verdict.version, previous, "promote", "me", "better", verdict.digest, AT)


class TestBatches:
    def test_the_same_bytes_are_one_batch(self, ledger: Ledger) -> None:
        """A second delivery of the same bytes is remembered, and makes no second batch."""
        assert land(ledger, "a")
        assert not ledger.land(Batch("f", "a" * 64, "copy.csv", 3, AT), Delivery("copy.csv", "print-copy"))
        assert [b.uri for b in ledger.batches("f")] == ["a.csv"]
        assert sorted(ledger.seen("f")) == ["print-a", "print-copy"]

    def test_feeds_do_not_see_each_other(self, ledger: Ledger) -> None:
        """The same bytes may be a batch of two feeds."""
        assert land(ledger, "a")
        assert land(ledger, "a", feed="g")
        assert len(ledger.batches("f")) == len(ledger.seen("g")) == 1

    def test_batches_come_as_they_landed(self, ledger: Ledger) -> None:
        """Order and statuses are kept, and what is marked is there for the next reader, on another connection."""
        for name in "cab":
            land(ledger, name)
        ledger.mark("f", "a" * 64, status="merged", rows=7, max_event_time=AT)
        reader = Ledger(ledger._engine.url.render_as_string(hide_password=False))
        assert [b.uri[0] for b in reader.batches("f")] == ["c", "a", "b"]
        assert [b.uri[0] for b in reader.batches("f", "landed")] == ["c", "b"]
        merged = reader.batches("f", "merged")[0]
        assert (merged.rows, merged.watermark, merged.landed_at) == (7, 0, AT)

    def test_a_batch_that_never_landed_cannot_move_on(self, ledger: Ledger) -> None:
        """Marking the unknown is our error, with what to do."""
        with pytest.raises(LedgerError, match="not in the ledger; land it first"):
            ledger.mark("f", "z" * 64, status="merged")

    def test_the_newest_event_is_of_merged_batches(self, ledger: Ledger) -> None:
        """What has not been merged has not happened yet, for the clock."""
        assert ledger.newest_event("f") is None
        for hours, (name, status) in enumerate((("a", "merged"), ("b", "merged"), ("c", "stopped"))):
            land(ledger, name)
            ledger.mark("f", name * 64, status=status, max_event_time=AT + hours * HOUR)
        assert ledger.newest_event("f") == AT + HOUR

    def test_a_replaced_feed_may_go_back(self, ledger: Ledger) -> None:
        """A, B and A again are three batches of a replaced feed; A twice in a row is one; each writes under its own id."""
        assert [land(ledger, name, hour, again=True) for hour, name in enumerate("abaabb")] == [True, True, True, False, True, False]
        found = ledger.batches("f")
        assert [(b.uri[0], b.landing) for b in found] == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
        assert len({b.write_id for b in found}) == 4
        assert ledger.seen("f")[-1] == "print-b-5"

    def test_a_delivery_lands_once(self, ledger: Ledger) -> None:
        """A task that lands what another, or its own earlier try, has landed since it looked, makes no new batch of it."""
        for _ in range(2):
            for name in "ab":
                land(ledger, name, again=True)
        assert [(b.uri[0], b.landing) for b in ledger.batches("f")] == [("a", 0), ("b", 0)]

    def test_marking_moves_the_landing_that_it_names(self, ledger: Ledger) -> None:
        """Two landings of the same bytes may be on their way at once: what happens to one leaves the other as it was."""
        for hour, name in enumerate("aba"):
            land(ledger, name, hour, again=True)
        for version, batch in enumerate(ledger.batches("f")):
            ledger.mark("f", batch.write_id, status="merged", version=version)
        ledger.mark("f", "a" * 64, status="repairing")
        assert [(b.status, b.version) for b in ledger.batches("f")] == [("repairing", 0), ("merged", 1), ("merged", 2)]

    def test_each_batch_is_named_by_its_newest_delivery(self, ledger: Ledger) -> None:
        """One name per batch, in the order asked for: what the watcher told before it landed, and no older one."""
        for hour, name in enumerate("aba"):
            land(ledger, name, hour, again=True)
        assert ledger.fingerprints("f", ["b" * 64, "a" * 64, "a" * 64]) == ["print-b-1", "print-a-2"]
        assert ledger.fingerprints("f", []) == []

    def test_large_files(self, ledger: Ledger) -> None:
        """A batch may have more than two gigabytes."""
        ledger.land(Batch("f", "a" * 64, "big", 2**33, AT), Delivery("big", "print"))
        assert ledger.batches("f")[0].size == 2**33

    def test_times_are_utc_on_both_sides(self, ledger: Ledger) -> None:
        """A time given in another zone comes back as the same moment, in UTC."""
        local = AT.astimezone(timezone(timedelta(hours=-5)))
        ledger.land(Batch("f", "a" * 64, "u", 1, local), Delivery("u", "print"))
        found = ledger.batches("f")[0].landed_at
        assert (found, found.utcoffset()) == (AT, timedelta(0))


class TestSignals:
    def test_the_same_reason_is_one_signal(self, ledger: Ledger) -> None:
        """A key repeats the signal it named, per model; other keys are other signals; the newest comes first."""
        for model, key in (("m", "a"), ("m", "a"), ("m", "b"), ("n", "a")):
            ledger.signal(Signal(model, "drift", key, {"psi": 0.3}, AT))
        found = ledger.signals("m")
        assert [(s.key, d.outcome) for s, d in found] == [("b", "pending"), ("a", "pending")]
        assert found[0][0].evidence == {"psi": 0.3}
        assert len(ledger.signals("n", pending=True)) == 1

    @staticmethod
    def pending(ledger: Ledger) -> list[int]:
        """Record two signals; return their ids."""
        for key in "ab":
            ledger.signal(Signal("m", "manual", key, {}, AT))
        return [int(s.id or 0) for s, _ in reversed(ledger.signals("m", pending=True))]

    @staticmethod
    def run(run_id: str = "r") -> TrainingRun:
        """Make a run."""
        return TrainingRun(run_id, "m", "by hand", WINDOW, ("a", "b"), AT, AT)

    def test_dispositions_and_run_are_written_together(self, ledger: Ledger) -> None:
        """After an arbitration the signals are answered, and the run is there as it was decided."""
        one, two = self.pending(ledger)
        ledger.arbitrated([Disposition(one, "started", "by hand", "r"), Disposition(two, "coalesced", "joined", "r")], self.run())
        assert ledger.signals("m", pending=True) == []
        assert [(d.outcome, d.run) for _, d in ledger.signals("m")] == [("coalesced", "r"), ("started", "r")]
        assert ledger.run("m", "r") == self.run()
        assert ledger.run("m", "other") is None

    def test_nothing_is_written_when_a_part_fails(self, ledger: Ledger) -> None:
        """An unknown signal, or a run that is there already, leaves every signal pending."""
        one, two = self.pending(ledger)
        with pytest.raises(LedgerError, match=r"signal\(s\) \[999\] are not in the ledger"):
            ledger.arbitrated([Disposition(one, "started", "x", "r"), Disposition(999, "coalesced", "x", "r")], self.run())
        assert ledger.run("m", "r") is None
        ledger.arbitrated([], self.run())
        with pytest.raises(IntegrityError):
            ledger.arbitrated([Disposition(one, "started", "x", "r")], self.run())
        assert [s.id for s, _ in ledger.signals("m", pending=True)] == [two, one]

    def test_a_signal_is_answered_once(self, ledger: Ledger) -> None:
        """A pending answer may be followed by a final one; a final one is final."""
        one, _ = self.pending(ledger)
        for reason in ("cooling down", "over budget"):
            ledger.arbitrated([Disposition(one, "pending", reason)], None)
            assert [made.reason for _, made in ledger.signals("m", pending=True)] == ["", reason]
        ledger.arbitrated([Disposition(one, "nothing new", "no rows")], None)
        with pytest.raises(LedgerError, match="nothing new already"):
            ledger.arbitrated([Disposition(one, "started", "x", "r")], self.run())
        assert ledger.runs("m") == []

    def test_of_two_arbitrations_at_once_one_starts(self, ledger: Ledger) -> None:
        """Four threads that read the same pending signals start one run between them."""
        one, two = self.pending(ledger)

        def start(number: int) -> bool:
            answers = [Disposition(one, "started", "x", f"r{number}"), Disposition(two, "coalesced", "x", f"r{number}")]
            try:
                ledger.arbitrated(answers, self.run(f"r{number}"))
            except LedgerError:
                return False
            return True

        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(start, range(4))) == 1
        assert len(ledger.runs("m")) == 1

    def test_a_decision_that_did_not_know_of_a_run_starts_none(self, ledger: Ledger) -> None:
        """A run that another arbiter started meanwhile counts against the budget: who did not see it must decide again."""
        one, two = self.pending(ledger)
        ledger.arbitrated([Disposition(one, "started", "x", "r1")], self.run("r1"), seen=0)
        with pytest.raises(OvertakenError, match="m: 1 runs are recorded, 0 were known"):
            ledger.arbitrated([Disposition(two, "started", "x", "r2")], self.run("r2"), seen=0)
        assert [s.id for s, _ in ledger.signals("m", pending=True)] == [two]
        ledger.arbitrated([Disposition(two, "started", "x", "r2")], self.run("r2"), seen=1)
        assert len(ledger.runs("m")) == 2

    def test_of_many_decisions_on_the_same_facts_one_starts_a_run(self, ledger: Ledger) -> None:
        """Eight arbiters with a signal each, all of which saw no run: one run, seven that must decide again."""
        for number in range(8):
            ledger.signal(Signal("m", "drift", str(number), {}, AT))

        def start(signal: Signal) -> bool:
            try:
                ledger.arbitrated([Disposition(signal.id or 0, "started", "x", signal.key)], self.run(signal.key), seen=0)
            except OvertakenError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(start, [each for each, _ in ledger.signals("m")])) == 1
        assert (len(ledger.runs("m")), len(ledger.signals("m", pending=True))) == (1, 7)

    def test_runs_come_newest_first_and_all(self, ledger: Ledger) -> None:
        """The arbiter counts every run of a day against its budget, however many there are."""
        for number in range(30):
            ledger.arbitrated([], replace(self.run(f"r{number}"), started_at=AT + number * HOUR))
        assert [r.run_id for r in ledger.runs("m", limit=2)] == ["r29", "r28"]
        assert len(ledger.runs("m")) == 30


class TestVerdicts:
    def test_a_verdict_comes_back_whole(self, ledger: Ledger) -> None:
        """Rules, figures, time and digest survive, and the digest names the content."""
        made = blessed(ledger, 1)
        assert ledger.verdicts("m") == [made]
        assert made.rules == RULES
        assert made.digest != blessed(ledger, 2).digest

    def test_a_run_judges_once(self, ledger: Ledger) -> None:
        """A judge task that is cleared and run again gets the verdict that is there, whatever it would say now."""
        first = blessed(ledger, 1, "refuse")
        assert blessed(ledger, 1, "promote", at=AT + HOUR) == first
        assert len(ledger.verdicts("m")) == 1

    def test_a_verdict_has_the_digest_of_its_dossier(self, ledger: Ledger) -> None:
        """None before one is written; the same again is one; another one, of later code, is the newest."""
        verdict = blessed(ledger, 1).digest
        assert ledger.dossier(verdict) is None
        for name in ("d1", "d1", "d2", "d2"):
            ledger.explain(verdict, name, f"http://here/{name}")
        assert ledger.dossier(verdict) == {"digest": "d2", "url": "http://here/d2"}

    def test_a_verdict_needs_a_time(self, ledger: Ledger) -> None:
        """An undated verdict cannot be put in order."""
        with pytest.raises(LedgerError, match="has no time"):
            ledger.judge(Verdict("m", 1, "r", "promote", "s", ()))

    def test_no_verdict_is_too_old_to_be_found(self, ledger: Ledger) -> None:
        """A champion stays blessed however many challengers were refused after it."""
        blessed(ledger, 1)
        for version in range(2, 60):
            blessed(ledger, version, "refuse", at=AT + version * HOUR)
        found = ledger.verdicts("m")
        assert (found[0].version, found[-1].version, len(found)) == (59, 1, 59)

    def test_snapshots(self, ledger: Ledger) -> None:
        """A snapshot is recorded once under its digest and comes back as it was; an unknown one is our error."""
        snapshot = Snapshot("d" * 64, "m", {"f": 3}, WINDOW, "t" * 64, 9, "c" * 64, "place")
        ledger.snapshot(snapshot)
        ledger.snapshot(snapshot)
        assert ledger.get_snapshot("d" * 64) == snapshot
        with pytest.raises(LedgerError, match="not in the ledger"):
            ledger.get_snapshot("e" * 64)

    def test_a_run_reports_once(self, ledger: Ledger) -> None:
        """A monitor run that is run again keeps its first report; the newest comes first."""
        for run, content in (("r1", {"n": 1}), ("r1", {"n": 2}), ("r2", {"n": 3})):
            ledger.report("m", run, 1, content, AT)
        assert ledger.reports("m") == [{"n": 3}, {"n": 1}]

    def test_steps_come_in_order(self, ledger: Ledger) -> None:
        """Each try of each task of a run is there, oldest first."""
        common = {
            "dag_id": "d",
            "map_index": -1,
            "executor": "x",
            "code_version": "c",
            "parameters": {},
            "started_at": AT,
            "ended_at": AT,
            "output": "",
        }
        for task, number in (("a", 1), ("a", 2), ("b", 1)):
            ledger.step(run_id="r", task_id=task, try_number=number, state="success", **common)
        assert [(s["task_id"], s["try_number"]) for s in ledger.steps("r")] == [("a", 1), ("a", 2), ("b", 1)]
        assert ledger.steps("other") == []

    def test_a_task_fails_while_the_newest_run_that_has_it_does(self, ledger: Ledger) -> None:
        """A run by hand of four candidates is over with the next of two, which has no fourth."""
        common = {"dag_id": "d", "executor": "x", "code_version": "c", "parameters": {}, "started_at": AT, "ended_at": AT, "output": ""}

        def tried(run: str, index: int, state: str, number: int = 1) -> list[tuple[str, int]]:
            ledger.step(run_id=run, task_id="fit", map_index=index, try_number=number, state=state, **common)
            return [(each["run_id"], each["map_index"]) for each in ledger.failing(["d"], AT)]

        assert tried("four", 3, "failed") == [("four", 3)]
        assert tried("four", 0, "success") == [("four", 3)]
        assert tried("two", 0, "failed") == [("two", 0)]
        assert tried("two", 1, "success") == [("two", 0)]
        assert tried("two", 0, "success", 2) == []


RACER = """
    import sys, time
    from pathlib import Path
    from datetime import UTC, datetime
    from include.ratchet.adapters.ledger import Ledger
    from include.ratchet.domain.errors import LedgerError
    from include.ratchet.domain.records import Promotion
    url, gate, version, evidence = sys.argv[1:]
    ledger = Ledger(url)
    Path(gate + version).touch()
    while not Path(gate).exists():
        time.sleep(0.001)
    try:
        ledger.promote(Promotion("m", int(version), None, "promote", "me", "w", evidence, datetime.now(UTC)))
        print("won")
    except LedgerError as error:
        print("lost" if "the champion is version" in str(error) else error)
"""


class TestPromotions:
    def test_the_champion_is_the_last_promoted(self, ledger: Ledger) -> None:
        """Before the first promotion nothing serves; then the newest does; the history is complete."""
        assert ledger.champion("m") is None
        ledger.promote(promotion(blessed(ledger, 1), None))
        ledger.promote(promotion(blessed(ledger, 2), 1))
        ledger.promote(replace(promotion(blessed(ledger, 1), 2), action="rollback"))
        assert ledger.champion("m") == 1
        assert [(p.version, p.previous, p.action) for p in ledger.promotions("m")] == [
            (1, 2, "rollback"),
            (2, 1, "promote"),
            (1, None, "promote"),
        ]

    @pytest.mark.parametrize("change", [{"evidence": "f" * 64}, {"version": 2}, {"model": "n"}])
    def test_only_the_blessed_version_can_serve(self, ledger: Ledger, change: dict[str, Any]) -> None:
        """A verdict blesses one version of one model, and what is no verdict blesses nothing."""
        with pytest.raises(LedgerError, match="not blessed"):
            ledger.promote(replace(promotion(blessed(ledger, 1), None), **change))
        assert ledger.promotions("m") == ledger.promotions("n") == []

    @pytest.mark.parametrize("outcome", ["refuse", "inconclusive"])
    def test_a_refused_version_cannot_serve(self, ledger: Ledger, outcome: str) -> None:
        """Doubt is no blessing."""
        with pytest.raises(LedgerError, match="not blessed"):
            ledger.promote(promotion(blessed(ledger, 1, outcome), None))

    def test_a_promotion_over_another_champion_is_refused(self, ledger: Ledger) -> None:
        """Compare and set: what began when another version served is told which one does now."""
        ledger.promote(promotion(blessed(ledger, 1), None))
        with pytest.raises(LedgerError, match="the champion is version 1 now, and was None"):
            ledger.promote(promotion(blessed(ledger, 2), None))
        assert ledger.champion("m") == 1

    def test_of_many_threads_one_wins(self, ledger: Ledger) -> None:
        """Eight promotions over the same champion: one is recorded, seven are refused."""
        verdicts = [blessed(ledger, version) for version in range(1, 9)]

        def attempt(verdict: Verdict) -> int:
            try:
                ledger.promote(promotion(verdict, None))
            except LedgerError:
                return 0
            return verdict.version

        with ThreadPoolExecutor(8) as pool:
            won = [version for version in pool.map(attempt, verdicts) if version]
        assert len(won) == 1
        assert [p.version for p in ledger.promotions("m")] == won

    def test_of_two_processes_one_wins(self, ledger: Ledger, url: str, tmp_path: Path) -> None:
        """The same across processes, which share nothing but the database."""
        gate = tmp_path / "go"
        arguments = [[url, str(gate), str(version), blessed(ledger, version).digest] for version in (1, 2)]
        racers = [
            subprocess.Popen([sys.executable, "-c", textwrap.dedent(RACER), *each], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
            for each in arguments
        ]
        ready = [Path(f"{gate}{version}") for version in (1, 2)]
        while not all(path.exists() for path in ready) and all(racer.poll() is None for racer in racers):
            pass
        gate.touch()
        said = sorted(racer.communicate(timeout=60)[0].strip() for racer in racers)
        assert said == ["lost", "won"]
        assert len(ledger.promotions("m")) == 1


def test_many_may_open_an_empty_database(url: str) -> None:
    """The first tasks of a new deployment make the tables at the same time, and all of them find a ledger."""
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: Ledger(url), range(4)))
    assert [ledger.champion("m") for ledger in opened] == [None] * 4


def test_a_process_opens_a_ledger_once(url: str) -> None:
    """Whoever asks again gets the same one; a forked child gets its own, since connections must not cross a fork."""
    first = opened(url)
    first.champion("m")  # a connection is open, and may wait in a pool
    assert opened(url) is opened(url)
    child = os.fork()
    if child == 0:
        mine = opened(url)
        os._exit(0 if mine is not _opened(url, os.getppid()) and mine.champion("m") is None else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert opened(url).champion("m") is None


def test_opening_again_costs_nothing(url: str) -> None:
    """Two hundred openings are a watcher's in a minute and a half: they look at no table, and take no lock."""
    opened(url).champion("m")
    opened(url)
    began = time.process_time()
    for _ in range(200):
        opened(url)
    assert time.process_time() - began < 0.2


def test_a_ledger_that_was_removed_is_made_again(tmp_path: Path) -> None:
    """A process that outlives its home finds tables in the new one."""
    url = f"sqlite:///{tmp_path / 'l.db'}"
    for _ in range(3):
        land(opened(url), "a")
    for path in tmp_path.glob("l.db*"):
        path.unlink()
    assert opened(url).batches("f") == []


def test_a_read_waits_for_no_writer(tmp_path: Path) -> None:
    """While a task holds SQLite's write lock, the watchers and the prediction service go on reading."""
    url = f"sqlite:///{tmp_path / 'l.db'}"
    ledger = Ledger(url)
    land(ledger, "a")
    with sqlite3.connect(tmp_path / "l.db", isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert len(ledger.batches("f")) == 1
        assert ledger.champion("m") is None
        assert time.monotonic() - began < 5
        writer.execute("ROLLBACK")
