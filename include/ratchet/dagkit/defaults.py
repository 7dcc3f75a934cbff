"""What all DAGs share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from include.ratchet.dagkit import alerts

START = datetime(2026, 1, 1)  # noqa: DTZ001 - Airflow reads it in its default zone; any past day will do

SEVERAL = 3
"""With one run allowed, the DAG processor that looks while it is active may write "no more" over the scheduler's "one
more" after it has ended, and asset events then wait for the next parse: 20 s in a demo, in which another champion came."""


LATE = timedelta(hours=6)
"""A run of a feed or of a view that has not ended so long after it was queued is late; a model says so itself."""


def dag(stage: str, owner: str, *, subject: str = "", late: timedelta | None = LATE, **more: Any) -> dict[str, Any]:
    """Return the arguments of a DAG.

    One run at a time, unless the stage says `max_active_runs`: two runs would race for the same pending work. A stage
    whose one writing task holds the model's pool may have `SEVERAL`. A foreign failure is retried twice, soon; ours
    never (see `seam`). A task that failed for good is told, and so is a run that has not ended after `late`.
    """
    tags = ["ratchet", stage, *([subject] if subject else [])]
    tries = {"owner": owner, "retries": 2, "retry_delay": timedelta(seconds=10), "on_failure_callback": alerts.TELL}
    more = {"deadline": alerts.deadline(late) if late else None} | more
    return {"start_date": START, "catchup": False, "max_active_runs": 1, "tags": tags, "default_args": tries} | more


def pool(model: str) -> str:
    """Return the pool of one slot that the writing tasks of a model share, so that its DAGs take turns."""
    return f"ratchet_{model}"
