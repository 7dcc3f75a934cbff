"""Progress reads as lines where there is no terminal, and as a table where there is one."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from rich.console import Console

from include.ratchet.local.view import View
from include.ratchet.local.watch import Run

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _run(state: str = "running", tasks: tuple[str, ...] = ("fit[0]",)) -> Run:
    return Run("m_train", "r1", state, NOON, NOON if state == "success" else None, tasks)


def _view(*, terminal: bool) -> tuple[View, io.StringIO]:
    text = io.StringIO()
    return View(Console(file=text, force_terminal=terminal, width=100)), text


def test_only_changes_are_printed() -> None:
    """The same state twice is one line; between two tasks there is nothing to tell."""
    view, text = _view(terminal=False)
    with view:
        for run in (_run(), _run(), _run(tasks=()), _run("success", ())):
            view.runs([run], "champions")
    lines = text.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("fit[0]")
    assert "m_train" in lines[1]
    assert "success" in lines[1]


def test_a_terminal_shows_a_table_with_what_is_waited_for() -> None:
    """The table is taken away at the end, so that the report stands alone."""
    view, text = _view(terminal=True)
    with view:
        view.runs([_run()], "the champions")
    assert "waiting for the champions" in text.getvalue()
    assert "m_train" in text.getvalue()


def test_text_is_printed_as_it_is() -> None:
    """Brackets are no markup, long lines are not wrapped: a curl must survive being copied."""
    view, text = _view(terminal=False)
    view.say(f"curl -d '[1]' [bold] {'x' * 200}")
    assert f"[bold] {'x' * 200}\n" in text.getvalue()


def test_a_part_of_the_stack_is_told_with_its_state() -> None:
    """One line per part: starting, then well."""
    view, text = _view(terminal=False)
    view.part("mlflow", "well")
    assert text.getvalue().split() == ["0.0", "s", "mlflow", "well"]
