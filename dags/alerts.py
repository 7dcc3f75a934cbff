"""Tell people what they should know, and send again what could not be sent.

**Starts on** a sweep every ten minutes, and by hand. What fails, and what a monitor or the gate finds, is told at once
by the task itself; this finds the rest: late data, tasks that were killed, answers that are due.

**Does** compare what holds by the ledger's records with what was told, and send through the channels of `ratchet.yaml`
(`alerts:`). A condition is told once, and again each `repeat` while it holds. **With nothing new** it ends in *skipped*.

**When a channel is down** the messages wait in the ledger, and the next run sends them; `./ratchet alerts` lists them.
"""

from __future__ import annotations

from airflow.sdk import dag

from include.ratchet.dagkit import alerts, defaults, parsing, schedules
from include.ratchet.dagkit.seam import step


@dag(
    dag_id="ratchet_alerts",
    schedule=schedules.ALERTS,
    description="What people should know.",
    doc_md=__doc__,
    **defaults.dag("alerts", "ratchet"),
)
def tell() -> None:
    """Wire the one task."""
    step(alerts.alert)()


if parsing.wants("ratchet_alerts"):
    tell()
