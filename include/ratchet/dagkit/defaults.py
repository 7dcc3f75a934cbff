"""What all DAGs share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

START = datetime(2026, 1, 1)  # noqa: DTZ001 - Airflow reads it in its default zone; any past day will do

SEVERAL = 3
"""With one run allowed, the DAG processor that looks while it is active may write "no more" over the scheduler's "one
more" after it has ended, and asset events then wait for the next parse: 20 s in a demo, in which another champion came."""


def dag(stage: str, owner: str, *, subject: str = "", **more: Any) -> dict[str, Any]:
    """Return the arguments of a DAG.

    One run at a time, unless the stage says `max_active_runs`: two runs would race for the same pending work. A stage
    whose one writing task holds the model's pool may have `SEVERAL`. A foreign failure is retried twice, soon; ours
    never (see `seam`).
    """
    tags = ["ratchet", stage, *([subject] if subject else [])]
    tries = {"owner": owner, "retries": 2, "retry_delay": timedelta(seconds=10)}
    return {"start_date": START, "catchup": False, "max_active_runs": 1, "tags": tags, "default_args": tries} | more


def pool(model: str) -> str:
    """Return the pool of one slot that the writing tasks of a model share, so that its DAGs take turns."""
    return f"ratchet_{model}"
