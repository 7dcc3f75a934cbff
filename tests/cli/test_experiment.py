"""`./ratchet experiment`: candidates side by side, from the command line."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from include.ratchet.adapters import open_ledger
from include.ratchet.cli.app import app
from include.ratchet.domain.errors import SpecError
from tests.tiny import MODEL, Project


def test_candidates_are_compared_and_nothing_is_kept(landed: Project) -> None:
    """A table with the best first, where it is tracked, and no run in the ledger."""
    (landed.home / "other.yaml").write_text("candidates: [{name: tree, params: {max_depth: 1}}]\nfolds: 2\n", encoding="utf-8")
    command = ["experiment", MODEL, "--with", str(landed.home / "other.yaml"), "--candidate", "tree", "--candidate", "logistic"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    said = done.output
    assert done.exit_code == 0
    assert "tracked and never registered: logistic" in said
    lines = said.splitlines()
    assert next(i for i, line in enumerate(lines) if line.strip().startswith("logistic ")) < next(
        i for i, line in enumerate(lines) if line.strip().startswith("tree ")
    )
    assert "max_depth=1" in said
    assert open_ledger().runs(MODEL) == []


def test_a_model_that_is_not_there(project: Project) -> None:
    """The nearest one is offered."""
    assert project.include.exists()
    with pytest.raises(SpecError, match="did you mean 'buys'"):
        CliRunner().invoke(app, ["experiment", "buy"], catch_exceptions=False)
