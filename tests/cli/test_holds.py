"""Approve, freeze and thaw as people type them."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from include.ratchet.adapters import open_ledger
from include.ratchet.cli.app import app
from include.ratchet.tasks import choose
from tests.tiny import MODEL, Project


def _run(*words: str) -> int:
    return CliRunner().invoke(app, list(words), catch_exceptions=False).exit_code


def _said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    made = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert made.exit_code == 0
    return " ".join((made.output + capsys.readouterr().out).split())


def test_a_freeze_and_its_end(serving: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """Who and why are kept, and what holds now is said: nothing was skipped."""
    assert serving.home.exists()
    said = _said(capsys, "freeze", MODEL, "--reason", "holidays")
    assert re.search(r"done buys_deploy.hold .* buys: promotions are frozen since .* by \S+: holidays", said)
    held = open_ledger().frozen(MODEL)
    assert held is not None
    assert held.why == "holidays"
    assert "buys: promotions are free" in _said(capsys, "thaw", MODEL)
    assert open_ledger().frozen(MODEL) is None


def test_an_answer_about_the_version_that_waits(serving: Project) -> None:
    """A no is an answer as well."""
    plan = serving.run(choose.choose, MODEL, stage="deploy")
    open_ledger().explain(plan["evidence"], "d" * 64, "http://there")
    assert _run("approve", MODEL, "--reject", "--reason", "too odd") == 0
    known = open_ledger().agreement(plan["evidence"], "d" * 64)
    assert known is not None
    assert (known.agreed, known.why) == (False, "too odd")
