"""What is told of a real project's records, and what becomes of the messages."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.domain.alertspec import Channel
from include.ratchet.domain.errors import QualityError
from include.ratchet.domain.records import Promotion
from include.ratchet.tasks import alerts, arbitrate, ingest
from tests.tiny import FEED, MODEL, Project

CHANNELS = [{"kind": "webhook", "connection": "chat"}, {"kind": "smtp", "to": ["ann@example.org"]}]


@pytest.fixture(autouse=True)
def _two_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATCHET__ALERTS__CHANNELS", json.dumps(CHANNELS))


class Sink:
    """What a channel was given; `down` names the kinds that fail."""

    def __init__(self, *down: str) -> None:
        """Be given nothing yet."""
        self.down, self.got = down, list[tuple[str, str]]()

    def __call__(self, channel: Channel, headline: str, body: str) -> None:
        """Take a message."""
        if channel.kind in self.down:
            raise ConnectionRefusedError(channel.name)
        self.got.append((channel.kind, headline))
        assert body.startswith("What happened: ")


def test_a_healthy_project_tells_nothing(serving: Project) -> None:
    """A champion, a blessed version that waits for its deployment, no monitor report: no alert, no message."""
    assert serving.home.exists()
    assert alerts.look() == []
    assert open_ledger().messages() == []


def test_a_stopped_batch_is_told_once_and_clears_when_it_is_mended(project: Project) -> None:
    """Its failed tasks are not told beside it; what was rejected is no news any more."""
    project.deliver("bad.csv", b"visit,at\n1,2020-01-01T00:00:00Z\n")
    (sha,) = project.run(ingest.land, FEED, stage="ingest")
    with pytest.raises(QualityError):
        project.run(ingest.check, FEED, sha, stage="ingest")
    (told,) = alerts.look()
    assert (told.subject, told.condition) == (FEED, f"batch {sha[:12]} stopped")
    assert alerts.look() == []
    open_ledger().mark(FEED, sha, status="rejected")
    assert alerts.look() == []
    assert open_ledger().alerts() == []


def test_a_failed_run_is_told_by_the_task_and_cleared_by_the_next(landed: Project) -> None:
    """The sweep waits for another try; the task that knows there is none does not. A try that ends well clears it."""
    with pytest.raises(ValueError, match="nope"):
        landed.run(arbitrate.arbitrate, MODEL, candidates=["nope"])
    assert alerts.look() == []
    (told,) = alerts.look([MODEL], settled=landed.run_id)
    assert told.condition == f"{MODEL}_train failed in {landed.run_id}"
    assert alerts.look() == []
    landed.run(arbitrate.arbitrate, MODEL)
    alerts.look()
    assert open_ledger().alerts() == []


def test_a_rollback_is_told(serving: Project) -> None:
    """By whoever looks first after it; another one, with no look in between, is news as well."""
    ledger = open_ledger()
    one, two = (next(v for v in ledger.verdicts(MODEL) if v.version == number) for number in (1, 2))
    now = datetime.now(UTC)
    ledger.promote(Promotion(MODEL, 2, 1, "promote", "airflow", "why", two.digest, now))
    assert serving.run_id
    ledger.promote(Promotion(MODEL, 1, 2, "rollback", "ratchet", "smoke test failed: silence", one.digest, now))
    assert [each.condition for each in alerts.look([MODEL])] == [f"version 2 rolled back at {now:%Y-%m-%d %H:%M}"]
    later = now + timedelta(days=1)
    ledger.promote(Promotion(MODEL, 2, 1, "promote", "airflow", "why", two.digest, later))
    ledger.promote(Promotion(MODEL, 1, 2, "rollback", "ratchet", "smoke test failed: silence", one.digest, later))
    assert [each.condition for each in alerts.look([MODEL])] == [f"version 2 rolled back at {later:%Y-%m-%d %H:%M}"]


def test_a_late_run_stands_until_something_of_it_ends(landed: Project) -> None:
    """Another look keeps it, since it says nothing of runs; a task that ended since clears it."""
    (told,) = alerts.late(f"{MODEL}_train", "r", timedelta(hours=6))
    assert told.subject == MODEL
    assert alerts.look([MODEL]) == []
    assert [each.condition for each in open_ledger().alerts()] == [f"{MODEL}_train is late"]
    landed.run(arbitrate.arbitrate, MODEL)
    alerts.look([MODEL])
    assert open_ledger().alerts() == []


def test_a_broken_model_hides_nothing_of_a_feed(project: Project) -> None:
    """Another's model.yaml that cannot be read leaves the feed's stopped batch told."""
    project.deliver("bad.csv", b"visit,at\n1,2020-01-01T00:00:00Z\n")
    (sha,) = project.run(ingest.land, FEED, stage="ingest")
    with pytest.raises(QualityError):
        project.run(ingest.check, FEED, sha, stage="ingest")
    broken = project.include / "models" / "a_broken" / "model.yaml"
    broken.parent.mkdir()
    broken.write_text("nonsense: 1\n")
    assert [each.condition for each in alerts.look()] == [f"batch {sha[:12]} stopped"]


def test_what_is_told_of_a_spec_that_is_gone_clears(project: Project) -> None:
    """Its DAGs end no more: that one is late, or has failed, is over with it."""
    assert project.include.exists()
    alerts.late("gone_train", "r", timedelta(hours=6))
    assert [each.subject for each in open_ledger().alerts()] == ["gone"]
    assert alerts.look() == []
    assert open_ledger().alerts() == []


def test_the_sweep_itself_may_be_late_and_may_fail(project: Project) -> None:
    """A run that ends clears that it is late; one that failed is told of itself."""
    assert project.include.exists()
    alerts.late(alerts.SWEEP, "r", timedelta(hours=6))
    alerts.look()
    assert [each.condition for each in open_ledger().alerts()] == ["ratchet_alerts is late"]
    at = datetime.now(UTC)
    open_ledger().step(
        dag_id=alerts.SWEEP, run_id="s", task_id="alert", map_index=-1, try_number=3, state="failed", executor="", code_version="",
        parameters={}, started_at=at, ended_at=at, output="", reason="OSError: disk",
    )  # fmt: skip
    assert [each.condition for each in alerts.look([alerts.SWEEP], settled="s")] == ["ratchet_alerts failed in s"]
    assert [each.condition for each in open_ledger().alerts()] == ["ratchet_alerts failed in s"]


def test_a_channel_that_is_down_loses_nothing_and_stops_nobody(landed: Project) -> None:
    """The other channel gets its message; the one that is down gets it by the next sweep, and a task does not try it again."""
    assert landed.home.exists()
    alerts.late(f"{MODEL}_train", "r", timedelta(hours=6))
    broken = Sink("webhook")
    assert alerts.send(broken, fresh=True) == 1
    assert broken.got == [("smtp", f"Ratchet: {MODEL}: {MODEL}_train is late")]
    (waits,) = open_ledger().messages()
    assert (waits.channel, waits.tries, waits.error) == ("webhook chat", 1, "ConnectionRefusedError: webhook chat")
    up = Sink()
    assert alerts.send(up, fresh=True) == 0
    assert alerts.send(up) == 1
    assert up.got == [("webhook", f"Ratchet: {MODEL}: {MODEL}_train is late")]
    assert alerts.send(up) == 0


def test_a_dag_is_about_its_subject() -> None:
    """The name before the stage, with what underscores it has."""
    assert alerts.subject_of("flight_delay_train") == "flight_delay"
    assert alerts.subject_of("ratchet_alerts") == "ratchet_alerts"
