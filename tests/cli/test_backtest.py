"""`./ratchet backtest`: what it prints, and what it refuses."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from typer.testing import CliRunner

from include.ratchet.cli.app import app
from include.ratchet.cli.backtest import _table
from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.steps.backtest import summary
from tests.steps.test_backtest import every, never, replayed, uneven
from tests.tiny import MODEL, Project


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["buy"], SpecError, "did you mean 'buys'"),
        (
            [MODEL, "--policy", "los"],
            SpecError,
            "found 'los'; allowed are never, every, drift, loss, both, configured; did you mean 'loss'",
        ),
        ([MODEL], DataError, "feed visits: found no merged batch"),
    ],
)
def test_what_cannot_be_replayed(project: Project, words: list[str], error: type[Exception], said: str) -> None:
    """An unknown model or policy, and a project without a past, are said before any work."""
    assert project.include.exists()
    with pytest.raises(error) as raised:
        CliRunner().invoke(app, ["backtest", *words], catch_exceptions=False)
    assert said in str(raised.value)


def test_the_table() -> None:
    """One line a policy: how often it trained, what came of it, what it cost, its quality, and the difference; in 80 columns."""
    content = summary(replayed({"never": never(8), "every": every(8)}, uneven))
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(_table(content))
    lines = console.export_text().splitlines()
    assert lines[1].split()[:6] == ["never", "1", "1", "0", "0", "2"]
    assert lines[1].rstrip().endswith("open")
    assert lines[2].rstrip().endswith("reference")
