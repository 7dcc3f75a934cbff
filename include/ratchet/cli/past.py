"""The commands of the time machine: who served when, why, back to it, and whether the record is as it was written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from include.ratchet.cli.names import Name, moment, require_model
from include.ratchet.cli.show import console
from include.ratchet.domain import specs
from include.ratchet.domain.chain import HEAD
from include.ratchet.domain.errors import SpecError

if TYPE_CHECKING:
    from include.ratchet.domain.records import Freeze, Trial
    from include.ratchet.domain.reigns import Reign

past = typer.Typer()
audit = typer.Typer(help="Check the ledger's records.", no_args_is_help=True)
past.add_typer(audit, name="audit")

Known = Annotated[str | None, typer.Option(help="As it was recorded by this time; corrections that came later are left out.")]


@past.command()
def champion(
    name: Name,
    at: Annotated[str | None, typer.Option(help="A time, such as 2026-03-01T12:00Z; now when omitted.")] = None,
    known: Known = None,
) -> None:
    """Say which version serves, or served at a time, and by whose decision."""
    from include.ratchet.adapters import open_ledger
    from include.ratchet.domain.reigns import serving_at

    require_model(name)
    when = moment(at) if at else datetime.now(UTC)
    right = serving_at(open_ledger().reigns(name, moment(known) if known else None), when)
    if not right:
        console.print(f"{name}: no champion at {_short(when)} UTC", markup=False, highlight=False)
        raise typer.Exit(1)
    console.print(f"{name} version {right[0].promotion.version}", markup=False, highlight=False)
    console.print(_told(right[0]), markup=False, highlight=False, soft_wrap=True)
    for reign in right[1:]:
        said = f"or already version {reign.promotion.version}: its workers followed until {_short(reign.valid_from)} UTC"
        console.print(said, markup=False, highlight=False, soft_wrap=True)
        console.print(_told(reign), markup=False, highlight=False, soft_wrap=True)


@past.command()
def history(name: Name, known: Known = None) -> None:
    """Show every change of champion: when it was recorded, when it held, who, why, the verdict behind it; and each canary and freeze."""
    from include.ratchet.adapters import open_ledger

    require_model(name)
    ledger, until = open_ledger(), moment(known) if known else None
    found = [(each.promotion.at, _told(each)) for each in ledger.reigns(name, until)]
    if not found:
        console.print(f"{name}: no version has been promoted yet", markup=False, highlight=False)
    found += [(each.at, _tried(each)) for each in ledger.trials(name, "canary")]
    found += [(each.at, _held(each)) for each in ledger.freezes(name)]
    for _, said in sorted((at, said) for at, said in found if until is None or at <= until):
        console.print(said, markup=False, highlight=False, soft_wrap=True)


def _told(reign: Reign) -> str:
    """Say of one change when it was recorded, when it held, who, why, and the verdict behind it."""
    made = reign.promotion
    head = f"#{made.sequence} {made.action} version {made.version}, recorded {_short(made.at)} UTC by {made.who}: {made.why}"
    return f"{head}\n   valid {_span(reign)}; evidence: verdict {made.evidence[:12]}"


def _tried(trial: Trial) -> str:
    """Say how a canary ended."""
    return f"canary of version {trial.version} {'passed' if trial.passed else 'STOPPED'}, {_short(trial.at)} UTC: {trial.why}"


def _held(freeze: Freeze) -> str:
    """Say that promotions were frozen, or thawed."""
    why = f": {freeze.why}" if freeze.why else ""
    return f"{'frozen' if freeze.on else 'thawed'}, {_short(freeze.at)} UTC by {freeze.who}{why}"


@past.command()
def rollback(
    name: Name,
    to: Annotated[int | None, typer.Option(help="A former champion; the one before when omitted.")] = None,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the ledger.")] = "by hand, ./ratchet rollback",
) -> None:
    """Put a former champion back: ledger, aliases, and see the service follow, where one runs."""
    from include.ratchet.cli.chain import roll_back

    require_model(name)
    roll_back(specs.model(name), {"action": "rollback", "version": to, "reason": reason})


@past.command()
def rehearse(name: Name) -> None:
    """Try the way back: the champion before loads, answers, and answers as is recorded of it. Nothing is changed."""
    from include.ratchet.cli.chain import rehearse_rollback

    require_model(name)
    rehearse_rollback(specs.model(name))


@audit.command()
def verify(
    head: Annotated[
        list[str] | None, typer.Option(help="A head that was printed before, such as promotions:3:1f0c...; may be repeated.")
    ] = None,
) -> None:
    """Find any record that was edited, deleted, reordered or inserted; note the heads elsewhere, and nobody can rewrite them all."""
    from include.ratchet.adapters import open_ledger

    found = open_ledger().audit(head or [])
    chains = {each.chain for each in found}
    wrong = [each for each in head or [] if not HEAD.fullmatch(each) or each.partition(":")[0] not in chains]
    if wrong:  # it would be compared with nothing, and be as it was written
        raise SpecError("--head", [f"found {each!r}; allowed is a head as this command prints it, chain:records:sha256" for each in wrong])
    for each in found:
        console.print(f"{each.chain:<14} {each.records:>6} record(s)  head {each.head}", highlight=False, soft_wrap=True)
    faults = [fault for each in found for fault in each.faults]
    for fault in faults:
        console.print("[red]altered[/red]", end=" ")
        console.print(fault, markup=False, highlight=False, soft_wrap=True)
    if faults:
        raise typer.Exit(1)
    console.print("every record is as it was written", highlight=False)


@past.command()
def dora(name: Name, days: Annotated[float, typer.Option(help="Look back so many days.")] = 30.0) -> None:
    """Show how well a model is delivered, and what its runs cost in seconds of compute."""
    from include.ratchet.tasks.delivery import delivery

    require_model(name)
    found, costs = delivery(name, days)
    rate = "none" if found.failure_rate is None else f"{found.failure_rate:.0%}, {found.failed} of {found.deployments} rolled back"
    lines = {
        "deployment frequency": f"{found.per_week or 0:.1f} per week, {found.deployments} in {days:g} days",
        "lead time, data to champion": str(found.lead or "none"),
        "change failure rate": rate,
        "time to restore": str(found.restored or "none"),
    }
    for what, said in lines.items():
        console.print(f"{what:<28} {said}", markup=False, highlight=False)
    table = Table("task", "tries", "seconds", box=None, padding=(0, 2))
    for task, (tries, seconds) in costs.items():
        table.add_row(task, str(tries), f"{seconds:.1f}")
    table.add_row("all", str(sum(tries for tries, _ in costs.values())), f"{sum(seconds for _, seconds in costs.values()):.1f}")
    console.print(table)


@past.command()
def replay(name: Name, version: Annotated[int, typer.Option(help="A registered version.")]) -> None:
    """Make a version again from its recipe; say which stage is the first that differs, and which rows."""
    from include.ratchet.domain.replay import STAGES
    from include.ratchet.tasks.replay import replay as made_again

    require_model(name)
    found = made_again(name, version)
    console.print(f"{name} version {version}", markup=False, highlight=False)
    for stage in STAGES:
        then, now = found.recorded.get(stage, "")[:12], found.found.get(stage, "")[:12]
        console.print(f"  {stage:<12} {found.says(stage):<8} recorded {then}  found {now}", markup=False, highlight=False)
    for said in (*found.notes, *(f"not as it was: {each}" for each in found.different)):
        console.print(f"  {said}", markup=False, highlight=False, soft_wrap=True)
    if found.first is None:
        console.print("every stage was repeated to the last bit", highlight=False)
        return
    code = f"; with the code of then: git worktree add <folder> {then}" if (then := _code_of_then(found.different)) else ""
    console.print(f"the first stage that differs: {found.first}{code}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)


def _code_of_then(different: tuple[str, ...]) -> str:
    """Return the commit that the version was made by, where it is another."""
    said = next((each for each in different if each.startswith("code: was ")), "")
    return said.removeprefix("code: was ").partition(",")[0]


def _span(reign: Reign) -> str:
    until = f" until {_short(reign.valid_to)} UTC" if reign.valid_to else ""
    by = f", confirmed by {reign.confirmed_by} worker(s)" if reign.confirmed_by else ", no service has confirmed it"
    return f"from {_short(reign.valid_from)} UTC{until}{by}"


def _short(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}"[:-3]
