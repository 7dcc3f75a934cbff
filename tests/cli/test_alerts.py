"""`./ratchet alerts`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from typer.testing import CliRunner

from include.ratchet.cli.app import app
from include.ratchet.tasks import alerts
from tests.tiny import MODEL, Project


def test_it_lists_what_stands_and_what_waits(landed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each alert with its four answers, each message with its channel; nothing stands without one."""
    assert "no alert stands" in CliRunner().invoke(app, ["alerts"]).output
    monkeypatch.setenv("RATCHET__ALERTS__CHANNELS", '[{"kind": "webhook"}]')
    alerts.late(f"{MODEL}_train", "r", timedelta(hours=6))
    said = CliRunner().invoke(app, ["alerts"]).output
    assert landed.home.exists()
    assert f"{MODEL}: {MODEL}_train is late, since" in said
    assert "  What you may do: Look in Airflow" in said
    assert f"waits: Ratchet: {MODEL}: {MODEL}_train is late, for webhook slack_default; not tried yet" in said
