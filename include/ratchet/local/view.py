"""What the demo shows: a live table on a terminal, one line per change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from include.ratchet.local.watch import Run, newest_of_each

_COLOURS = {"success": "green", "running": "cyan", "failed": "red", "queued": "yellow", "skipped": "magenta"}


class View:
    """Shows progress; enter it for the time in which the table is live."""

    def __init__(self, console: Console) -> None:
        """Count seconds from now."""
        self.console = console
        self._began = time.monotonic()
        self._live: Live | None = None
        self._shown: dict[tuple[str, str], tuple[str, tuple[str, ...]]] = {}

    def __enter__(self) -> Self:
        """Start the live table, on a terminal."""
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take the live table away."""
        if self._live:
            self._live.stop()
            self._live = None

    @property
    def seconds(self) -> float:
        """Time since the start [s]."""
        return time.monotonic() - self._began

    def say(self, text: str, style: str = "") -> None:
        """Print one line with the time."""
        self.console.print(f"{self.seconds:6.1f} s  {text}", style=style or None, markup=False, highlight=False, soft_wrap=True)

    def part(self, name: str, state: str) -> None:
        """Tell that a part of the stack starts or is well."""
        self.say(f"{name:14} {state}", "green" if state == "well" else "dim")

    def runs(self, runs: Sequence[Run], waiting_for: str) -> None:
        """Show what runs."""
        if self._live:
            self._live.update(_table(runs, f"{self.seconds:.0f} s, waiting for {waiting_for}"))
            return
        for run in reversed(runs):
            now = (run.state, run.tasks)
            moved = run.tasks or run.ended  # between two tasks there is nothing to tell
            if moved and self._shown.get((run.dag, run.id)) != now:
                self._shown[run.dag, run.id] = now
                self.say(f"{run.dag:28} {run.state:8} {run.seconds:5.1f} s  {', '.join(run.tasks)}".rstrip())


def _table(runs: Sequence[Run], title: str) -> Table:
    table = Table(title=title, title_justify="left", expand=False)
    for name in ("DAG", "state", "s", "now", "run"):
        table.add_column(name, justify="right" if name == "s" else "left", no_wrap=True)
    for run in newest_of_each(runs):
        colour = _COLOURS.get(run.state, "white")
        table.add_row(run.dag, f"[{colour}]{run.state}[/]", f"{run.seconds:.0f}", ", ".join(run.tasks)[:60], run.id[:36], style=None)
    return table
