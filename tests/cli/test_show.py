"""What the command line prints of a model."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.cli import show
from include.ratchet.domain.records import Freeze, Route
from include.ratchet.tasks import score
from tests.tiny import DAYS, MODEL, Project, visits


def _said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.usefixtures("project")
def test_a_new_model_has_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """No champion, no runs, no error."""
    show.status(MODEL)
    assert _said(capsys) == "buys champion: none yet"


def test_status_shows_champion_runs_and_verdicts(serving: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Which version serves since when and by whom; each run with its reason and its verdict."""
    assert serving.include.exists()
    show.status(MODEL)
    said = _said(capsys)
    assert "champion: version 1 since" in said
    assert "by tester" in said
    assert "promote version 2" in said
    assert "manual: reason by hand" in said


def test_status_shows_a_canary_under_way_and_a_freeze(serving: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Who answers beside the champion, for whom, since when; and why nothing is promoted."""
    assert serving.include.exists()
    ledger, at = open_ledger(), datetime(2026, 1, 1, tzinfo=UTC)
    ledger.route(Route(MODEL, 2, "canary", 0.3, at))
    ledger.freeze(Freeze(MODEL, True, "ann", "holidays", at))  # noqa: FBT003
    show.status(MODEL)
    said = _said(capsys)
    assert "canary of version 2 since 2026-01-01 00:00 UTC, 30% of the entities" in said
    assert "promotions are frozen since 2026-01-01 00:00 UTC by ann: holidays" in said
    ledger.end_routes(MODEL, at)
    show.status(MODEL)
    assert "canary of version 2" not in _said(capsys)


def test_status_shows_what_waits_and_the_last_report(serving: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A pending signal with its reason, and the monitor's sentence."""
    from include.ratchet.tasks import monitor

    serving.run(score.score, MODEL, stage="score")
    serving.deliver("more.csv", visits(DAYS, 21, flipped=True))
    serving.ingest()
    serving.run(score.score, MODEL, stage="score")
    serving.run(monitor.signal, serving.run(monitor.measure, MODEL, stage="monitor"), stage="monitor")
    show.status(MODEL)
    said = _said(capsys)
    assert "pending: degradation, not looked at yet" in said
    assert "monitor: 800 matured out-of-sample predictions" in said
    assert "online against offline" not in said
    counts = {"view": "v", "answers": 5, "compared": 5, "equal": 4, "behind": 1, "different": 0, "gone": 0}
    open_ledger().report(MODEL, "zz", 1, {"sentence": "all is well", "parity": [counts]}, datetime.now(UTC))
    show.status(MODEL)
    assert "monitor: all is well online against offline: v: 5 of 5 answers compared" in _said(capsys)


def test_what_people_wrote_is_shown_as_it_is(landed: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A reason may look like markup; it is neither read as such nor dropped."""
    from include.ratchet.tasks import arbitrate

    landed.run(arbitrate.arbitrate, MODEL, reason="[/x] because [red]I[/red] say so")
    show.status(MODEL)
    assert "[/x] because [red]I[/red] say so" in _said(capsys)


def test_a_verdict_is_shown_rule_by_rule(serving: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Outcome, candidate, figures of all three models, and every rule with what was found."""
    assert serving.include.exists()
    found = open_ledger().verdicts(MODEL)[0]
    show.verdict(found)
    said = _said(capsys)
    assert "buys version 2 (tree) promote" in said
    assert "holdout roc_auc: challenger" in said
    for rule in found.rules:
        assert rule.rule in said
