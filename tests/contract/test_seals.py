"""What the ledger's audit finds, on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.adapters.ledger.promotions import PromotionRow
from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.records import Disposition, Promotion, RuleResult, Signal, Snapshot, TrainingRun, Verdict, Window
from include.ratchet.domain.reigns import Confirmation

AT = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = Window(AT, AT + HOUR)
RULES = (RuleResult("business auc", "proof", "pass", "shown", 0.1 + 0.2, 0.6, 0.8, 1e-9),)


@pytest.fixture
def ledger(url: str) -> Ledger:
    """Give a ledger with a bit of everything that is sealed: three promotions among it."""
    made = Ledger(url)
    previous = None
    for version in (1, 2, 3):
        verdict = made.judge(
            Verdict("m", version, f"r{version}", "promote", "ü", RULES, {"n": 1, "x": {"2": None}}, previous, AT + version * HOUR)
        )
        made.promote(Promotion("m", version, previous, "promote", "me", "why", verdict.digest, AT + version * HOUR))
        previous = version
    snapshot = Snapshot("d" * 64, "m", {"f": 3}, WINDOW, "t" * 64, 9, "c" * 64, "place")
    made.snapshot(snapshot)
    made.snapshot(snapshot)  # the same again is no change
    for key in "abc":
        made.signal(Signal("m", "drift", key, {"psi": 0.1 + 0.2, "of": ["x", None]}, AT))
    answers = [Disposition(1, "started", "drift", "r1"), Disposition(2, "refused", "no such trigger"), Disposition(3, "pending", "cooling")]
    made.arbitrated(answers, TrainingRun("r1", "m", "by hand", WINDOW, ("a",), AT, AT))
    common = {"executor": "x", "code_version": "c", "started_at": AT, "ended_at": AT, "output": "", "state": "success"}
    made.step(dag_id="d", run_id="r", task_id="t", map_index=-1, try_number=1, parameters={"a": [1, None]}, **common)
    made.report("m", "r", 1, {"metric": 0.1}, AT)
    made.confirm(Confirmation("m", 1, "w", AT))
    return made


def faults(ledger: Ledger) -> list[str]:
    """Return all faults of all chains."""
    return [fault for each in ledger.audit() for fault in each.faults]


def tamper(url: str, said: str) -> None:
    """Write past the ledger."""
    with create_engine(url).begin() as connection:
        assert connection.execute(text(said)).rowcount == 1


def test_what_was_written_is_what_is_read(ledger: Ledger) -> None:
    """Every kind of record, read back on this database, has the content that was sealed."""
    assert faults(ledger) == []
    assert {each.chain: each.records for each in ledger.audit() if each.records} == {
        "promotions": 3,
        "verdicts": 3,
        "snapshots": 1,
        "runs": 1,
        "steps": 1,
        "reports": 1,
        "confirmations": 1,
        "signals": 3,
        "dispositions": 2,
    }


def test_a_signal_that_cannot_be_recorded_is_told(url: str, ledger: Ledger) -> None:
    """Where its number has a seal already, as after rows were removed; the same key again is still no error."""
    tamper(url, "UPDATE seals SET record = '4' WHERE chain = 'signals' AND record = '3'")
    ledger.signal(Signal("m", "drift", "a", {}, AT))
    if url.startswith("postgresql"):
        tamper(url, "SELECT setval('signals_id_seq', 3)")  # a number once drawn is not drawn again
    with pytest.raises(LedgerError, match=r"signal 'd' of m: not recorded.*audit verify"):
        ledger.signal(Signal("m", "drift", "d", {}, AT))
    assert [signal.key for signal, _ in ledger.signals("m")] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("UPDATE promotions SET who = 'you' WHERE sequence = 2", "promotions m/2: edited after it was recorded"),
        ("UPDATE promotions SET at = '2026-01-01 00:00:00.000000' WHERE sequence = 1", "promotions m/1: edited after it was recorded"),
        ("DELETE FROM promotions WHERE sequence = 3", "promotions m/3: deleted"),
        ("UPDATE dispositions SET outcome = 'expired' WHERE signal = 2", "dispositions 2: edited after it was recorded"),
        ("DELETE FROM dispositions WHERE signal = 1", "dispositions 1: deleted"),
        ("INSERT INTO dispositions VALUES (3, 'expired', 'late', NULL)", "dispositions 3: inserted; it was never sealed"),
        ("UPDATE signals SET kind = 'manual' WHERE id = 2", "signals 2: edited after it was recorded"),
        ("DELETE FROM signals WHERE id = 3", "signals 3: deleted"),
        ("DELETE FROM confirmations", "confirmations m/1/w: deleted"),
        ("UPDATE steps SET state = 'failed'", "steps 1: edited after it was recorded"),
        ("UPDATE reports SET run_id = 'other'", "reports m/r: deleted"),
        (
            "INSERT INTO promotions SELECT 99, model, 4, version, 3, 'rollback', who, why, evidence, at FROM promotions WHERE sequence = 1",
            "promotions m/4: inserted; it was never sealed",
        ),
    ],
)
def test_tampering_is_named(ledger: Ledger, url: str, said: str, named: str) -> None:
    """One record changed past the ledger: the audit names it."""
    tamper(url, said)
    assert named in faults(ledger)


def test_an_edited_verdict_blesses_nothing(ledger: Ledger, url: str) -> None:
    """A refusal that somebody turned into a blessing does not serve, audit or not."""
    refused = ledger.judge(Verdict("m", 4, "r4", "refuse", "no", RULES, {}, 3, AT))
    tamper(url, "UPDATE verdicts SET outcome = 'promote' WHERE version = 4")
    with pytest.raises(LedgerError, match="not as it was recorded"):
        ledger.promote(Promotion("m", 4, 3, "promote", "me", "why", refused.digest, AT))
    assert ledger.champion("m") == 3


def test_the_ledger_itself_changes_no_record(ledger: Ledger) -> None:
    """Whatever the code tries: a sealed record is neither changed nor removed."""
    with Session(ledger._engine) as session:
        row = session.get_one(PromotionRow, 1)
        row.who = "you"
        with pytest.raises(LedgerError, match="promotions m/1: a record of the ledger is not changed or removed"):
            session.flush()
    with Session(ledger._engine) as session:
        session.delete(session.get_one(PromotionRow, 1))
        with pytest.raises(LedgerError, match="not changed or removed"):
            session.flush()


def test_many_writers_make_one_chain(ledger: Ledger) -> None:
    """Records of four threads are sealed one after the other, none over the same link."""
    verdict = ledger.verdicts("m")[0]

    def write(number: int) -> None:
        ledger.judge(replace(verdict, version=number, run_id=f"r{number}", digest=""))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(10, 30)))
    assert faults(ledger) == []
    assert next(each.records for each in ledger.audit() if each.chain == "verdicts") == 23


def test_a_rollback_goes_to_a_former_champion(ledger: Ledger) -> None:
    """A blessed version that never served is promoted, not rolled back to."""
    blessed = ledger.judge(Verdict("m", 4, "r4", "promote", "yes", RULES, {}, 3, AT))
    with pytest.raises(LedgerError, match="was never champion"):
        ledger.promote(Promotion("m", 4, 3, "rollback", "me", "why", blessed.digest, AT))


def test_history_by_what_was_known(ledger: Ledger) -> None:
    """The history as it was recorded by some time: a promotion that came later is not in it."""
    assert [each.promotion.version for each in ledger.reigns("m")] == [1, 2, 3]
    assert [each.promotion.version for each in ledger.reigns("m", AT + 2 * HOUR)] == [1, 2]


def test_a_confirmation_is_given_once(ledger: Ledger) -> None:
    """The same worker and promotion again changes nothing."""
    ledger.confirm(Confirmation("m", 1, "w", AT + HOUR))
    assert ledger.reigns("m")[0].confirmed_by == 1
    assert faults(ledger) == []


def test_no_part_hides_another() -> None:
    """The ledger is all its parts: two methods of one name would leave one of them unreachable."""
    names = [name for part in Ledger.__bases__ for name in vars(part) if not name.startswith("_")]
    assert sorted(names) == sorted(set(names))
