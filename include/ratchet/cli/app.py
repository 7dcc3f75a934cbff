"""The commands. Each one is a few lines: the work is in tasks and local."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from include.ratchet.cli import show
from include.ratchet.cli.alerts import alerts
from include.ratchet.cli.backtest import backtests
from include.ratchet.cli.experiment import experiments
from include.ratchet.cli.holds import holds
from include.ratchet.cli.names import Name, require_model
from include.ratchet.cli.online import online
from include.ratchet.cli.past import past
from include.ratchet.domain import specs
from include.ratchet.domain.errors import SpecError

app = typer.Typer(help="Continuous training on Airflow.", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
app.add_typer(past)
app.add_typer(backtests)
app.add_typer(holds)
app.add_typer(experiments)
app.add_typer(online)
app.add_typer(alerts)

Maybe = Annotated[str | None, typer.Argument(help="A model; all of them when omitted.")]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Name of the feed and the model, snake_case.")],
    data: Annotated[Path, typer.Option(help="A sample: csv, tsv, jsonl or parquet, gzip allowed.")],
    target: Annotated[str, typer.Option(help="The column to predict.")],
    time: Annotated[list[str] | None, typer.Option(help="Event time: one column, or a date and an hour column (twice).")] = None,
) -> None:
    """Describe a feed and a model from a data sample; the result runs as it is."""
    from include.ratchet.local import stack
    from include.ratchet.tasks.scaffold import scaffold

    show.scaffolded(scaffold(name, data, target, time or []))
    if stack.ensure_pools_if_up():
        show.console.print(f"the stack is up: pool ratchet_{name} is made, the DAGs appear within half a minute", markup=False)


@app.command()
def check(
    name: Maybe = None,
    *,
    leakage: Annotated[bool, typer.Option("--leakage", help="Also transform without what came later: no feature may change.")] = False,
) -> None:
    """Read the specs and name every fault, in what the installed packages know too: metrics and estimators."""
    from include.ratchet.tasks.inspect_model import require_sound
    from include.ratchet.tasks.inspect_view import require_sound_view
    from include.ratchet.tasks.leakage import look_ahead

    def sound_model(each: str) -> None:
        require_sound(specs.model(each))
        found = look_ahead(each) if leakage else []
        if found:
            raise SpecError(f"models/{each}: a feature knows the future", found)

    readers: tuple[tuple[str, Callable[[str], object]], ...] = (
        ("feeds", specs.feed),
        ("views", require_sound_view),
        ("models", sound_model),
    )
    faults: list[str] = []
    for kind, read in readers:
        for each in [n for n in specs.names(kind) if name in (None, n)]:
            try:
                read(each)
                show.console.print(f"[green]ok[/green]    {kind}/{escape(each)}")
            except SpecError as error:
                show.console.print(f"[red]fault[/red] {kind}/{escape(each)}")
                faults.extend(error.faults or [error.headline])
                show.console.print("\n".join(f"      {fault}" for fault in error.faults or [error.headline]), markup=False)
    if name and not any(name in specs.names(kind) for kind, _ in readers):
        require_model(name)
    if faults:
        raise typer.Exit(1)


@app.command()
def run(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the ledger.")] = "by hand, ./ratchet run",
    window: Annotated[str, typer.Option(help="History to train on, such as 90d.")] = "",
    candidate: Annotated[list[str] | None, typer.Option(help="Only this candidate; may be repeated.")] = None,
) -> None:
    """Run the whole chain in this process: ingest, train, gate, deploy, score, monitor."""
    from include.ratchet.cli.chain import run_chain
    from include.ratchet.tasks.inspect_model import require_sound

    require_model(name)
    spec = specs.model(name)
    require_sound(spec)
    if not run_chain(spec, {"reason": reason, "window": window, "candidates": candidate or []}):
        raise typer.Exit(1)


@app.command()
def status(name: Maybe = None) -> None:
    """Show champions, last runs and last verdicts."""
    if name is not None:
        require_model(name)
    for each in [name] if name else specs.names("models"):
        show.status(each)


@app.command()
def data(
    name: Name,
    version: Annotated[int, typer.Option(help="A registered version.")],
) -> None:
    """Show which data trained a version, down to batches and files."""
    from include.ratchet.tasks.lineage import trained_on

    require_model(name)
    show.lineage(trained_on(name, version))


@app.command()
def batches(
    name: Annotated[str, typer.Argument(help="A feed of include/feeds.")],
    accept: Annotated[str, typer.Option(help="Take what changed in this stopped batch as right, now and from now on.")] = "",
    reject: Annotated[str, typer.Option(help="End this stopped batch for good.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it is kept in the ledger.")] = "",
) -> None:
    """List a feed's batches with their status; decide about a stopped one."""
    import getpass

    from include.ratchet.tasks import review

    known = specs.names("feeds")
    if name not in known:
        raise SpecError(f"{name}: no such feed", [f"found {name!r}; allowed are {', '.join(known)}{specs.did_you_mean(name, known)}"])
    for action, batch in (("accept", accept), ("reject", reject)):
        if batch:
            show.decision(review.decide(name, action, batch, getpass.getuser(), reason))
    show.batches(name)


@app.command()
def requarantine(
    name: Annotated[str, typer.Argument(help="A feed of include/feeds.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the ledger.")] = "",
) -> None:
    """Judge the quarantined rows of a feed by the rules of today; those that are good now go into the clean table."""
    import getpass

    from include.ratchet.tasks import revise

    batches = revise.requarantine(name, getpass.getuser(), reason)
    show.console.print(f"{len(batches)} batches wait to be repaired; the next run of {name}_ingest does it", markup=False)


@app.command()
def retain() -> None:
    """Remove what has had its time by ratchet.yaml's retention; never what a registered version needs."""
    from include.ratchet.tasks.retain import retain as clean

    show.console.print("removed: " + ", ".join(f"{number} {what}" for what, number in clean().items()), highlight=False)


@app.command()
def drill(name: Name) -> None:
    """Plant some forty faults in a model's own configuration and data; show which rule refuses each."""
    from include.ratchet.cli.drill import run_drill

    require_model(name)
    if not run_drill(specs.model(name)):
        raise typer.Exit(1)


@app.command()
def demo(*, exit: Annotated[bool, typer.Option("--exit", help="Leave after the check.")] = False) -> None:  # noqa: A002 - the option's name
    """Start everything, deliver real flights, and wait until champions serve."""
    from include.ratchet.local.demo import demo as run_demo

    raise typer.Exit(run_demo(exit_after=exit))


@app.command()
def up() -> None:
    """Start Airflow, MLflow and the prediction service on this machine."""
    from include.ratchet.local import stack

    running = stack.up(progress=lambda part, state: show.console.print(f"{part:<14} {state}"))
    show.console.print(
        f"Airflow {running.ports.url('airflow')}  MLflow {running.ports.url('mlflow')}  service {running.ports.url('serving')}/docs"
    )


@app.command()
def down() -> None:
    """Stop every process that was started, and nothing else."""
    from include.ratchet.local import stack

    stopped = stack.down()
    show.console.print("\n".join(stopped) or "nothing was running")


@app.command()
def feed(month: Annotated[str | None, typer.Argument(help="Such as 2013-05; the next one when omitted.")] = None) -> None:
    """Deliver a month of flights."""
    from include.ratchet.local import flights

    made = flights.feed(month)
    show.console.print(
        f"{made.month}: {made.flights} flights, {made.weather} hours of weather" if made.new else f"{made.month}: was delivered before"
    )


@app.command()
def pools(
    beside: Annotated[Path | None, typer.Option(help="What `airflow pools export` wrote: the pools in it are left out.")] = None,
) -> None:
    """Print the Airflow pools that the models need, as `airflow pools import` reads them.

    An import sets the slots of pools that are there, too: `--beside` keeps what an operator set.
    """
    import json

    there = json.loads(beside.read_text(encoding="utf-8")) if beside else {}
    content = {
        f"ratchet_{name}": {"slots": 1, "description": f"One stage of {name} at a time", "include_deferred": False}
        for name in specs.names("models")
        if f"ratchet_{name}" not in there
    }
    typer.echo(json.dumps(content, indent=2))
