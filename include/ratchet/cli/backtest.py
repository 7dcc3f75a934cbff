"""`./ratchet backtest`: replay a model's own past under policies, and recommend when to train."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from include.ratchet.cli.names import Name, require_model
from include.ratchet.cli.show import console
from include.ratchet.domain import backtest as replays
from include.ratchet.domain import specs
from include.ratchet.domain.records import Json

backtests = typer.Typer()


@backtests.command()
def backtest(
    name: Name,
    windows: Annotated[int, typer.Option(help="Into how many windows the history is cut.")] = 12,
    policy: Annotated[
        list[str] | None, typer.Option(help="Only this policy; may be repeated: " + ", ".join(replays.POLICIES) + ".")
    ] = None,
    search: Annotated[str, typer.Option(help="Search parameters once, in the oldest window that can train, or in every one.")] = "once",
    jobs: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = os.cpu_count() or 1,
) -> None:
    """Replay the history under policies: never, every window, on drift, on loss, both, as configured; recommend triggers.

    Nothing of the project changes. What was done is kept: a backtest that was ended goes on where it was.
    """
    from include.ratchet.tasks.inspect_model import require_sound

    require_model(name)
    asked = policy or []
    replays.named(asked)
    spec = specs.model(name)
    require_sound(spec)
    place, content = _replayed(spec.name, asked, (windows, search), jobs)
    console.print(_table(content))
    means = f"quality: mean {content['metric']} of {len(content['counted'])} windows, and the mean difference to {content['reference']}"
    console.print(means, markup=False)
    for each, why in content["left_out"].items():
        console.print(f"{each} was left out: {why}", markup=False, soft_wrap=True)
    console.print(content["recommendation"]["sentence"], markup=False)
    console.print(
        yaml.safe_dump({"triggers": content["recommendation"]["triggers"]}, sort_keys=False), markup=False, highlight=False, end=""
    )
    console.print(f"page: {place}", markup=False, soft_wrap=True)


def _replayed(model: str, asked: list[str], cut: tuple[int, str], jobs: int) -> tuple[Path, Json]:
    """Replay with a progress bar."""
    from include.ratchet.backtest import planning, reporting, running

    with running.alone(model):
        made = planning.plan(specs.model(model), *cut)
        policies, left_out = planning.possible(made, asked)
        columns = BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
        with Progress(*columns, console=console, transient=True) as progress:
            bar = progress.add_task("reading the past", total=running.total(made, policies))
            models, found = running.replay(made, policies, jobs, lambda done: progress.update(bar, advance=1, description=done))
        return reporting.report(made, models, found, left_out)


def _table(content: Json) -> Table:
    """Show a line per policy in 80 columns; the intervals are on the page."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for heading in ("policy", "trained", "promoted", "refused", "open", "cpu s", "quality", f"to {content['reference']}", "shown"):
        table.add_column(heading, justify="left" if heading in {"policy", "shown"} else "right", no_wrap=True)
    counted = set(content["counted"])
    for each in content["policies"]:
        values = [point["value"] for point in each["quality"] if point["number"] in counted]
        mean = f"{sum(values) / len(values):.4g}" if values else "-"
        against = each["against"]
        difference = "-" if not against or against["estimate"] is None else f"{against['estimate']:+.2g}"
        shown = against["result"] if against else "reference"
        counts = [str(each[key]) for key in ("trainings", "promoted", "refused", "inconclusive")]
        table.add_row(each["name"], *counts, f"{each['seconds']:.0f}", mean, difference, shown)
    return table
