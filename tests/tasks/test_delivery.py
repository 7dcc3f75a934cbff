"""Delivery, as the ledger of a project tells it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from typer.testing import CliRunner

from include.ratchet.cli.app import app
from include.ratchet.tasks.delivery import delivery
from tests.tiny import MODEL, Project


def test_the_figures_of_a_project(serving: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Two promotions, one of them rolled back; the time since the file landed; seconds of every task."""
    serving.promote()
    serving.promote(action="rollback")
    found, costs = delivery(MODEL, 1)
    assert (found.deployments, found.failed) == (2, 1)
    assert found.lead
    assert found.restored
    assert timedelta(0) < found.restored < found.lead < timedelta(hours=1)
    assert {"buys_ingest.merge", "buys_train.fit", "buys_deploy.promote"} <= set(costs)
    assert costs["buys_train.fit"][0] == 3
    made = CliRunner().invoke(app, ["dora", MODEL], catch_exceptions=False)
    said = made.output + capsys.readouterr().out
    assert "50%, 1 of 2 rolled back" in said
    assert "buys_train.judge" in said
