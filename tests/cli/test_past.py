"""The time machine as people type it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner, Result

from include.ratchet.adapters import open_ledger, open_registry
from include.ratchet.cli.app import app
from include.ratchet.domain.config import load_config
from include.ratchet.domain.errors import DeployError, SpecError
from include.ratchet.domain.records import Freeze, Trial
from include.ratchet.domain.reigns import Confirmation
from tests.tiny import MODEL, Project


def _run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), catch_exceptions=False)


def _said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    made = CliRunner().invoke(app, list(words), env={"TERM": "dumb"})
    assert isinstance(made.exception, SystemExit | None), made.exception
    return " ".join((made.output + capsys.readouterr().out).split())


def test_before_the_first_promotion(blessed: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing serves, and both commands say so."""
    assert blessed.run_id == "next"
    assert "buys: no champion at" in _said(capsys, "champion", MODEL)
    assert "no version has been promoted yet" in _said(capsys, "history", MODEL)


def test_who_served_when(serving: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """At any time: the version, or both of a changeover; who decided, why, and the verdict behind it."""
    serving.promote(reason="it is better")
    ledger = open_ledger()
    first, second = (each.promotion for each in ledger.reigns(MODEL))
    ledger.confirm(Confirmation(MODEL, 1, "w", first.at))
    ledger.confirm(Confirmation(MODEL, 2, "w", second.at + timedelta(seconds=2)))
    assert "no champion" in _said(capsys, "champion", MODEL, "--at", (first.at - timedelta(seconds=1)).isoformat())
    then = _said(capsys, "champion", MODEL, "--at", (second.at - timedelta(milliseconds=1)).isoformat())
    assert then.startswith("buys version 1 #1 promote version 1")
    during = _said(capsys, "champion", MODEL, "--at", (second.at + timedelta(seconds=1)).isoformat())
    assert during.startswith("buys version 1 #1 promote version 1")
    assert "or already version 2: its workers followed until" in during
    after = _said(capsys, "champion", MODEL, "--at", (second.at + timedelta(seconds=3)).isoformat())
    assert after.startswith("buys version 2 #2 promote version 2")
    assert f"by tester: it is better valid from {second.at + timedelta(seconds=2):%Y-%m-%dT%H:%M:%S}" in after
    assert f"confirmed by 1 worker(s); evidence: verdict {second.evidence[:12]}" in after
    assert "version 1" in _said(capsys, "champion", MODEL, "--known", first.at.isoformat())


def test_roll_back_and_see_it_in_the_history(serving: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """The version before serves again, in the ledger and by the alias; the history tells both changes and the reason."""
    serving.promote()
    said = _said(capsys, "rollback", MODEL, "--reason", "complaints")
    assert "done buys_deploy.promote" in said
    assert open_ledger().champion(MODEL) == 1
    assert open_registry().load(MODEL, 1)
    history = _said(capsys, "history", MODEL)
    assert "#3 rollback version 1, recorded" in history
    assert "complaints" in history
    with pytest.raises(DeployError, match="was never champion; a rollback goes to one of 1, 2"):
        _run("rollback", MODEL, "--to", "9")


def test_the_history_tells_what_stood_in_the_way(serving: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A stopped canary, a freeze and its end stand between the promotions, in order of time; none that was not known yet."""
    ledger, at = open_ledger(), datetime.now(UTC)
    ledger.tried(Trial(MODEL, 2, "canary", "v", False, "20 of 401 requests failed", 33.5, at))  # noqa: FBT003
    ledger.freeze(Freeze(MODEL, True, "ann", "holidays", at + timedelta(seconds=1)))  # noqa: FBT003
    ledger.freeze(Freeze(MODEL, False, "bob", "", at + timedelta(seconds=2)))  # noqa: FBT003
    assert serving.run_id
    said = _said(capsys, "history", MODEL)
    parts = (
        "#1 promote version 1",
        "canary of version 2 STOPPED, ",
        "UTC: 20 of 401 requests failed",
        "frozen, ",
        "by ann: holidays",
        "by bob",
    )
    assert sorted(parts, key=said.index) == list(parts)
    assert "STOPPED" not in _said(capsys, "history", MODEL, "--known", (at - timedelta(seconds=1)).isoformat())


def test_the_audit_names_what_was_altered(serving: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Sound at first, with heads to note; one changed word later the record is named, and the code is 1."""
    assert serving.run_id == "next"
    sound = _said(capsys, "audit", "verify")
    assert "every record is as it was written" in sound
    head = next(word for word in sound.split() if word.startswith("promotions:1:"))
    assert "every record is as it was written" in _said(capsys, "audit", "verify", "--head", head)
    for wrong in (
        "nonsense",
        head.replace("promotions", "promotion"),
        "promotions",
        head[:-1],
    ):  # compared with no chain it would be as it was written
        with pytest.raises(SpecError, match=f"found '{wrong}'; allowed is a head as this command prints it"):
            _run("audit", "verify", "--head", wrong)
    with create_engine(load_config().ledger_place).begin() as connection:
        connection.execute(text("UPDATE promotions SET who = 'nobody'"))
    assert _run("audit", "verify").exit_code == 1
    assert "altered promotions buys/1: edited after it was recorded" in _said(capsys, "audit", "verify")
    assert "this head was noted" in _said(capsys, "audit", "verify", "--head", f"promotions:7:{'a' * 64}")
