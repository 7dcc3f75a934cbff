"""Turn a task body into an Airflow task: its context in, its errors out."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from airflow.sdk import PokeReturnValue, get_current_context, task
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.ratchet.dagkit.connections import AirflowConnections
from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import RatchetError, Skip

_log = logging.getLogger(__name__)


def step(body: Callable[..., Any], **options: Any) -> Any:
    """Make an Airflow task of a body.

    `Skip` ends as *skipped*, with its reason in the log, the ledger and the XCom `reason`; an error of ours as *failed*, with the
    same, without a retry, since trying again gives the same answer; a foreign error (network, locks) is raised as it is, and
    retried.
    """

    @functools.wraps(body)
    def call(*args: Any, **kwargs: Any) -> Any:
        result = _run(body, *args, **kwargs)
        if isinstance(result, dict):
            if reason := result.get("reason"):
                get_current_context()["ti"].xcom_push("reason", reason)  # a line of its own in the UI: why this run started
            for asset in options.get("outlets", ()):  # the event says what it is about: a version, a page
                get_current_context()["outlet_events"][asset].extra = result
        return result

    return task(**options)(call) if options else task(call)


def look(body: Callable[..., Any], *, every: timedelta, within: timedelta, **options: Any) -> Any:
    """Make an Airflow sensor of a body that returns None while it is to look again; between looks it holds no worker."""

    @functools.wraps(body)
    def call(*args: Any, **kwargs: Any) -> PokeReturnValue:
        result = _run(body, *args, **kwargs)
        return PokeReturnValue(is_done=result is not None, xcom_value=result)

    return task.sensor(poke_interval=every.total_seconds(), timeout=within.total_seconds(), mode="reschedule", **options)(call)


def _run(body: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    from include.ratchet.tasks.seam import ask_first, run_task

    ask_first(AirflowConnections())
    try:
        return run_task(_context(), body, *args, **kwargs)
    except Skip as skip:
        _log.info("%s", skip)  # Airflow's own line of it is in a part of the page that is folded
        get_current_context()["ti"].xcom_push("reason", str(skip))  # where a task that ran shows why it did
        raise AirflowSkipException(str(skip)) from None
    except RatchetError as error:
        _log.error("%s", error)  # a line to read: the page cuts off the one above Airflow's traceback
        get_current_context()["ti"].xcom_push("reason", str(error))
        raise AirflowFailException(str(error)) from error


def _context() -> TaskContext:
    airflow = get_current_context()
    instance, run = airflow["ti"], airflow["dag_run"]
    by = getattr(run, "triggering_user_name", None)
    kind = getattr(run.run_type, "value", str(run.run_type))
    start, end = getattr(run, "data_interval_start", None), getattr(run, "data_interval_end", None)
    return TaskContext(
        dag_id=instance.dag_id,
        run_id=run.run_id,
        task_id=instance.task_id,
        map_index=instance.map_index if instance.map_index is not None else -1,
        try_number=instance.try_number,
        run_type=kind,
        executor=conf.get("core", "executor"),
        who=by or "airflow",
        params=dict(airflow["params"]),
        bundle=_bundle(getattr(instance, "bundle_instance", None)),
        interval=(start, end) if kind == "backfill" and start and end else None,
    )


def _bundle(bundle: Any) -> str | None:
    """Name the bundle, with its version where it has versions."""
    if bundle is None:
        return None
    return f"{bundle.name}@{bundle.version}" if bundle.version else str(bundle.name)
