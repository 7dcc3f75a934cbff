"""The rows of the table: ours, the floor or peer beside it, the ratio, the goal, and whether it is met."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

COLUMNS = ("what", "ours", "floor or peer", "ratio", "goal", "met", "note")
_FEW = 10


@dataclass(frozen=True)
class Row:
    """One measured figure beside what it is compared with.

    `limit` is the largest allowed value of `ours`, or of the ratio when `of_ratio`; None where there is no goal.
    """

    what: str
    ours: float
    unit: str = "s"
    peer: float | None = None
    peer_name: str = ""
    limit: float | None = None
    of_ratio: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over the peer."""
        return self.ours / self.peer if self.peer else None

    @property
    def met(self) -> bool | None:
        """Say whether the goal is reached; None where there is none."""
        value = self.ratio if self.of_ratio else self.ours
        return None if self.limit is None or value is None else value <= self.limit

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, in the order of `COLUMNS`."""
        peer = f"{_short(self.peer)} {self.unit} ({self.peer_name})" if self.peer is not None else ""
        goal = "" if self.limit is None else f"<= {self.limit:g}{' x' if self.of_ratio else ' ' + self.unit}"
        met = {None: "", True: "met", False: "NOT met"}[self.met]
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else ""
        return (self.what, f"{_short(self.ours)} {self.unit}", peer, ratio, goal, met, self.note)


def show(rows: Sequence[Row], title: str, console: Console) -> None:
    """Print rows on the terminal."""
    table = Table(title=title, title_justify="left", expand=False)
    for name in COLUMNS:
        table.add_column(name, overflow="fold")
    for row in rows:
        colour = {None: None, True: "green", False: "red"}[row.met]
        table.add_row(*row.cells(), style=colour)
    console.print(table)


def markdown(sections: dict[str, list[Row]]) -> str:
    """Return all rows as one page, with the date, the commit and the machine that made them."""
    lines = ["# Benchmarks", "", f"Made by `make bench`. {stamp()}", ""]
    lines += ["Trust ratios, not seconds: both sides of a row come from the same run.", ""]
    for title, rows in sections.items():
        lines += [f"## {title}", "", f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
        lines += [f"| {' | '.join(row.cells())} |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def stamp() -> str:
    """Say when, of which commit, and where."""
    memory = psutil.virtual_memory().total / 2**30
    machine = f"{psutil.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}, {platform.system()}"
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit()}, {machine}."


def commit() -> str:
    """Return the short commit, marked when tracked files differ from it; "unknown" outside a checkout."""
    root = Path(__file__).resolve().parents[1]
    command = ("git", "describe", "--always", "--dirty", "--abbrev=10")
    try:
        said = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
    except OSError:
        return "unknown"
    return said.stdout.strip() or "unknown"


def _short(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 * _FEW else f"{value:.1f}" if abs(value) >= _FEW else f"{value:.3f}"
