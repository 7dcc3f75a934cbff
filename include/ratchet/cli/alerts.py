"""`./ratchet alerts`: what stands, and which messages wait."""

from __future__ import annotations

import typer

from include.ratchet.cli import show

alerts = typer.Typer()


@alerts.command(name="alerts")
def stand() -> None:
    """Look at all models and feeds now; list what stands, and the messages that wait to be sent."""
    from include.ratchet.tasks.alerts import look

    look()
    show.alerts()
