"""`./ratchet drill`: plant faults in a model's own configuration and data, and show which rule refuses each."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from include.ratchet.cli import show
from include.ratchet.domain.errors import DataError, Skip
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Window
from include.ratchet.tasks import reading

if TYPE_CHECKING:
    import pyarrow as pa

    from include.ratchet.faults.fault import Finding, Shown

_COLOURS = {"refused": "green", "not guarded": "yellow", "other rule": "yellow", "no answer": "yellow", "not caught": "red"}


def run_drill(spec: ModelSpec) -> bool:
    """Plant every fault; return whether none that the configuration guards against got through."""
    from include.ratchet.faults.bed import make
    from include.ratchet.faults.library import FAULTS, control, drill
    from include.ratchet.faults.synthetic import synthetic

    with tempfile.TemporaryDirectory(prefix="ratchet-drill-") as folder:
        try:
            rows, window = _own(spec)
            bed, source = make(spec, rows, window, Path(folder)), f"{rows.num_rows:,} rows of its own"
        except (Skip, DataError) as reason:
            rows, window = synthetic(spec)
            bed, source = make(spec, rows, window, Path(folder)), f"{rows.num_rows:,} made-up rows, since: {reason}"
        show.console.print(f"[bold]{spec.name}[/bold]: {len(FAULTS)} faults on {escape(source)}", highlight=False)
        honest = control(bed)
        _say_control(honest)
        table, findings = _table(), []
        with show.console.status("planting faults"):
            for found in drill(bed, honest, FAULTS):
                findings.append(found)
                colour = _COLOURS[found.result]
                table.add_row(escape(found.fault.name), escape(found.fault.rule), f"[{colour}]{found.result}[/]", escape(found.said))
    show.console.print(table)
    _say_sum(findings)
    return not any(each.result == "not caught" for each in findings)


def _own(spec: ModelSpec) -> tuple[pa.Table, Window]:
    """Read the rows that a training run would be given now."""
    from include.ratchet.steps.frames import check_trainable, labelled

    at = reading.now(spec)
    window = Window(at - spec.training.window if spec.training.window else reading.LONG_AGO, at)
    rows = labelled(reading.transformed(spec, reading.versions(spec), window if spec.columns.time else None), spec)
    check_trainable(rows, spec)
    return rows, window


def _table() -> Table:
    table = Table(box=None, padding=(0, 2))
    for column in ("fault", "its rule", "result", "what was said"):
        table.add_column(column, overflow="fold")
    return table


def _say_control(honest: Shown) -> None:
    if not honest.stops:
        show.console.print("an honest challenger is promoted: what follows is refused for its fault", highlight=False)
    for each in honest.stops:
        show.console.print(
            f"[yellow]an honest challenger is stopped too, by {escape(each.rule)}[/]: {escape(each.sentence)}", highlight=False
        )


def _say_sum(findings: list[Finding]) -> None:
    refused = sum(each.refused for each in findings)
    show.console.print(f"\n{refused} of {len(findings)} faults refused, each by the rule that was named for it", highlight=False)
    missing = sorted({each.said for each in findings if each.result == "not guarded" and not each.said.startswith("nothing")})
    if missing:
        show.console.print(f"not guarded; to add to model.yaml: {'; '.join(missing)}", markup=False, highlight=False)
    for each in findings:
        if each.result in {"not caught", "other rule"}:
            show.console.print(
                f"{each.result}: {each.fault.name}. More test rows (training.split.test) or a tighter key of {each.fault.rule!r} shows it",
                markup=False,
            )
