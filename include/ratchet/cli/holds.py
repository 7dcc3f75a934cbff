"""What a person says about deployments at the command line: approve, freeze, thaw."""

from __future__ import annotations

from typing import Annotated

import typer

from include.ratchet.cli.names import Name, require_model
from include.ratchet.domain import specs

holds = typer.Typer()
Why = Annotated[str, typer.Option(help="Why; it is kept in the ledger.")]


@holds.command()
def approve(
    name: Name,
    version: Annotated[int | None, typer.Option(help="A blessed version; the one that waits when omitted.")] = None,
    reason: Why = "",
    *,
    reject: Annotated[bool, typer.Option("--reject", help="Say no.")] = False,
) -> None:
    """Agree that a blessed version may serve, or say no; the next deploy goes by it."""
    from include.ratchet.cli.chain import answer

    require_model(name)
    answer(specs.model(name), version, agreed=not reject, reason=reason)


@holds.command()
def freeze(name: Name, reason: Why = "") -> None:
    """Let nothing be promoted until `thaw`; rollbacks go on."""
    _hold(name, "freeze", reason)


@holds.command()
def thaw(name: Name, reason: Why = "") -> None:
    """End a freeze."""
    _hold(name, "thaw", reason)


def _hold(name: str, action: str, reason: str) -> None:
    from include.ratchet.cli.chain import hold

    require_model(name)
    hold(specs.model(name), action, reason)
