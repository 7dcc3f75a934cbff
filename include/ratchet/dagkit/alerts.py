"""Tell people: Airflow's notifiers for e-mail, webhook and SNS, and what calls them.

A task that fails for good, or after which something may be known, looks at its own subject at once; the sweep
(`dags/alerts.py`) looks at all of them, and sends what could not be sent. Nothing here ever fails a task.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import TaskInstanceState
from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from include.ratchet.dagkit.connections import AirflowConnections
from include.ratchet.domain.alertspec import Channel
from include.ratchet.domain.errors import Skip

PROCESS = "_AIRFLOW_PROCESS_CONTEXT"
"""What Airflow sets to "client" in the processes of its DAG processor and of tasks."""
ENDED = ("success", "failed")


class Tell(BaseNotifier):
    """Looks at the subject of the task that has just ended, and tells what is new."""

    def notify(self, context: Any) -> None:
        """Look, and send; what goes wrong is logged by Airflow's notifier, and the task's end stays as it is."""
        from include.ratchet.tasks import alerts, seam

        run = context["dag_run"]
        failed = getattr(context["ti"], "state", None) == TaskInstanceState.FAILED  # its `str` is the enum's name, not "failed"
        seam.ask_first(AirflowConnections())
        alerts.look([alerts.subject_of(run.dag_id)], settled=run.run_id if failed else "")
        alerts.send(deliver, fresh=True)


TELL = Tell()


def alert() -> dict[str, int]:
    """Look at all subjects, and send what waits.

    Raises:
        Skip: There was nothing to tell.
    """
    from include.ratchet.tasks import alerts

    told, sent = len(alerts.look()), alerts.send(deliver)
    if not told and not sent:
        message = "nothing new to tell"
        raise Skip(message)
    return {"told": told, "sent": sent}


def deadline(within: timedelta) -> DeadlineAlert | None:
    """Return what tells people that a run has not ended so long after it was queued; None outside of the scheduler's parts.

    `dag.test()` of Airflow 3.3.2 takes a deadline for the number of one in its database, and fails; so only what the
    DAG processor hands to the scheduler has one.
    """
    if os.environ.get(PROCESS) != "client":
        return None
    callback = SyncCallback(late, kwargs={"seconds": within.total_seconds()})
    return DeadlineAlert(reference=DeadlineReference.DAGRUN_QUEUED_AT, interval=within, callback=callback)


def late(context: Any, seconds: float) -> None:
    """Tell that the run of the context is late; the executor calls it."""
    from include.ratchet.tasks import alerts, seam

    run = context["dag_run"]
    if run.get("state") in ENDED:  # Airflow forgets the deadline of a run that succeeded, and not of one that failed
        return
    seam.ask_first(AirflowConnections())
    alerts.late(run["dag_id"], run["dag_run_id"], timedelta(seconds=seconds))
    alerts.send(deliver, fresh=True)


def deliver(channel: Channel, headline: str, body: str) -> None:
    """Send one message by the provider's notifier; its texts are not templates, so it is called past its rendering."""
    _notifier(channel, headline, body).notify({})


def _notifier(channel: Channel, headline: str, body: str) -> Any:
    if channel.kind == "smtp":
        from html import escape

        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        content = "<br>\n".join(escape(body).splitlines())
        sender = channel.sender or None
        return SmtpNotifier(list(channel.to), sender, headline, content, smtp_conn_id=channel.connection_id)
    if channel.kind == "webhook":
        from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

        text = f"*{headline}*\n{body}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        return SlackWebhookNotifier(slack_webhook_conn_id=channel.connection_id, text=text, timeout=10)
    from airflow.providers.amazon.aws.notifications.sns import SnsNotifier

    return SnsNotifier(aws_conn_id=channel.connection_id, target_arn=channel.to[0], message=body, subject=headline)
