"""The demo's last page: what was decided, by which figures, and where to go from here."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from rich.console import Console

from include.ratchet.domain.config import Config
from include.ratchet.domain.errors import DeployError
from include.ratchet.domain.records import Disposition, Signal, Verdict
from include.ratchet.local import report
from include.ratchet.local.loop import DemoError
from include.ratchet.local.ports import Ports
from include.ratchet.local.proof import Answer
from include.ratchet.local.view import View

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger

NEW = Verdict("m", 2, "r2", "refuse", "Worse than the champion.", ())
OLD = Verdict("m", 1, "r1", "promote", "All rules passed.", (), figures={"metric": "roc_auc", "challenger": 0.71, "snapshot": "abc"})


class _Ledger:
    """Holds a champion that was judged before a challenger that was refused."""

    def __init__(self, champion: int | None) -> None:
        """Name the champion."""
        self._champion = champion

    def champion(self, _model: str) -> int | None:
        """Return it."""
        return self._champion

    def verdicts(self, _model: str) -> list[Verdict]:
        """Return both verdicts, newest first."""
        return [NEW, OLD]

    def reports(self, _model: str) -> list[dict[str, Any]]:
        """Return one monitor report."""
        return [{"sentence": "26611 matured predictions"}]

    def signals(self, _model: str) -> list[tuple[Signal, Disposition]]:
        """Return the one reason of one run."""
        why = Signal("m", "degradation", "d", {"metric": "roc_auc", "was": 0.7181}, datetime(2013, 4, 30, tzinfo=UTC), 1)
        return [(why, Disposition(1, "started", "", "r2"))]


def _conclude(config: Config, champion: int | None, monkeypatch: pytest.MonkeyPatch) -> str:
    text = io.StringIO()
    answer = Answer("m", 1, {"x": 1.0}, 0.25, 0.25)
    monkeypatch.setattr("include.ratchet.local.report.ask_both", lambda *_: answer)
    report.conclude(config, Ports(8081, 5001, 8091), View(Console(file=text, width=80)), cast("Ledger", _Ledger(champion)), ["m"])
    return text.getvalue()


def test_the_champion_s_own_verdict_is_shown(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the newest one, when a later challenger was refused."""
    text = _conclude(config, 1, monkeypatch)
    assert "champion is version 1" in text
    assert "All rules passed." in text
    assert "challenger 0.71" in text
    assert "26611 matured predictions" in text
    assert "Worse" not in text


def test_it_says_where_to_look_and_how_to_ask(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three addresses with the chosen ports, and a curl on one line."""
    text = _conclude(config, 1, monkeypatch)
    assert all(url in text for url in ("http://127.0.0.1:8081", "http://127.0.0.1:5001", "http://127.0.0.1:8091/docs"))
    assert [line for line in text.splitlines() if line.startswith("curl -s http://127.0.0.1:8091/v1/models/m:predict")]


def test_without_a_champion_there_is_nothing_to_conclude(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo fails rather than praise nothing."""
    with pytest.raises(DeployError, match="no champion"):
        _conclude(config, None, monkeypatch)


def test_it_says_why_runs_started(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the numbers, as the arbiter recorded them; where a kind of trigger started none, the demo has failed to show it."""
    assert "degradation  m                metric roc_auc, was 0.7181" in _conclude(config, 1, monkeypatch)
    with pytest.raises(DemoError, match="started by schedule, new_data, drift, manual; "):
        report.require_reasons(cast("Ledger", _Ledger(1)), ["flight_delay", "flight_duration"])
