"""Commands about the online store of the feature views."""

from __future__ import annotations

from typing import Annotated

import typer

from include.ratchet.cli import show
from include.ratchet.domain import specs
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.online import parity_said

online = typer.Typer()


@online.command()
def parity(view: Annotated[str, typer.Argument(help="A view of include/views.")]) -> None:
    """Replay what the online store answered through the join that training uses; fail when they differ."""
    from include.ratchet.tasks.online import parity as replay

    known = specs.names("views")
    if view not in known:
        hint = specs.did_you_mean(view, known)
        raise SpecError(f"{view}: no such view", [f"found {view!r}; allowed are {', '.join(known) or '(none yet)'}{hint}"])
    made = replay(view)
    show.console.print(parity_said(made), markup=False, highlight=False)
    for each in made["examples"]:
        entity, at = ", ".join(each["entity"]), each["at"]
        show.console.print(f"  {entity} at {at}: online {each['online']}, offline {each['offline']}", markup=False, highlight=False)
    if made["different"]:
        raise typer.Exit(1)
