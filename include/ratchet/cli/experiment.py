"""`./ratchet experiment`: try candidates; nothing is registered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from include.ratchet.cli.names import Name, require_model
from include.ratchet.cli.show import console
from include.ratchet.domain import specs
from include.ratchet.domain.records import Json

experiments = typer.Typer()


@experiments.command()
def experiment(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; it is kept in MLflow.")] = "",
    window: Annotated[str, typer.Option(help="History to train on, such as 90d.")] = "",
    candidate: Annotated[list[str] | None, typer.Option(help="Only this candidate; may be repeated.")] = None,
    overrides: Annotated[
        Path | None, typer.Option("--with", help="YAML or JSON: other candidates, folds, budget or seed than in model.yaml.")
    ] = None,
) -> None:
    """Fit and compare candidates on the data that is in the lake; track them in MLflow, register nothing."""
    from include.ratchet.cli.chain import try_out

    require_model(name)
    changes = specs.read_yaml(overrides) if overrides else {}
    params = {"reason": reason, "window": window, "candidates": candidate or [], "experiment": True, "overrides": changes}
    fitted = try_out(specs.model(name, training=changes), params)
    console.print(_table(fitted))


def _table(fitted: list[Json]) -> Table:
    table = Table(box=None, padding=(0, 2))
    for heading in ("candidate", "score", "folds", "trials", "seconds", "best parameters"):
        table.add_column(heading, justify="left" if heading in {"candidate", "best parameters"} else "right")
    for each in sorted(fitted, key=lambda one: -one["score"]):
        best = ", ".join(f"{key}={value}" for key, value in each["best"]["params"].items()) or "defaults"
        folds = " ".join(f"{score:.4g}" for score in each["best"]["scores"])
        table.add_row(each["name"], f"{each['score']:.5g}", folds, str(len(each["trials"])), f"{each['seconds']:.1f}", best)
    return table
