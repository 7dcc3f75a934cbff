"""What the command line prints."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from include.ratchet.domain.online import parity_said

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger
    from include.ratchet.domain.records import Json, Verdict
    from include.ratchet.domain.skew import Decision
    from include.ratchet.tasks.scaffold import ScaffoldReport

console = Console()
_COLOURS = {
    "promote": "green",
    "refuse": "red",
    "inconclusive": "yellow",
    "pass": "green",
    "fail": "red",
    "merged": "green",
    "stopped": "red",
    "rejected": "yellow",
}


def scaffolded(report: ScaffoldReport) -> None:
    """Show what the scaffolder found and wrote."""
    for fact in report.facts:
        console.print(f"  {fact}", markup=False, highlight=False)
    for warning in report.warnings:
        console.print("[yellow]warning[/yellow]", end=" ")
        console.print(warning, markup=False, highlight=False)
    for file in report.files:
        console.print(f"[green]wrote[/green] {escape(str(file))}")
    for step in report.next_steps:
        console.print(f"next: {step}", markup=False)


def verdict(found: Verdict) -> None:
    """Show the verdict, the figures and every rule."""
    colour = _COLOURS[found.outcome]
    who = f"[bold]{found.model} version {found.version}[/bold] ([cyan]{escape(str(found.figures.get('candidate')))}[/cyan])"
    console.print(f"\n{who}  [{colour}]{found.outcome}[/]")
    console.print(f"  {found.sentence}", markup=False)
    figures = found.figures
    metric = figures.get("metric")
    said = ", ".join(f"{who} {figures[who]:.4g}" for who in ("challenger", "champion", "baseline") if figures.get(who) is not None)
    console.print(f"  holdout {metric}: {said}; {figures.get('test_rows')} rows in {figures.get('test_blocks')} blocks", highlight=False)
    table = Table(box=None, padding=(0, 2))
    for column in ("rule", "kind", "result", "what was found"):
        table.add_column(column)
    for rule in found.rules:
        table.add_row(escape(rule.rule), rule.kind, f"[{_COLOURS[rule.result]}]{rule.result}[/]", escape(rule.sentence))
    console.print(table)


def lineage(found: Json) -> None:
    """Show a version's data: its snapshot, and each table's batches."""
    window = found["window"]
    console.print(f"[bold]{found['model']} version {found['version']}[/bold]: {found['rows']} labelled rows", highlight=False)
    console.print(f"  snapshot {found['snapshot'][:12]}, window {window['start']} to {window['end']}", highlight=False)
    for table in found["tables"]:
        console.print(f"\n  {table['feed']} at table version {table['version']}", highlight=False)
        rows = Table(box=None, padding=(0, 2))
        for column in ("batch", "rows", "landed (UTC)", "from"):
            rows.add_column(column, overflow="fold")
        for each in table["batches"]:
            rows.add_row(each["sha"][:12], str(each["rows"]), each["landed_at"][:16], escape(each["uri"]))
        console.print(rows)


def decision(made: Decision) -> None:
    """Say what was decided about a batch, and what happens next."""
    console.print(f"{made.action}ed batch {made.batch[:12]}, by {made.who}: {made.why}", markup=False, highlight=False)
    for change in made.changes:
        console.print(f"  from now on: {change.said}", markup=False, highlight=False)
    if made.action == "accept":
        console.print(f"next: the next run of {made.feed}_ingest takes it in", markup=False)


def batches(feed: str) -> None:
    """List a feed's batches, the newest first: status, rows, where each came from, and why it waits."""
    from include.ratchet.adapters import open_ledger

    table = Table(box=None, padding=(0, 2))
    for column in ("batch", "status", "rows", "bad", "landed (UTC)", "from, and why it waits"):
        table.add_column(column, overflow="fold")
    for each in reversed(open_ledger().batches(feed)):
        said = escape(each.uri + (f"\n{each.reason}" if each.status in {"stopped", "rejected"} else ""))
        sizes = ("" if n is None else str(n) for n in (each.rows, each.quarantined))
        table.add_row(
            each.write_id[:12],
            f"[{_COLOURS.get(each.status, 'default')}]{each.status}[/]",
            *sizes,
            f"{each.landed_at:%Y-%m-%d %H:%M}",
            said,
        )
    console.print(table if table.row_count else f"{feed}: nothing has landed yet")


def status(model: str) -> None:
    """Show one model: champion, last runs, last verdicts."""
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    changes = ledger.promotions(model, limit=3)
    head = f"version {changes[0].version} since {changes[0].at:%Y-%m-%d %H:%M} UTC, by {escape(changes[0].who)}" if changes else "none yet"
    console.print(f"\n[bold]{model}[/bold]  champion: {head}", highlight=False)
    _tried(model, ledger)
    table = Table(box=None, padding=(0, 2))
    for column in ("run", "started (UTC)", "why", "verdict"):
        table.add_column(column, overflow="fold")
    verdicts = {each.run_id: each for each in ledger.verdicts(model)}
    for run in ledger.runs(model, limit=5):
        found = verdicts.get(run.run_id)
        said = f"[{_COLOURS[found.outcome]}]{found.outcome}[/] version {found.version}: {escape(found.sentence)}" if found else "no verdict"
        table.add_row(escape(run.run_id), f"{run.started_at:%Y-%m-%d %H:%M}", escape(run.reason), said)
    if table.row_count:
        console.print(table)
    pending = ledger.signals(model, pending=True)
    for signal, disposition in pending:
        console.print(f"  pending: {signal.kind}, {disposition.reason or 'not looked at yet'}", markup=False)
    reports = ledger.reports(model, limit=1)
    if reports:
        for part in (reports[0], reports[0].get("estimated"), reports[0].get("labels")):
            if part:
                console.print(f"  monitor: {part['sentence']}", markup=False)
        for each in reports[0].get("parity", ()):
            console.print(f"  online against offline: {parity_said(each)}", markup=False, highlight=False)


def _tried(model: str, ledger: Ledger) -> None:
    """Show what answers beside the champion, a freeze, and how the last trials ended."""
    for route in [each for each in ledger.routes(model) if each.until is None]:
        what = f"{route.mode} of version {route.version} since {route.since:%Y-%m-%d %H:%M} UTC, {route.fraction:.0%} of the entities"
        console.print(f"  {what}", markup=False)
    if frozen := ledger.frozen(model):
        console.print(f"  {frozen.sentence}", markup=False)
    for trial in [each for kind in ("canary", "rehearsal") for each in ledger.trials(model, kind)[:1]]:
        said = f"{trial.why}, {trial.seconds:.1f} s, {trial.at:%Y-%m-%d %H:%M} UTC"
        console.print(f"  {trial.kind} of version {trial.version}: {'passed' if trial.passed else 'FAILED'}; {said}", markup=False)


def alerts(subjects: Collection[str] | None = None) -> None:
    """Show the alerts that stand, of some subjects or all; with all, the messages that wait, too."""
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    standing = [each for each in ledger.alerts() if subjects is None or each.subject in subjects]
    for each in standing:
        head = f"{escape(each.subject)}: {escape(each.condition)}"
        console.print(f"\n[red]alert[/]   [bold]{head}[/], since {each.since:%Y-%m-%d %H:%M} UTC", highlight=False)
        console.print("\n".join(f"  {line}" for line in each.said.splitlines()), markup=False, highlight=False)
    if subjects is not None:
        return
    if not standing:
        console.print("no alert stands")
    for message in ledger.messages():
        why = f"tried {message.tries} times, {message.error}" if message.tries else "not tried yet"
        console.print(f"waits: {message.headline}, for {message.channel}; {why}", markup=False, highlight=False)
